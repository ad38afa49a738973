"""How many a second, over the last seconds."""

import time
from collections import deque

SPAN_S = 5.0
SLICE_S = 0.25


class Rate:
    """Counts events; tells their rate over the last SPAN_S."""

    def __init__(self) -> None:
        self.total = 0
        self._began = time.monotonic()
        self._slices: deque[list[float]] = deque()

    def add(self, amount: int = 1) -> None:
        self.total += amount
        now = time.monotonic()
        if not self._slices or now - self._slices[-1][0] > SLICE_S:
            self._slices.append([now, 0])
        self._slices[-1][1] += amount

    @property
    def per_s(self) -> float:
        now = time.monotonic()
        while self._slices and now - self._slices[0][0] > SPAN_S:
            self._slices.popleft()
        span_s = max(SLICE_S, min(SPAN_S, now - self._began))
        return sum(amount for _, amount in self._slices) / span_s

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began
