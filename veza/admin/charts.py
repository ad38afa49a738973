"""Charts as numbers that a template draws in SVG: no script, no library, any theme."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, GAP = 560, 120, 4
FEWEST_PIXELS = 3


@dataclass(frozen=True, kw_only=True)
class Column:
    """A bar that stands; lengths in the units of the picture."""

    x: float
    y: float
    width: float
    height: float
    label: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Bars beside each other, the last is today's; `top` is the count at the upper edge."""

    bars: Sequence[Column]
    top: int
    first: str
    last: str
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, kw_only=True)
class Row:
    """A bar that lies: `mark` is good, busy, warn, bad or idle; `told` is what stands behind it."""

    name: str
    count: int
    mark: str
    told: str
    percent: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Bars below each other."""

    bars: Sequence[Row]


def columns(counts: Mapping[str, int]) -> Columns:
    """One bar for each entry, in their order; there is one at least."""
    top = round_up(max(counts.values()))
    step = WIDTH / len(counts)
    bars = []
    for nth, (label, count) in enumerate(counts.items()):
        height = max(FEWEST_PIXELS, count / top * HEIGHT) if count else 0
        bars.append(
            Column(
                x=round(nth * step + GAP / 2, 1),
                y=round(HEIGHT - height, 1),
                width=round(step - GAP, 1),
                height=round(height, 1),
                label=label,
                count=count,
            )
        )
    labels = list(counts)
    return Columns(bars=bars, top=top, first=labels[0], last=labels[-1])


def rows(lines: Sequence[Row], *, full: int = 0) -> Rows:
    """The longest fills the width, unless `full` is more than it has."""
    most = max([full, *(line.count for line in lines)], default=0)
    return Rows(
        bars=[
            Row(
                name=line.name,
                count=line.count,
                mark=line.mark,
                told=line.told,
                percent=round(100 * line.count / most, 1) if most else 0.0,
            )
            for line in lines
        ]
    )


def round_up(count: int) -> int:
    """The next of 5, 10, 20, 50, 100 ..., so that the edge of a chart is a round number."""
    size = 5
    for factor in (2, 2, 2.5) * 30:
        if count <= size:
            break
        size = int(size * factor)
    return size
