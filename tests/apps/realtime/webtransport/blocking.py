"""The client for tests that run on no event loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from tests.apps.realtime.webtransport.client import Frame, opened

Answer = TypeVar("Answer")


class BlockingSession:
    """One session. What is asked is answered, or the session has ended: then `ended` says how."""

    def __init__(self, port: int, *, token: str) -> None:
        self._runner = asyncio.Runner()
        self._opening = opened(port, token=token)

    def __enter__(self) -> Self:
        self._client = self._run(self._opening.__aenter__())
        return self

    def __exit__(self, *fault: object) -> None:
        self._run(self._opening.__aexit__(None, None, None))
        self._runner.close()

    @property
    def ended(self) -> int:
        """The code with which the server closed the session; 0 as long as it has not."""
        return self._client.ending[0] if self._client.ending else 0

    def ask(self, frame: Frame) -> Frame | None:
        """The answer to a command; None where the session ended instead."""
        return self._run(self._ask(frame))

    async def _ask(self, frame: Frame) -> Frame | None:
        """Good commands may have no answer: what comes before that to a ping is it."""
        client, count = self._client, len(self._client.answers)
        pongs = 2 if frame["type"] == "ping" else 1

        def has_answered() -> bool:
            return [each["type"] for each in client.answers[count:]].count("pong") >= pongs

        if not client.ending:
            client.say(**frame)
            client.say(type="ping")
        await client.until(lambda: has_answered() or bool(client.ending) or client.is_gone)
        return client.answers[count] if len(client.answers) > count else None

    def _run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self._runner.run(work)
