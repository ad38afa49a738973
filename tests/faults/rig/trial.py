"""One trial: clients watch, load writes, faults happen, all heals, and the history is judged."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.faults.rig import ledger as ledgers
from tests.faults.rig.centrifugo import SocketWatcher
from tests.faults.rig.checks import faults
from tests.faults.rig.facts import OF_PUBLISHERS, logged
from tests.faults.rig.history import History
from tests.faults.rig.load import ApiLoad
from tests.faults.rig.programs import Program, Web
from tests.faults.rig.sabotages import missed
from tests.faults.rig.sse import SseWatcher
from tests.faults.rig.system import System
from tests.faults.rig.waiting import say, until, until_elsewhere
from tests.faults.rig.watchers import Start, Watcher


class Trial:
    """Made by `trial`. Only facts after `start` count."""

    def __init__(self, system: System, *, start: Start, seed: int) -> None:
        self.system = system
        self.start = start
        self.watchers: list[Watcher] = []
        self.api: ApiLoad | None = None
        self.webs: list[Web] = list(system.webs)
        self._seed = seed
        self._ledgers: list[ledgers.Ledger] = []
        self.publishers: list[Program] = []
        self._paths: list[Path] = []

    def ports(self) -> Sequence[int]:
        """Where clients go: the links to all web processes."""
        return [web.client_port for web in self.webs]

    async def watch(
        self, *, sse: int, sockets: int, ports: Callable[[], Sequence[int]] | None = None
    ) -> list[Watcher]:
        """So many clients more, which begin at `start`; returns when all are connected."""
        kinds = [("sse", SseWatcher)] * sse + [("socket", SocketWatcher)] * sockets
        new: list[Watcher] = []
        for kind, make in kinds:
            number = len(self.watchers) + len(new)
            new.append(
                make(f"{kind}-{number}", ports=ports or self.ports, start=self.start, seed=number)
            )
        self.watchers += new
        for watcher in new:
            watcher.begin()
        await until(
            lambda: all(watcher.is_connected.is_set() for watcher in new),
            what=lambda: f"all clients are connected; the last ends: {new[-1].ends[-3:]}",
        )
        return new

    async def write(
        self, *, api: int = 0, publishers: int = 0, pause_s: float = 0.03, first: int = 0,
        arguments: Sequence[str] = (),
    ) -> list[Program]:  # fmt: skip
        """Begin to make facts: so many writers through the API, and in a program beside."""
        if api:
            path = self.system.folder / "api.ledger"
            path.unlink(missing_ok=True)
            self._ledgers.append(ledgers.Ledger(path))
            self._paths.append(path)
            self.api = ApiLoad(self._ledgers[-1], ports=self.ports, token=self.system.tokens[0])
            await self.api.prepare(writers=api)
            self.api.begin(pause_s=pause_s)
        if publishers:
            await self._publish(publishers, pause_s, first, arguments)
        return self.publishers

    async def _publish(
        self, writers: int, pause_s: float, first: int, arguments: Sequence[str]
    ) -> None:
        number = first or len(self.publishers)
        name = f"publisher-{number}"
        publisher = self.system.publisher(
            name, "--writers", str(writers), "--pause-ms", str(pause_s * 1000),
            "--first-op", str(OF_PUBLISHERS * (number + 1)), "--seed", str(self._seed), *arguments,
        )  # fmt: skip
        path = self.system.folder / f"{name}.ledger"
        self.publishers.append(publisher)
        self._paths.append(path)
        publisher.launch()
        await until(
            lambda: path.exists() and path.stat().st_size > 0,
            what=lambda: f"{name} writes: {publisher.last_words()}",
        )  # fmt: skip

    async def end_load(self) -> None:
        """No more attempts."""
        if self.api is not None:
            await self.api.stop()
        for publisher in self.publishers:
            publisher.signal(signal.SIGTERM)
        for publisher in self.publishers:
            code = await asyncio.to_thread(publisher.wait)
            assert code == 0, publisher.last_words()
        for ledger in self._ledgers:
            ledger.close()
        self._ledgers.clear()

    async def drain(self) -> None:
        """Until the outbox is empty and every client has seen the newest fact."""
        await until_elsewhere(self.system.outbox_is_empty, what="the outbox is empty")
        _, newest, _ = self.system.head()

        def behind() -> str:
            late = [w for w in self.watchers if w.last_fact != newest]
            return f"{len(late)} clients are behind: " + "; ".join(
                f"{w.name} saw {len(w.seen)}, connected {w.is_connected.is_set()}, "
                f"ends {w.ends[-3:]}, resets {w.resets[-3:]}"
                for w in late[:5]
            )

        took_s = await until(
            lambda: all(watcher.last_fact == newest for watcher in self.watchers),
            what=behind,
        )  # fmt: skip
        say(f"all {len(self.watchers)} clients have the newest fact, {took_s:.1f} s after the load")

    def history(self) -> History:
        """What happened, as far as anyone could see."""
        return History(
            ops=ledgers.read(*self._paths),
            log=logged(self.system, after=self.start.position),
            clients={watcher.name: watcher.seen for watcher in self.watchers},
            resets={watcher.name: watcher.resets for watcher in self.watchers},
            floor=self.start.position,
        )

    async def judge(self, *, at_least: int = 1) -> History:
        """Heal, end the load once so many attempts were acknowledged, drain, and check; then spoil
        the history in every way and check the checks.
        """
        await self.system.heal()
        await until_elsewhere(
            lambda: ledgers.acknowledged(*self._paths) >= at_least, what="enough is acknowledged"
        )
        await self.end_load()
        await self.drain()
        history = self.history()
        acked = ledgers.acknowledged(*self._paths)
        unknown = sum(op.outcome == "info" for op in history.ops.values())
        say(
            f"{len(history.ops)} attempts, {acked} acknowledged, {unknown} unknown, "
            f"{len(history.log)} facts, {sum(w.connects for w in self.watchers)} connects"
        )
        assert faults(history) == []
        if self.watchers:
            assert missed(history, random.Random(self._seed)) == []
        return history

    async def close(self) -> None:
        """No client and no publisher of the trial is left."""
        for watcher in self.watchers:
            await watcher.stop()
        if self._ledgers:
            await self.end_load()
        for publisher in self.publishers:
            publisher.kill()


@asynccontextmanager
async def trial(system: System, *, seed: int = 1) -> AsyncIterator[Trial]:
    """A trial on a healthy system; whatever it broke is whole again afterwards."""
    await system.heal()
    position, fact, epoch = system.head()
    made = Trial(
        system, start=Start(position=position, fact=fact, epoch=epoch), seed=seed
    )  # fmt: skip
    try:
        yield made
    finally:
        await made.close()
        await system.heal()
