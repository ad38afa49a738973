"""What keeps a file while it arrives, and makes it an object once it is whole.

A file is a row of pieces. Whoever keeps the list of pieces (a table, not the storage) says which
bytes count: what lies behind the recorded size of a piece, or in pieces that are not on the list,
is nothing. Each piece is written by one pen, under a number that only that pen has, so a writer
that was given up and still runs cannot touch what another has written.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from veza.integrations.object_storage import StorageUnavailableError

Reserve = Callable[[], int]
"""Gives a number that no piece of this file has had, or raises if the caller may not write."""


class PiecesLostError(StorageUnavailableError):
    """Bytes that were written down as stored are not there."""

    message = "The storage has lost a part of the upload."


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """`etag` is what the storage says of a piece that is final; "" where more may follow."""

    number: int
    size_bytes: int
    etag: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Staged:
    """A file on its way. `key` is that of the object to be, `ref` what `begin` has given."""

    key: str
    ref: str
    size_bytes: int
    pieces: tuple[Piece, ...] = ()

    @property
    def offset_bytes(self) -> int:
        """How much of it is stored."""
        return sum(piece.size_bytes for piece in self.pieces)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfinished:
    """Something that lies there for the object `key` to be."""

    key: str
    ref: str
    modified_at: datetime


class Pen(Protocol):
    """Writes on at the end of one file, for one thread at a time."""

    def write(self, content: bytes) -> None:
        """Take `content`; it need not be stored yet. Raises StorageFullError."""
        ...

    def settle(self, *, ends: bool) -> tuple[Piece, ...]:
        """The pieces of the file as they are surely stored, come what may.

        That is all that was written if it `ends`, else as much as the storage finds worth while.
        They count once they are on the list. Raises StorageFullError.
        """
        ...

    def confirm(self) -> None:
        """What `settle` returned last is on the list: what it replaces may go."""
        ...

    def close(self) -> None:
        """Nothing more is written. What was not settled is nothing."""
        ...


class UploadStorage(Protocol):
    """Blocking calls, each of which may raise KeyInvalidError and StorageUnavailableError.

    One instance serves all threads of a process.
    """

    def begin(self, key: str) -> str:
        """A reference of the storage's own for a file that shall become the object `key`."""
        ...

    def pen(self, staged: Staged, *, reserve: Reserve, continues: bool) -> Pen:
        """A pen at the end of the file. It `continues` the last piece only if the pen of that was
        surely closed. Raises PiecesLostError, StorageFullError.
        """
        ...

    def finish(self, staged: Staged) -> None:
        """Make the pieces the object, in one step for who reads it. A repeat is harmless.

        Raises PiecesLostError, StorageFullError.
        """
        ...

    def discard(self, key: str, ref: str) -> None:
        """Remove all pieces; nothing happens where there are none."""
        ...

    def list_unfinished(self, prefix: str) -> Iterator[Unfinished]:
        """What lies there for objects whose keys begin with `prefix`."""
        ...


class DirectUploadStorage(UploadStorage, Protocol):
    """One to which clients can send the pieces themselves."""

    def piece_url(self, staged: Staged, *, number: int, size_bytes: int, lifetime_s: int) -> str:
        """An address for one PUT of exactly so many bytes; its answer has an ETag."""
        ...

    def arrived(self, staged: Staged) -> tuple[Piece, ...]:
        """The pieces that are there, by number. Raises PiecesLostError when nothing was begun."""
        ...


def check_pieces(staged: Staged, found: Sequence[int]) -> None:
    """Raises PiecesLostError when one is smaller than the list says."""
    for piece, size_bytes in zip(staged.pieces, found, strict=True):
        if size_bytes < piece.size_bytes:
            raise PiecesLostError
