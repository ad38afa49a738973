"""Reading games and rounds: from the projection where there is one, else from their tables."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet

from apps.datastream.errors import (
    GameNotFoundError,
    GameTypeNotFoundError,
    RoundNotFoundError,
)
from apps.datastream.models import Game
from apps.datastream.rules.pages import Edge, RoundPage, newest_page
from apps.datastream.rules.rounds import Played, is_word, told
from veza.integrations.projection import ProjectionUnavailableError, projection

_PAGE = """
SELECT r.id, r.finished_at, r.extras::text, g.id, g.slug, g.type
  FROM unnest(%s::uuid[]) AS wanted(id)
  JOIN datastream_game g ON g.id = wanted.id
 CROSS JOIN LATERAL (
       SELECT id, finished_at, extras FROM datastream_round
        WHERE game_id = g.id {beyond}
        ORDER BY finished_at {way}, id {way} LIMIT %s
       ) AS r
 ORDER BY r.finished_at {way}, r.id {way} LIMIT %s
"""
_NEWEST = _PAGE.format(beyond="", way="DESC")
_OLDER = _PAGE.format(beyond="AND (finished_at, id) < (%s, %s)", way="DESC")
_NEWER = _PAGE.format(beyond="AND (finished_at, id) > (%s, %s)", way="ASC")


def list_games() -> QuerySet[Game]:
    """All of them."""
    return Game.objects.all()


def latest_round(slug: str) -> bytes:
    """The newest round of a game as JSON. Raises GameNotFoundError and RoundNotFoundError."""
    found = _projected_latest(slug)
    if found is not None:
        return found
    page = _page([_game(slug)], limit=1, edge=None)
    if not page.rounds:
        raise RoundNotFoundError
    return page.rounds[0]


def list_rounds(slug: str, *, limit: int, edge: Edge | None = None) -> RoundPage:
    """Rounds of a game as JSON, newest first: the newest, or those beyond an edge.

    Raises GameNotFoundError.
    """
    if edge is None and (found := _projected(slug, limit=limit)):
        return found
    return _page([_game(slug)], limit=limit, edge=edge)


def list_rounds_of_type(game_type: str, *, limit: int, edge: Edge | None = None) -> RoundPage:
    """Rounds of all games of a type, likewise. Raises GameTypeNotFoundError."""
    if edge is None and is_word(game_type):
        found = _projected(f"type:{game_type}", limit=limit)
        if found:
            return found
    games = list(Game.objects.filter(type=game_type)) if is_word(game_type) else []
    if not games:
        raise GameTypeNotFoundError(game_type)
    return _page(games, limit=limit, edge=edge)


def _projected_latest(slug: str) -> bytes | None:
    if not is_word(slug):
        return None
    try:
        return projection().latest(slug)
    except (LookupError, ProjectionUnavailableError):
        return None


def _projected(key: str, *, limit: int) -> RoundPage | None:
    """None where PostgreSQL is to be asked, also whether there is such a thing at all."""
    try:
        found = projection().history(key, limit=limit + 1)
    except (LookupError, ProjectionUnavailableError):
        return None
    return newest_page(found, limit=limit) if found else None


def _game(slug: str) -> Game:
    game = Game.objects.filter(slug=slug).first() if is_word(slug) else None
    if game is None:
        raise GameNotFoundError(slug)
    return game


def _page(games: list[Game], *, limit: int, edge: Edge | None) -> RoundPage:
    ids = [game.pk for game in games]
    if edge is None:
        return newest_page(_rounds(_NEWEST, ids, limit + 1, limit + 1), limit=limit)
    place = (edge.finished_at, edge.number)
    if edge.is_backward:
        found = _rounds(_NEWER, ids, *place, limit + 1, limit + 1)
        return RoundPage(found[:limit][::-1], has_older=bool(found), has_newer=len(found) > limit)
    found = _rounds(_OLDER, ids, *place, limit + 1, limit + 1)
    return RoundPage(found[:limit], has_older=len(found) > limit, has_newer=bool(found))


def _rounds(statement: str, *values: Any) -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [_document(row) for row in cursor.fetchall()]


def _document(row: tuple[Any, ...]) -> bytes:
    number, finished_at, extras, game_id, slug, kind = row
    game = Played(id=game_id, slug=slug, type=kind)
    round_ = told(number=number, game=game, finished_at=finished_at, extras=extras)
    return round_.document.encode()
