"""The tables of a run. Ratios above 1 say that Veza does better than the server of that line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deploy.load.bench.scenarios import Arrival, Figure, middle, middle_arrival

FIRST = {"ws": "veza", "sse": "veza-sse"}
_HEAD = (
    f"{'':17}{'deliveries/s':>13}{'ratio':>7}{'CPU s/M':>9}{'ratio':>7}{'p50 ms':>9}{'p99 ms':>9}"
    f"{'core':>6}{'client':>8}{'lost':>6}{'load':>6}"
)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """`ratio` of a peer's figure to ours that is wanted; `of` picks the figure (less is better)."""

    text: str
    peer: str
    crowd: str
    load: str
    wanted: float
    of: Callable[[Figure], float]


def line(figure: Figure, first: Figure | None) -> str:
    """One server of a table; ratios to `first`."""
    seen = figure.seen
    faster = first.per_s / figure.per_s if first and figure.per_s else float("nan")
    cheaper = figure.cpu_s_per_million / first.cpu_s_per_million if first else float("nan")
    marks = "".join(
        f"  {count} {what}"
        for count, what in ((seen.doubled, "doubled"), (seen.dropped, "dropped"))
        if count
    )
    return (
        f"{figure.target.name:17}{figure.per_s:13,.0f}{faster:7.2f}{figure.cpu_s_per_million:9.2f}"
        f"{cheaper:7.2f}{seen.p50_ms:9.2f}{seen.p99_ms:9.2f}{figure.share:6.0%}"
        f"{figure.client_share:8.0%}{seen.lost:6}{figure.others:6.1f}{marks}"
    )


def tables(figures: Sequence[Figure], arrivals: Sequence[Arrival]) -> str:
    """All that was measured, the median of the rounds."""
    parts = [
        _table(kind, rows)
        for kind in FIRST
        for rows in _grouped([each for each in figures if each.target.kind == kind])
    ]
    return "\n\n".join([*parts, _arrivals(arrivals)])


def _grouped(figures: Sequence[Figure]) -> list[list[Figure]]:
    rounds: dict[tuple[str, str], dict[str, list[Figure]]] = {}
    for each in figures:
        table = rounds.setdefault((each.crowd.name, each.load.name), {})
        table.setdefault(each.target.name, []).append(each)
    return [[middle(each) for each in table.values()] for table in rounds.values()]


def _table(kind: str, rows: Sequence[Figure]) -> str:
    title = {"ws": "WebSocket", "sse": "SSE"}[kind]
    first = next((each for each in rows if each.target.name == FIRST[kind]), None)
    head = f"{title}, {rows[0].crowd.name}, {rows[0].load.name}"
    return "\n".join([head, _HEAD, *(line(each, first) for each in rows)])


def _arrivals(arrivals: Sequence[Arrival]) -> str:
    rounds: dict[tuple[str, str], list[Arrival]] = {}
    for each in arrivals:
        if each.crowd.rooms == 1:
            rounds.setdefault((each.target.name, each.crowd.name), []).append(each)
    rows = [middle_arrival(each) for each in rounds.values()]
    lines = [
        f"{each.target.name:17}{each.crowd.name:>18}{each.connect_us:12.0f}{each.kilobytes:9.1f}"
        f"{each.kilobytes * 50_000 / 1024 / 1024:16.2f}"
        for each in rows
    ]
    head = f"{'':17}{'':>18}{'connect us':>12}{'KB each':>9}{'50,000 GB (est.)':>17}"
    return "\n".join(["What a connection costs (connect and join; idle)", head, *lines])
