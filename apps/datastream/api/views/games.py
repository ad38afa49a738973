"""HTTP in, one call, HTTP out: games, and rounds as the bytes that they are kept in."""

from typing import Any

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
from apps.datastream.rules.pages import Edge, RoundPage, page_json
from apps.datastream.selectors import rounds as selectors
from veza.kit.api.cursors import Cursor, decode_cursor, encode_cursor
from veza.kit.api.etags import etag_of, not_modified, set_etag
from veza.kit.api.requests import absolute_url

NO_GAME = OpenApiResponse(description="`game_not_found`: there is no game with this slug")
NO_TYPE = OpenApiResponse(description="`game_type_not_found`: there is no game of this type")
NO_ROUND = OpenApiResponse(description="`game_not_found`, or `round_not_found`: it has no round")
PAGES = "Newest first; `next` leads to older ones, `previous` to those that came since."
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
        return Response(games_page())


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
        summary="The rounds of a game",
        description=f"{PAGES} {LIVE}",
        parameters=[RoundsInput],
        responses={200: RoundsOutput, 304: OpenApiResponse(description="As it was"), 404: NO_GAME},
        auth=[],
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        limit, edge = _wanted(request, of=f"game:{slug}")
        page = selectors.list_rounds(slug, limit=limit, edge=edge)
        return _answer(request, _linked(request, page, of=f"game:{slug}", limit=limit))


class RoundsOfTypeView(APIView):
    """Open to everyone."""

    permission_classes = ()

    @extend_schema(
        operation_id="game_types_rounds",
        tags=["games"],
        summary="The rounds of all games of a type",
        description=f"{PAGES} {LIVE}",
        parameters=[RoundsInput],
        responses={200: RoundsOutput, 304: OpenApiResponse(description="As it was"), 404: NO_TYPE},
        auth=[],
    )
    def get(self, request: Request, game_type: str) -> HttpResponse:
        limit, edge = _wanted(request, of=f"game-type:{game_type}")
        page = selectors.list_rounds_of_type(game_type, limit=limit, edge=edge)
        return _answer(request, _linked(request, page, of=f"game-type:{game_type}", limit=limit))


def games_page() -> dict[str, Any]:
    """All games as they are answered."""
    games = GameOutput(selectors.list_games(), many=True).data
    return {"results": games, "next": None, "previous": None}


def link_to(path: str, edge: Edge, *, of: str, limit: int) -> str:
    """The address of the page beyond an edge, below the host."""
    cursor = encode_cursor(
        Cursor(
            list_name=of, is_backward=edge.is_backward, value=edge.finished_at, row_id=edge.number
        )
    )
    return f"{path}?limit={limit}&cursor={cursor}"


def _wanted(request: Request, *, of: str) -> tuple[int, Edge | None]:
    form = RoundsInput(data=request.query_params)
    form.is_valid(raise_exception=True)
    text = form.validated_data.get("cursor")
    if text is None:
        return form.validated_data["limit"], None
    cursor = decode_cursor(text, list_name=of)
    return form.validated_data["limit"], Edge(cursor.value, cursor.row_id, cursor.is_backward)


def _linked(request: Request, page: RoundPage, *, of: str, limit: int) -> bytes:
    return page_json(
        page, lambda edge: absolute_url(request, link_to(request.path, edge, of=of, limit=limit))
    )


def _answer(request: Request, body: bytes) -> HttpResponse:
    """Kept by nobody without asking: the next round may be there already."""
    etag = etag_of(body)
    response = HttpResponse(status=304) if not_modified(request, etag) else HttpResponse(body)
    response["Content-Type"] = "application/json"
    response["Cache-Control"] = "no-cache"
    set_etag(response, etag)
    return response
