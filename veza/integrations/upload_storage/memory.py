"""Pieces in this process: for tests."""

import threading
from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone

from veza.integrations.object_storage import object_storage
from veza.integrations.object_storage.keys import check_key, check_prefix
from veza.integrations.upload_storage.port import (
    Pen,
    Piece,
    PiecesLostError,
    Reserve,
    Staged,
    Unfinished,
)


class MemoryUploadStorage:
    """As local disk, but gone with the process. Finished files go to the object storage."""

    def __init__(self) -> None:
        self._pieces: dict[tuple[str, int], bytearray] = {}
        self._modified_at: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def begin(self, key: str) -> str:
        check_key(key)
        return ""

    def pen(self, staged: Staged, *, reserve: Reserve, continues: bool) -> Pen:
        if not staged.pieces or not continues:
            number, earlier, size_bytes = reserve(), staged.pieces, 0
            content = bytearray()
        else:
            *first, last = staged.pieces
            number, earlier, size_bytes = last.number, tuple(first), last.size_bytes
            content = self._find(staged.key, last)
            del content[size_bytes:]
        with self._lock:
            self._pieces[staged.key, number] = content
            self._modified_at[staged.key] = timezone.now()
        return _Pen(content, number, earlier)

    def finish(self, staged: Staged) -> None:
        if staged.pieces and (staged.key, staged.pieces[0].number) not in self._pieces:
            if object_storage().exists(staged.key):
                return
            raise PiecesLostError
        content = b"".join(
            bytes(self._find(staged.key, piece)[: piece.size_bytes]) for piece in staged.pieces
        )
        object_storage().put(staged.key, content)
        self.discard(staged.key, staged.ref)

    def discard(self, key: str, ref: str) -> None:
        with self._lock:
            self._modified_at.pop(key, None)
            for place in [place for place in self._pieces if place[0] == key]:
                del self._pieces[place]

    def list_unfinished(self, prefix: str) -> Iterator[Unfinished]:
        check_prefix(prefix)
        with self._lock:
            found = sorted(item for item in self._modified_at.items() if item[0].startswith(prefix))
        return (Unfinished(key=key, ref="", modified_at=at) for key, at in found)

    def _find(self, key: str, piece: Piece) -> bytearray:
        content = self._pieces.get((key, piece.number))
        if content is None or len(content) < piece.size_bytes:
            raise PiecesLostError
        return content


class _Pen:
    def __init__(self, content: bytearray, number: int, earlier: tuple[Piece, ...]) -> None:
        self._content = content
        self._number = number
        self._earlier = earlier

    def write(self, content: bytes) -> None:
        self._content += content

    def settle(self, *, ends: bool) -> tuple[Piece, ...]:
        if not self._content:
            return self._earlier
        return (*self._earlier, Piece(number=self._number, size_bytes=len(self._content)))

    def confirm(self) -> None:
        """It replaces nothing."""

    def close(self) -> None:
        """Nothing is open."""
