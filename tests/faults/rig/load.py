"""Facts through the public API: each writer makes one attempt after the other, on either web."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import httpx

from tests.faults.rig.ledger import Ledger

TIMEOUT_S = 4.0


class ApiLoad:
    """Readings of metrics; the value of each is the number of its attempt."""

    def __init__(
        self, ledger: Ledger, *, ports: Callable[[], Sequence[int]], token: str, first_op: int = 1
    ) -> None:
        self.statuses: Counter[int] = Counter()
        self.slowest_s = 0.0
        self._ledger = ledger
        self._ports = ports
        self._headers = {"Authorization": f"Bearer {token}"}
        self._next = first_op
        self._tasks: list[asyncio.Task[None]] = []
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)
        self._metrics: list[str] = []

    async def prepare(self, *, writers: int) -> None:
        """Make a metric for each writer."""
        for number in range(writers):
            body: dict[str, object] = {"name": f"writer {number}", "input_frequency": "1s"}
            answer = await self._post("/api/v1/metrics", body)
            self._metrics.append(answer.raise_for_status().json()["id"])

    def begin(self, *, pause_s: float) -> None:
        for metric in self._metrics:
            self._tasks.append(asyncio.create_task(self._write(metric, pause_s)))

    async def stop(self) -> None:
        """Attempts that are under way come to nothing known."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _write(self, metric: str, pause_s: float) -> None:
        while True:
            op_id, self._next = self._next, self._next + 1
            with self._ledger.op(op_id, subject=metric) as op:
                try:
                    body = {"metric_id": metric, "value": op_id}
                    answer = await self._post("/api/v1/metrics/readings", body)
                except (httpx.ConnectError, httpx.ConnectTimeout) as fault:
                    op.outcome, op.detail = "fail", repr(fault)
                except httpx.HTTPError as fault:
                    op.detail = repr(fault)
                else:
                    self.statuses[answer.status_code] += 1
                    self.slowest_s = max(self.slowest_s, answer.elapsed.total_seconds())
                    op.detail = str(answer.status_code)
                    if answer.is_success:
                        op.outcome = "ok"
                    elif answer.is_client_error:
                        op.outcome = "fail"
            await asyncio.sleep(pause_s)

    async def _post(self, path: str, body: dict[str, object]) -> httpx.Response:
        ports = self._ports()
        url = f"http://127.0.0.1:{ports[self._next % len(ports)]}{path}"
        return await self._client.post(url, json=body, headers=self._headers)
