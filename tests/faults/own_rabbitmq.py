"""A RabbitMQ of the test's own, to be killed, frozen, filled up and started again."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Self

import pytest

from deploy.services import rabbitmq
from tests.veza.asgi.wire import until
from veza.embedded.ports import free_port

START_WITHIN_S = 60.0
CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"


class OwnRabbitMQ:
    """What it was given stays over restarts, as quorum queues promise."""

    def __init__(self, place: Path) -> None:
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
        recipe = rabbitmq.installed()
        if recipe is None:
            pytest.fail("rabbitmq-server is not installed. Run `make test`.", pytrace=False)
        place.mkdir(parents=True)
        self._launch = recipe.launch(place, self.port)
        self._running: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        env = os.environ | dict(self._launch.after_stop_env)
        subprocess.run(self._launch.after_stop, env=env, check=False, capture_output=True)

    def start(self) -> None:
        """Returns when it lets us log in."""
        self._running = subprocess.Popen(
            self._launch.argv, env=os.environ | dict(self._launch.env), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: rabbitmq.probe(self.url).is_usable, timeout_s=START_WITHIN_S)

    def kill(self) -> None:
        """Dead: connections are refused."""
        if self._running is not None:
            self._signal(signal.SIGKILL)
            self._running.wait()
            self._running = None

    def freeze(self) -> None:
        """Hung: connections are taken by the kernel, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def fill_up(self) -> None:
        """The memory alarm: whoever publishes is blocked."""
        self._control("set_vm_memory_high_watermark", "0.0000001")

    def make_room(self) -> None:
        self._control("set_vm_memory_high_watermark", "0.4")

    def _control(self, *arguments: str) -> None:
        env = os.environ | dict(self._launch.env)
        subprocess.run([CONTROL, *arguments], env=env, check=True, capture_output=True, timeout=60)

    def _signal(self, number: signal.Signals) -> None:
        assert self._running is not None
        os.killpg(self._running.pid, number)
