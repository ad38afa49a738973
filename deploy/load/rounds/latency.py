"""How long a round takes from its commit to each stage of the road."""

import http.client
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from deploy.load.rounds.place import PATIENCE_S, Place, quantiles, until
from deploy.load.rounds.watchers import WRITERS

GOALS_MS = (5.0, 30.0)
SECOND_NS = 1_000_000_000

Times = Mapping[int, list[int]]


def latencies(place: Place, *, rate: int, seconds: float) -> Iterator[str]:
    """A line for each stage. Web, capture and projector run already."""
    until(lambda: _answers(place.web_port), what="the web process answers", every_s=0.1)
    rounds = int(rate / WRITERS * seconds) * WRITERS
    with _watchers(place, "watch", str(rounds)) as watching:
        until((place.folder / "watching").exists, what="the watchers watch", every_s=0.1)
        with _watchers(place, "write", str(rate), str(seconds)) as writing:
            writing.wait()
        watching.wait(PATIENCE_S)
    kinds = ("stream", "projected", "socket")
    seen = {kind: _times(place.folder / f"seen-{kind}") for kind in kinds}
    yield from _told(_times(place.folder / "written"), seen, rate=rate)


def _told(commits: Times, seen: Mapping[str, Times], *, rate: int) -> Iterator[str]:
    began = min(t[0] for t in commits.values())
    actual = len(commits) / (max(t[1] for t in commits.values()) - began) * SECOND_NS
    yield f"latency         {len(commits):,} rounds, {actual:,.0f}/s of {rate:,}, one a commit; ms"
    stages: dict[str, dict[int, float]] = {
        "the INSERT itself": {row: (t[1] - t[0]) / 1e6 for row, t in commits.items()},
        "commit -> captured": _since(commits, seen["stream"], 0, scale=1000),
        "commit -> in the stream": _since(commits, seen["stream"], 1),
        "commit -> projected": _since(commits, seen["projected"], 0),
        "commit -> WebSocket": _since(commits, seen["socket"], 0),
    }
    for name, taken in stages.items():
        p50, p99 = quantiles(list(taken.values()))
        yield f"  {name:24}p50 {p50:6.2f}   p99 {p99:6.2f}   ({len(taken):,} seen)"
    yield f"  goals of the last       p50 {GOALS_MS[0]:6.2f}   p99 {GOALS_MS[1]:6.2f}"
    seconds: dict[int, list[float]] = {}
    for row, ms in stages["commit -> WebSocket"].items():
        seconds.setdefault((commits[row][1] - began) // SECOND_NS, []).append(ms)
    worst = (f"{quantiles(seconds[second])[1]:.1f}" for second in sorted(seconds))
    yield f"  its p99 second by second: {' '.join(worst)}"


def _since(commits: Times, seen: Times, which: int, *, scale: int = 1) -> dict[int, float]:
    """In milliseconds after the writer was told that it is committed; before that may be, too."""
    return {
        row: (seen[row][which] * scale - times[1]) / 1e6
        for row, times in commits.items()
        if row in seen
    }


def _watchers(
    place: Place, kind: str, *more: str
) -> AbstractContextManager["subprocess.Popen[bytes]"]:
    return place.running("-m", "deploy.load.rounds.watchers", kind, str(place.folder), *more)


def _times(file: Path) -> Times:
    with file.open() as lines:
        return {row: times for row, *times in ([int(w) for w in line.split()] for line in lines)}


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
