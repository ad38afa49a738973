"""The picture of the sound: BBC audiowaveform's JSON, version 2, 8 bits.

https://github.com/bbc/audiowaveform/blob/master/doc/DataFormat.md
"""

from typing import Any

import numpy as np

POINTS = 1800
MAX_BLOCKS = 32 * POINTS
TOP, BOTTOM = 127, -128


class Waveform:
    """Smallest and largest sample of each block; blocks double when there are too many."""

    def __init__(self) -> None:
        self._block = 1
        self._samples = 0
        self._rest = np.empty(0, np.float32)
        self._low: list[np.ndarray] = []
        self._high: list[np.ndarray] = []
        self._count = 0

    def add(self, mono: np.ndarray) -> None:
        """The next samples, from -1 to 1."""
        self._samples += len(mono)
        mono = np.concatenate([self._rest, mono])
        whole = len(mono) // self._block * self._block
        self._rest = mono[whole:]
        blocks = mono[:whole].reshape(-1, self._block)
        self._low.append(blocks.min(axis=1))
        self._high.append(blocks.max(axis=1))
        self._count += len(blocks)
        while self._count > MAX_BLOCKS:
            self._double()

    def _double(self) -> None:
        low, high = np.concatenate(self._low), np.concatenate(self._high)
        if len(low) % 2:  # the last block is no pair yet: its samples are what its extremes say
            self._rest = np.concatenate([np.resize([low[-1], high[-1]], self._block), self._rest])
            low, high = low[:-1], high[:-1]
        self._block *= 2
        self._low = [low.reshape(-1, 2).min(axis=1)]
        self._high = [high.reshape(-1, 2).max(axis=1)]
        self._count = len(low) // 2

    def document(self, sample_rate: int) -> dict[str, Any]:
        """About 1,800 points, or one for each sample of a very short file."""
        low, high = np.concatenate([*self._low, []]), np.concatenate([*self._high, []])
        if len(self._rest):
            low = np.append(low, self._rest.min())
            high = np.append(high, self._rest.max())
        blocks = max(1, round(len(low) / POINTS))
        starts = np.arange(0, len(low), blocks)
        pairs = np.column_stack(
            [np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)]
        )
        data = np.clip(np.rint(pairs * TOP), BOTTOM, TOP).astype(int)
        return {
            "version": 2,
            "channels": 1,
            "sample_rate": sample_rate,
            "samples_per_pixel": self._block * blocks,
            "bits": 8,
            "length": len(data),
            "data": data.ravel().tolist(),
        }
