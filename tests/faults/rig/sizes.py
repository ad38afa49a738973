"""How long and how hard: VEZA_FAULTS=small (part of `make test`), medium, large."""

import os
import random
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Size:
    """One of three; times in seconds, `seeds` are those of the nemesis."""

    name: str
    periods: int
    period_s: float
    seeds: tuple[int, ...]
    sse: int
    sockets: int
    publishers: int
    api_writers: int
    pause_s: float
    inverted: int
    resumes: int
    slow: int
    storm: int
    frozen_s: float
    kills: int
    rounds_per_s: int
    rows: int


def _seeds(count: int) -> tuple[int, ...]:
    """VEZA_FAULTS_SEED repeats a run; otherwise each run draws its own."""
    if given := os.environ.get("VEZA_FAULTS_SEED"):
        return tuple(int(seed) for seed in given.split(","))
    return tuple(random.SystemRandom().randrange(1_000_000) for _ in range(count))


_NAME = os.environ.get("VEZA_FAULTS", "small")

SIZE = {
    "small": Size(
        name="small", periods=3, period_s=1.0, seeds=_seeds(1), sse=4, sockets=4, publishers=2,
        api_writers=2, pause_s=0.04, inverted=96, resumes=40, slow=6, storm=60, frozen_s=2.0,
        kills=5, rounds_per_s=200, rows=20_000,
    ),
    "medium": Size(
        name="medium", periods=12, period_s=4.0, seeds=_seeds(2), sse=15, sockets=15, publishers=4,
        api_writers=4, pause_s=0.03, inverted=500, resumes=200, slow=40, storm=400, frozen_s=8.0,
        kills=20, rounds_per_s=500, rows=200_000,
    ),
    "large": Size(
        name="large", periods=60, period_s=10.0, seeds=_seeds(5), sse=50, sockets=50, publishers=8,
        api_writers=6, pause_s=0.03, inverted=500, resumes=1000, slow=200, storm=1000,
        frozen_s=20.0, kills=60, rounds_per_s=500, rows=200_000,
    ),
}[_NAME]  # fmt: skip
