"""A part of a file as a stream of its own."""

from io import RawIOBase
from typing import IO


class Slice(RawIOBase):
    """The next `length` bytes of `source`, which it closes with itself."""

    def __init__(self, source: IO[bytes], length: int) -> None:
        super().__init__()
        self._source = source
        self._left = length

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        chunk = self._source.read(wanted) if wanted else b""
        self._left -= len(chunk)
        return chunk

    def readall(self) -> bytes:
        return self.read()

    def close(self) -> None:
        self._source.close()
        super().close()
