"""How long a round takes from its commit to each stage of the road."""

import http.client
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from deploy.load.rounds.place import Place, quantiles, until

GOALS_MS = (5.0, 30.0)
Times = dict[int, list[int]]


def latencies(place: Place, *, rate: int, seconds: float) -> Iterator[str]:
    """A line for each stage. Web, capture and projector run already.

    Who watches takes some of the machine: the client is measured alone, the stages before it
    afterwards.
    """
    until(lambda: _answers(place.web_port), what="the web process answers", every_s=0.1)
    commits, seen = _run(place, ("socket",), rate=rate, seconds=seconds)
    first, last = min(t[0] for t in commits.values()), max(t[1] for t in commits.values())
    actual = len(commits) / (last - first) * 1e9
    yield f"latency         {len(commits):,} rounds, {actual:,.0f}/s of {rate:,}, one a commit; ms"
    yield _line("commit -> WebSocket", _since(commits, seen["socket"], 0))
    yield f"  goals of this           p50 {GOALS_MS[0]:6.2f}   p99 {GOALS_MS[1]:6.2f}"
    commits, seen = _run(place, ("stream", "projected"), rate=rate, seconds=seconds)
    yield _line("the INSERT itself", {row: t[1] - t[0] for row, t in commits.items()})
    yield _line("commit -> captured", _since(commits, seen["stream"], 1))
    yield _line("commit -> in the stream", _since(commits, seen["stream"], 0))
    yield _line("commit -> projected", _since(commits, seen["projected"], 0))


def _run(
    place: Place, watchers: tuple[str, ...], *, rate: int, seconds: float
) -> tuple[Times, dict[str, Times]]:
    """When rounds were committed, and when each of the watchers saw them."""
    with ExitStack() as stack:
        files = {kind: place.folder / f"seen-{kind}" for kind in watchers}
        for kind, file in files.items():
            stack.enter_context(_watcher(place, kind, file))
        until(lambda: _all_watch(place, files), what="the watchers watch", every_s=0.2)
        written = place.folder / "written"
        writer = stack.enter_context(_watcher(place, "write", written, str(rate), str(seconds)))
        writer.wait()
        commits = _times(written)
        until(lambda: all(commits.keys() <= _times(file).keys() for file in files.values()),
              what="all rounds have come to who watches", every_s=0.5)  # fmt: skip
        return commits, {kind: _times(file) for kind, file in files.items()}


def _line(name: str, taken: dict[int, int]) -> str:
    p50, p99 = quantiles([value / 1e6 for value in taken.values()])
    return f"  {name:24}p50 {p50:6.2f}   p99 {p99:6.2f}   ({len(taken):,} seen)"


def _since(commits: Times, seen: Times, which: int) -> dict[int, int]:
    """After the writer was told that it is committed; before that may be, too."""
    return {row: seen[row][which] - times[1] for row, times in commits.items() if row in seen}


def _watcher(
    place: Place, kind: str, file: Path, *more: str
) -> AbstractContextManager["subprocess.Popen[bytes]"]:
    return place.running("-m", "deploy.load.rounds.watchers", kind, str(file), *more)


def _all_watch(place: Place, files: dict[str, Path]) -> bool:
    place.insert(1)
    time.sleep(0.1)
    return all(file.exists() and file.stat().st_size for file in files.values())


def _times(file: Path) -> Times:
    return {row: times for row, *times in _lines(file)}


def _lines(file: Path) -> Iterator[list[int]]:
    with file.open() as lines:
        for line in lines:
            if line.endswith("\n"):
                yield [int(word) for word in line.split()]


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
