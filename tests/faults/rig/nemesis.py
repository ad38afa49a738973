"""Draws faults from a seed, lets each last for a while, and heals everything in the end."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable

from tests.faults.rig.programs import Program
from tests.faults.rig.system import System
from tests.faults.rig.waiting import say

Fault = Callable[[], Awaitable[None] | None]
CALM = 0.25
"""The part of all periods in which nothing happens."""
TOGETHER = 2


class Nemesis:
    """`faults` are all it knows, by name; each is undone by System.heal."""

    def __init__(self, system: System, *, seed: int) -> None:
        self.done: list[str] = []
        self._system = system
        self._rng = random.Random(seed)
        say(f"nemesis: seed {seed} (VEZA_FAULTS_SEED={seed} repeats it)")

    @property
    def faults(self) -> dict[str, Fault]:
        system = self._system
        ours = (*system.webs, *system.relays, system.worker)
        found: dict[str, Fault] = {
            f"kill {program.name}": program.kill
            for program in (*ours, system.postgres, system.redis)
        }
        for program in (*ours, system.redis):
            found[f"freeze {program.name}"] = _sender(program, signal.SIGSTOP)
        for program in ours:
            found[f"terminate {program.name}"] = _sender(program, signal.SIGTERM)
        for name, link in system.board.links.items():
            if not name.startswith(("migrate", "publisher")):
                found |= {
                    f"cut {name}": link.cut,
                    f"half-close {name}": link.half_close,
                    f"black hole {name}": _setter(link, holds_up=True, holds_down=True),
                    f"one way {name}": _setter(link, holds_down=True),
                    f"latency {name}": _setter(link, latency_s=0.2),
                    f"bandwidth {name}": _setter(link, bytes_per_s=8_000.0),
                    f"cut after 1000 bytes {name}": _setter(link, cut_after=1000),
                }
        found["terminate all backends"] = self._terminate_backends
        found["flush redis"] = lambda: self._redis("FLUSHALL")
        found["kill redis clients"] = lambda: self._redis("CLIENT", "KILL", "TYPE", "pubsub")
        return found

    async def strike(self, *names: str) -> None:
        """These faults, now."""
        for name in names:
            say(f"nemesis: {name}")
            self.done.append(name)
            done = self.faults[name]()
            if done is not None:
                await done

    async def rage(self, *, periods: int, period_s: float) -> None:
        """So many periods with drawn faults; each ends with everything healed."""
        for number in range(periods):
            if self._rng.random() < CALM:
                say("nemesis: calm")
            else:
                known = self._by_kind()
                kinds = self._rng.sample(sorted(known), self._rng.randint(1, TOGETHER))
                await self.strike(*(self._rng.choice(known[kind]) for kind in kinds))
            await asyncio.sleep(period_s)
            await self._system.heal()
            say(f"nemesis: period {number + 1} of {periods} is over, all healed")

    def _by_kind(self) -> dict[str, list[str]]:
        """So that the many links do not crowd out the few processes."""
        found: dict[str, list[str]] = {}
        for name in self.faults:
            kind = name.rpartition(" ")[0] if ">" in name else name
            found.setdefault(kind, []).append(name)
        return found

    async def _terminate_backends(self) -> None:
        statement = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if self._system.postgres.is_running:
            await asyncio.to_thread(self._system.query, statement)

    async def _redis(self, *words: str) -> None:
        if self._system.redis.is_running:
            await asyncio.to_thread(self._system.redis_command, *words)


def _sender(program: Program, number: signal.Signals) -> Fault:
    return lambda: program.signal(number)


def _setter(link: object, **weather: object) -> Fault:
    def bring() -> None:
        for name, value in weather.items():
            setattr(link.weather, name, value)  # type: ignore[attr-defined]

    return bring
