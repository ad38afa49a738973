"""HTTP in, one call, HTTP out: games, and rounds as the bytes that they are kept in."""

from collections.abc import Sequence

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.datastream.api.serializers.games import (
    GameOutput,
    GamesOutput,
    RoundOutput,
    RoundsInput,
    RoundsOutput,
)
from apps.datastream.selectors import rounds as selectors
from veza.kit.api.etags import etag_of, not_modified, set_etag

NO_GAME = OpenApiResponse(description="`game_not_found`: there is no game with this slug")
NO_TYPE = OpenApiResponse(description="`game_type_not_found`: there is no game of this type")
NO_ROUND = OpenApiResponse(description="`game_not_found`, or `round_not_found`: it has no round")
LIVE = "Live they are in the rooms `game:{slug}`, `game-type:{type}` and `games`."


class GamesView(APIView):
    """Open to everyone."""

    permission_classes = ()

    @extend_schema(
        operation_id="games_list",
        tags=["games"],
        summary="All games",
        description="By their slugs, at most 10,000, on one page.",
        responses={200: GamesOutput},
        auth=[],
    )
    def get(self, request: Request) -> Response:
        games = GameOutput(selectors.list_games(), many=True).data
        return Response({"results": games, "next": None, "previous": None})


class LatestRoundView(APIView):
    """Open to everyone."""

    permission_classes = ()

    @extend_schema(
        operation_id="games_latest_round",
        tags=["games"],
        summary="The newest round of a game",
        description=LIVE,
        responses={200: RoundOutput, 304: OpenApiResponse(description="As it was"), 404: NO_ROUND},
        auth=[],
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        return _answer(request, selectors.latest_round(slug))


class RoundsView(APIView):
    """Open to everyone."""

    permission_classes = ()

    @extend_schema(
        operation_id="games_rounds",
        tags=["games"],
        summary="The newest rounds of a game",
        description=f"Newest first. {LIVE}",
        parameters=[RoundsInput],
        responses={200: RoundsOutput, 304: OpenApiResponse(description="As it was"), 404: NO_GAME},
        auth=[],
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        return _answer(request, _page(selectors.list_rounds(slug, limit=_limit(request))))


class RoundsOfTypeView(APIView):
    """Open to everyone."""

    permission_classes = ()

    @extend_schema(
        operation_id="game_types_rounds",
        tags=["games"],
        summary="The newest rounds of all games of a type",
        description=f"Newest first. {LIVE}",
        parameters=[RoundsInput],
        responses={200: RoundsOutput, 304: OpenApiResponse(description="As it was"), 404: NO_TYPE},
        auth=[],
    )
    def get(self, request: Request, game_type: str) -> HttpResponse:
        limit = _limit(request)
        return _answer(request, _page(selectors.list_rounds_of_type(game_type, limit=limit)))


def _limit(request: Request) -> int:
    form = RoundsInput(data=request.query_params)
    form.is_valid(raise_exception=True)
    limit: int = form.validated_data["limit"]
    return limit


def _page(rounds: Sequence[bytes]) -> bytes:
    return b'{"results":[%b],"next":null,"previous":null}' % b",".join(rounds)


def _answer(request: Request, body: bytes) -> HttpResponse:
    """Kept by nobody without asking: the next round may be there already."""
    etag = etag_of(body)
    response = HttpResponse(status=304) if not_modified(request, etag) else HttpResponse(body)
    response["Content-Type"] = "application/json"
    response["Cache-Control"] = "no-cache"
    set_etag(response, etag)
    return response
