"""HTTP in, one call, HTTP out: games, and rounds as the bytes that they are kept in."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.datastream.api.serializers.games import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    GameOutput,
    RoundOutput,
    RoundsInput,
    RoundsOutput,
)
from apps.datastream.api.views.answers import answer
from apps.datastream.models import Game
from apps.datastream.rules.pages import Edge, RoundPage, page_json
from apps.datastream.selectors import rounds as selectors
from veza.kit.api.cursors import Cursor, encode_cursor
from veza.kit.api.pagination import (
    CursorPagination,
    read_cursor,
    read_limit,
    refuse_ordering,
)
from veza.kit.api.requests import absolute_url

NO_GAME = OpenApiResponse(description="`game_not_found`: there is no game with this slug")
NO_TYPE = OpenApiResponse(description="`game_type_not_found`: there is no game of this type")
NO_ROUND = OpenApiResponse(description="`game_not_found`, or `round_not_found`: it has no round")
PAGES = "Newest first; `next` leads to older ones, `previous` to those that came since."
LIVE = "Live they are in the rooms `game:{slug}`, `game-type:{type}` and `games`."


class GamePages(CursorPagination):
    """As long as those of rounds."""

    default_limit = DEFAULT_LIMIT
    max_limit = MAX_LIMIT
    ordering_fields = ("slug",)
    ordering = "slug"


class GamesView(ListAPIView):
    """Open to everyone."""

    permission_classes = ()
    serializer_class = GameOutput
    pagination_class = GamePages

    def get_queryset(self) -> QuerySet[Game]:
        return selectors.list_games()

    @extend_schema(operation_id="games_list", tags=["games"], summary="All games", auth=[])
    def get(self, request: Request) -> Response:
        return self.list(request)


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
        return answer(request, selectors.latest_round(slug))


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
        return answer(request, _linked(request, page, of=f"game:{slug}", limit=limit))


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
        return answer(request, _linked(request, page, of=f"game-type:{game_type}", limit=limit))


def page_of_all_games() -> dict[str, Any] | None:
    """The list as it is answered to who asks for no part of it; None where it has more pages."""
    games = list(selectors.list_games().order_by("slug")[: DEFAULT_LIMIT + 1])
    if len(games) > DEFAULT_LIMIT:
        return None
    return {"results": GameOutput(games, many=True).data, "next": None, "previous": None}


def link_to(path: str, edge: Edge, *, of: str, limit: int) -> str:
    """The address of the page beyond an edge, below the host."""
    cursor = encode_cursor(
        Cursor(
            list_name=of, is_backward=edge.is_backward, value=edge.finished_at, row_id=edge.number
        )
    )
    return f"{path}?limit={limit}&cursor={cursor}"


def _wanted(request: Request, *, of: str) -> tuple[int, Edge | None]:
    refuse_ordering(request)
    limit = read_limit(request, default=DEFAULT_LIMIT, most=MAX_LIMIT)
    cursor = read_cursor(request, list_name=of)
    return limit, Edge(cursor.value, cursor.row_id, cursor.is_backward) if cursor else None


def _linked(request: Request, page: RoundPage, *, of: str, limit: int) -> bytes:
    return page_json(
        page, lambda edge: absolute_url(request, link_to(request.path, edge, of=of, limit=limit))
    )
