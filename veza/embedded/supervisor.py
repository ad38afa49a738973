"""Starts services when what they need is ready, starts again what died, stops all in order."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from veza.embedded import state
from veza.embedded.accounts import as_we_are, launched
from veza.embedded.child import Child
from veza.embedded.errors import EmbeddedError, disk_full
from veza.embedded.job import Job
from veza.embedded.logs import Log
from veza.embedded.service import Service
from veza.embedded.signals import Signals, StopRequestedError

TICK_S = 0.05
QUIET_TICK_S = 0.5
DEATHS_BEFORE_GIVING_UP = 3
HURRY_S = 3.0
REPEAT_AFTER_S = 60.0


class Supervisor:
    """The processes of one data directory. Not for threads; one per process."""

    def __init__(self, *, data_dir: Path, signals: Signals, say: Callable[[str], None]) -> None:
        self._data_dir = data_dir
        self._signals = signals
        self._say = say
        self._children: dict[str, Child] = {}
        self._written: list[state.ProcessEntry] = []
        self._told: dict[str, float] = {}
        self._jobs: list[Job] = []

    def add(self, services: Iterable[Service]) -> None:
        """Start these as soon as what they need is ready."""
        for service in services:
            self._children[service.name] = Child(service)
        self.tick()

    def wait_ready(self, names: Iterable[str], *, timeout_s: float) -> None:
        """Return when all of `names` are ready.

        Raises EmbeddedError when one of them cannot be started, StopRequestedError.
        """
        wanted = [self._children[name] for name in names]
        deadline = time.monotonic() + timeout_s
        while not all(child.ready for child in wanted):
            for child in wanted:
                if child.restarts.deaths >= DEATHS_BEFORE_GIVING_UP:
                    raise self._failure(child.service.name, child.log)
                if time.monotonic() > deadline and not child.ready:
                    raise EmbeddedError(
                        f"{child.service.name} was not ready after {timeout_s:.0f} s: "
                        f"see {child.log.path}."
                    )
            self._breathe()

    def run_job(self, name: str, argv: tuple[str, ...], *, env: Mapping[str, str]) -> str:
        """Run a program to its end while the services are watched; what it printed.

        Raises EmbeddedError when it fails, StopRequestedError.
        """
        log = Log(self._data_dir / "logs" / f"{name}.log")
        tied = launched(argv, account=as_we_are(), signal_number=9)
        with tempfile.TemporaryFile() as output, log.path.open("ab") as errors:
            process = subprocess.Popen(
                tied, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=dict(env),
                cwd="/", start_new_session=True,
            )  # fmt: skip
            try:
                while process.poll() is None:
                    self._breathe()
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            output.seek(0)
            printed = output.read()
        with log.path.open("ab") as file:
            file.write(printed)
        if process.returncode != 0:
            raise self._failure(name, log)
        return printed.decode("utf-8", "replace")

    def run_beside(self, job: Job) -> None:
        """Start a program that ends by itself, and tell what it prints. It is stopped with us."""
        job.start()
        self._jobs.append(job)

    def watch(self) -> None:
        """Keep everything running until somebody asks us to stop."""
        while not self._signals.asked:
            self.tick()
            settled = all(child.ready for child in self._children.values())
            self._signals.nap(QUIET_TICK_S if settled else TICK_S)

    def tick(self) -> None:
        """Do what is due: bury, start, ask for readiness, tell, write processes.json."""
        for child in self._children.values():
            if child.has_ended():
                self._bury(child)
            if not child.runs and child.due_at <= time.monotonic() and self._may_start(child):
                child.start()
                self._write()
            child.check_ready()
            self._relate(child)
        for job in list(self._jobs):
            has_ended = job.has_ended()  # asked first: what it prints last is read after that
            for line in job.news():
                self._say(line)
            if has_ended:
                self._jobs.remove(job)
                if said := job.outcome():
                    self._say(said)
        self._write()

    def stop(self, *, timeout_s: float) -> None:
        """Stop everything, in the order of `stops_by`, within `timeout_s`.

        A further signal while this goes on shortens it to a few seconds.
        """
        for job in self._jobs:
            job.end()
        asked, began = self._signals.asked, time.monotonic()
        for child in sorted(self._children.values(), key=lambda child: child.service.stops_by):
            if child.runs:
                deadline = began + timeout_s * child.service.stops_by
                self._stop(child, deadline=deadline, asked=max(asked, 1))
                self._write()

    def _stop(self, child: Child, *, deadline: float, asked: int) -> None:
        ways = list(child.service.stop_signals)
        child.signal(ways.pop(0))
        patience = time.monotonic() + (deadline - time.monotonic()) * 0.6
        hurried = False
        while not child.has_ended():
            now = time.monotonic()
            if self._signals.asked > asked and not hurried:
                hurried, patience, deadline = True, now, min(deadline, now + HURRY_S)
            if now >= deadline:
                child.kill()
            elif now >= patience and ways:
                child.signal(ways.pop(0))
            self._signals.nap(TICK_S)
        child.bury()

    def _breathe(self) -> None:
        self.tick()
        if self._signals.asked:
            raise StopRequestedError
        self._signals.nap(TICK_S)

    def _may_start(self, child: Child) -> bool:
        needed = (self._children.get(name) for name in child.service.needs)
        return all(other is None or other.ready for other in needed)

    def _bury(self, child: Child) -> None:
        how = child.bury()
        wait = max(0.0, child.due_at - time.monotonic())
        self._say(
            f"{child.service.name} {how} and starts again in {wait:.1f} s; see {child.log.path}"
        )

    def _relate(self, child: Child) -> None:
        try:
            complaints = child.log.complaints()
            child.log.bound()
        except OSError:
            return  # a full disk must not end the watch
        now = time.monotonic()
        self._told = {line: at for line, at in self._told.items() if now - at < REPEAT_AFTER_S}
        for said in complaints:
            line = f"{child.service.name}: {said}"
            if line not in self._told:
                self._told[line] = now
                self._say(line)

    def _write(self) -> None:
        entries = [entry for child in self._children.values() if (entry := child.entry())]
        if entries == self._written:
            return
        try:
            state.write_processes(self._data_dir, entries)
        except OSError as error:
            line = f"processes.json could not be written: {error.strerror}"
            if line not in self._told:
                self._told[line] = time.monotonic()
                self._say(line)
            return
        self._written = entries

    def _failure(self, name: str, log: Log) -> EmbeddedError:
        reason = log.last_line() or "it said nothing"
        if "No space left" in reason:
            return disk_full(self._data_dir)
        return EmbeddedError(f"{name} could not be started: {reason[:300]} (see {log.path})")
