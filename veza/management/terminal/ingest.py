"""An INGESTOR in a terminal."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text
from websockets.asyncio.client import ClientConnection

from veza.management.terminal.link import stay_connected
from veza.management.terminal.prices import Batch
from veza.management.terminal.rates import Rate

FRAMES_A_SECOND = 4
SETTLE_S = 5.0


class Ingest:
    """Sends batches until there are no more; `at_most` messages, 0 for all."""

    def __init__(self, batches: AsyncIterator[Batch], *, at_most: int = 0) -> None:
        self._batches = batches
        self._at_most = at_most
        self._left: Batch = []
        self._state = "connecting"
        self._refusal = ""
        self.sent = Rate()
        self.refused = 0
        self._is_taken = asyncio.Event()

    async def run(self, url: str, *, token: str, console: Console) -> None:
        """Show the rate meanwhile, and say at the end what was done. Raises LinkError."""
        with Live(console=console, get_renderable=self._line, refresh_per_second=FRAMES_A_SECOND):
            await stay_connected(url, token=token, use=self._send_all, tell=self._tell)

    def summary(self) -> str:
        """One line for people."""
        seconds = self.sent.seconds
        text = f"{self.sent.total:,} sent in {seconds:.1f} s, {self.refused:,} refused"
        return text + (f", the last because: {self._refusal}" if self._refusal else "")

    def tally(self) -> dict[str, Any]:
        """The same for programs."""
        seconds = round(self.sent.seconds, 3)
        return {"sent": self.sent.total, "seconds": seconds, "refused": self.refused}

    async def _send_all(self, link: ClientConnection) -> None:
        """A batch that was under way when the connection was lost goes on in the next one."""
        listening = asyncio.create_task(self._listen(link))
        try:
            while self._left or await self._more():
                while self._left:
                    await link.send(self._left[0])
                    self._left.pop(0)
                    self.sent.add()
            await self._settle(link)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _more(self) -> bool:
        room = self._at_most - self.sent.total if self._at_most else None
        if room == 0:
            return False
        try:
            batch = await anext(self._batches)
        except StopAsyncIteration:
            return False
        self._left = batch[:room]
        return True

    async def _settle(self, link: ClientConnection) -> None:
        """Until the server has taken what was sent: it answers in the order of frames."""
        self._is_taken.clear()
        await link.send('{"type":"ping"}')
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self._is_taken.wait()

    async def _listen(self, link: ClientConnection) -> None:
        async for text in link:
            answer = json.loads(text)
            if answer.get("type") == "pong":
                self._is_taken.set()
            elif answer.get("type") == "error":
                self.refused += 1
                self._refusal = str(answer.get("detail"))

    def _tell(self, state: str) -> None:
        self._state = state

    def _line(self) -> Text:
        return Text(
            f"{self._state}  {self.sent.total:,} sent  {self.sent.per_s:,.0f}/s"
            f"  {self.refused:,} refused  {self._refusal}"
        )
