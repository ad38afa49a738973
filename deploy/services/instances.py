"""Our own instances: one directory, one pid and one port each, left running between runs."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.services import processes
from deploy.services.recipes import Launch, Recipe, Service
from deploy.services.wire import Finding
from veza.embedded.errors import EmbeddedError
from veza.embedded.ports import free_port

RECORD = "instance.json"
LOG = "log.txt"
READY_PATIENCE_S = 90.0
TICK_S = 0.05
PAUSES_S = (0.5, 3.0)  # a killed server stays a zombie, and its memory in use, for a moment

Say = Callable[[str], None]


class StartError(Exception):
    """The program did not come to serve; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """What is remembered of a process of ours."""

    service: str
    pid: int
    born: str
    port: int
    stop_signal: int
    after_stop: list[str]
    after_stop_env: dict[str, str]

    @property
    def is_alive(self) -> bool:
        return processes.birth(self.pid) == self.born


def find(root: Path, name: str) -> Instance | None:
    """The named instance, if its process lives."""
    try:
        instance = Instance(**json.loads((root / name / RECORD).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return instance if instance.is_alive else None


def find_all(root: Path) -> dict[str, Instance]:
    """All that run, by the name of their directory."""
    names = sorted(path.parent.name for path in root.glob(f"*/{RECORD}"))
    found = {name: find(root, name) for name in names}
    return {name: instance for name, instance in found.items() if instance}


def obtain(root: Path, *, service: Service, recipe: Recipe, say: Say) -> int:
    """The port of the running instance, which is started if need be. Raises StartError."""
    running = find(root, recipe.name)
    if running and _probe(service, running.port).is_usable:
        return running.port
    if running:
        say(f"our own instance on port {running.port} does not answer: starting it anew ...")
        stop(root, recipe.name)
    _prepare(recipe, root / recipe.name)
    for pause_s in PAUSES_S:
        try:
            return _start(root / recipe.name, service=service, recipe=recipe, say=say)
        except StartError as error:
            say(f"{error}; once more ...")
            time.sleep(pause_s)
    # What is kept between runs is of no worth to anyone: it may have caused the failure.
    shutil.rmtree(root / recipe.name)
    _prepare(recipe, root / recipe.name)
    return _start(root / recipe.name, service=service, recipe=recipe, say=say)


def _prepare(recipe: Recipe, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    try:
        recipe.prepare(directory)
    except subprocess.CalledProcessError as error:
        last_line = (error.stderr or str(error)).strip().splitlines()[-1]
        raise StartError(f"{error.cmd[0]} failed: {last_line}") from error
    except (OSError, EmbeddedError) as error:
        raise StartError(str(error)) from error


def _start(directory: Path, *, service: Service, recipe: Recipe, say: Say) -> int:
    port = free_port()
    say(f"starting our own instance on port {port} ({recipe.origin}) ...")
    try:
        launch = recipe.launch(directory, port)
        pid = processes.spawn(launch.argv, log=directory / LOG, env=launch.env)
    except (OSError, EmbeddedError) as error:
        raise StartError(str(error)) from error
    instance = _record(directory, service=service, launch=launch, pid=pid, port=port)
    try:
        _wait_until_ready(instance, service=service, log=directory / LOG)
    except BaseException:
        stop(directory.parent, directory.name)
        raise
    return port


def _record(directory: Path, *, service: Service, launch: Launch, pid: int, port: int) -> Instance:
    instance = Instance(
        service=service.name,
        pid=pid,
        born=processes.birth(pid),
        port=port,
        stop_signal=int(launch.stop_signal),
        after_stop=launch.after_stop,
        after_stop_env=dict(launch.after_stop_env),
    )
    draft = directory / f"{RECORD}.draft"
    draft.write_text(json.dumps(asdict(instance), indent=1) + "\n")
    draft.replace(directory / RECORD)
    return instance


def _wait_until_ready(instance: Instance, *, service: Service, log: Path) -> None:
    deadline = time.monotonic() + READY_PATIENCE_S
    while not (finding := _probe(service, instance.port)).is_usable:
        if not instance.is_alive:
            raise StartError(f"it ended at once: {_last_line(log)} (see {log})")
        if time.monotonic() > deadline:
            raise StartError(f"it does not serve: {finding.detail} (see {log})")
        time.sleep(TICK_S)


def _probe(service: Service, port: int) -> Finding:
    return service.probe(service.url_at(port, database="postgres"))


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"


def stop(root: Path, name: str) -> None:
    """Stop the named instance if it runs; its data stays."""
    if instance := find(root, name):
        processes.stop(instance.pid, born=instance.born, by=signal.Signals(instance.stop_signal))
        if instance.after_stop:
            subprocess.run(
                instance.after_stop, env={**os.environ, **instance.after_stop_env},
                capture_output=True, check=False,
            )  # fmt: skip
    with contextlib.suppress(FileNotFoundError):
        (root / name / RECORD).unlink()
