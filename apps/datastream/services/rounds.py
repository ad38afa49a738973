"""Demo games, and rounds of them: mere inserts, as another program would make them."""

import random
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apps.datastream.models import Game, Round

DEMO_GAMES = {
    "crash": ("Crash", "multiplier"),
    "moonshot": ("Moonshot", "multiplier"),
    "dice": ("Dice", "luck"),
    "wheel": ("Wheel", "luck"),
}


def ensure_demo_games() -> list[Game]:
    """The demo games, by their slugs; those that are missing are made."""
    Game.objects.bulk_create(
        [Game(slug=slug, name=name, type=kind) for slug, (name, kind) in DEMO_GAMES.items()],
        ignore_conflicts=True,
    )
    return list(Game.objects.filter(slug__in=DEMO_GAMES).order_by("slug"))


@transaction.atomic
def play_rounds(games: Sequence[Game], *, count: int) -> list[str]:
    """Insert `count` rounds of these games in one commit; the slugs of those that were played."""
    played = random.choices(games, k=count)  # noqa: S311 - a game of demonstration
    Round.objects.bulk_create([Round(game=game, extras=_outcome(game.type)) for game in played])
    return [game.slug for game in played]


def _outcome(game_type: str) -> dict[str, Any]:
    if game_type == "multiplier":
        return {"multiplier": round(1 / (1 - random.random() * 0.99), 2)}  # noqa: S311
    return {"number": random.randint(1, 36)}  # noqa: S311
