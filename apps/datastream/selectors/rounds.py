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
from apps.datastream.rules.rounds import Played, is_word, read_extras, round_document, to_json
from veza.integrations.projection import ProjectionUnavailableError, projection

MAX_GAMES = 10_000

_NEWEST = """
SELECT r.id, r.finished_at, r.extras::text, g.id, g.slug, g.type
  FROM unnest(%s::uuid[]) AS wanted(id)
  JOIN datastream_game g ON g.id = wanted.id
 CROSS JOIN LATERAL (
       SELECT id, finished_at, extras FROM datastream_round
        WHERE game_id = g.id ORDER BY finished_at DESC, id DESC LIMIT %s
       ) AS r
 ORDER BY r.finished_at DESC, r.id DESC LIMIT %s
"""


def list_games() -> QuerySet[Game]:
    """The first MAX_GAMES by their slugs."""
    return Game.objects.order_by("slug")[:MAX_GAMES]


def latest_round(slug: str) -> bytes:
    """The newest round of a game as JSON. Raises GameNotFoundError and RoundNotFoundError."""
    found = _projected_latest(slug)
    if found is not None:
        return found
    rounds = _newest([_game(slug)], limit=1)
    if not rounds:
        raise RoundNotFoundError
    return rounds[0]


def list_rounds(slug: str, *, limit: int) -> list[bytes]:
    """The newest rounds of a game as JSON, newest first. Raises GameNotFoundError."""
    found = _projected(slug, limit=limit)
    return found or _newest([_game(slug)], limit=limit)


def list_rounds_of_type(game_type: str, *, limit: int) -> list[bytes]:
    """The newest rounds of all games of a type. Raises GameTypeNotFoundError."""
    found = _projected(f"type:{game_type}", limit=limit) if is_word(game_type) else []
    if found:
        return found
    games = list(Game.objects.filter(type=game_type)) if is_word(game_type) else []
    if not games:
        raise GameTypeNotFoundError(game_type)
    return _newest(games, limit=limit)


def _projected_latest(slug: str) -> bytes | None:
    if not is_word(slug):
        return None
    try:
        return projection().latest(slug)
    except (LookupError, ProjectionUnavailableError):
        return None


def _projected(key: str, *, limit: int) -> list[bytes]:
    """None of them where PostgreSQL is to be asked, also whether there is such a thing at all."""
    try:
        return projection().history(key, limit=limit)
    except (LookupError, ProjectionUnavailableError):
        return []


def _game(slug: str) -> Game:
    game = Game.objects.filter(slug=slug).first() if is_word(slug) else None
    if game is None:
        raise GameNotFoundError(slug)
    return game


def _newest(games: list[Game], *, limit: int) -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [[game.pk for game in games], limit, limit])
        return [_document(row) for row in cursor.fetchall()]


def _document(row: tuple[Any, ...]) -> bytes:
    number, finished_at, extras, game_id, slug, kind = row
    game = Played(id=game_id, slug=slug, type=kind)
    document = round_document(
        number=number, game=game, finished_at=finished_at, extras=read_extras(extras)
    )
    return to_json(document).encode()
