"""What keeps files: bytes under a key.

A key is a path of words (`track/0190.../original.wav`): see `keys.py`. What lies below `public/`
may be read by everyone and never changes under its key, so caches keep it for ever; all else is
private, and read by who holds a signed link. The media type of an object follows from the suffix
of its key, so the two cannot disagree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Protocol

from veza.kit.errors import NotFoundError, UpstreamError


class KeyInvalidError(ValueError):
    """No key, or one that this may not be done with: a fault of our own code, not of a client."""


class ObjectNotFoundError(NotFoundError):
    """There is nothing under this key."""

    code = "file_not_found"
    message = "There is no such file."


class StorageUnavailableError(UpstreamError):
    """The storage does not answer, or refuses us."""

    code = "storage_unavailable"
    message = "The storage of files does not answer."


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectStat:
    """What is known of an object without reading it. `etag` stands in quotes, as in HTTP."""

    key: str
    size_bytes: int
    etag: str
    content_type: str
    modified_at: datetime


class ObjectStorage(Protocol):
    """Blocking calls, each of which may raise KeyInvalidError and StorageUnavailableError.

    One instance serves all threads of a process. No object is ever seen half written.
    """

    def put(self, key: str, content: bytes | IO[bytes]) -> None:
        """Store `content`, a stream from where it stands to its end, instead of what was there.

        The stream stays open. Raises StorageFullError.
        """
        ...

    def open(self, key: str, *, start: int = 0, length: int | None = None) -> IO[bytes]:
        """A stream of the bytes from `start` on, at most `length` of them; to be closed.

        Beyond the end there is nothing. Raises ObjectNotFoundError.
        """
        ...

    def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """The same at once. Raises ObjectNotFoundError."""
        ...

    def stat(self, key: str) -> ObjectStat:
        """Raises ObjectNotFoundError."""
        ...

    def exists(self, key: str) -> bool:
        """Whether there is something under this key."""
        ...

    def delete(self, key: str) -> None:
        """Remove what is under this key; nothing happens where nothing is."""
        ...

    def list_objects(self, prefix: str) -> Iterator[ObjectStat]:
        """Everything whose key begins with `prefix`, in the order of the keys."""
        ...

    def public_url(self, key: str) -> str:
        """The lasting address of a public object, whether or not it is there yet."""
        ...

    def signed_url(
        self, key: str, *, now: datetime, lifetime_s: int, filename: str = "", caching: str = ""
    ) -> str:
        """An address that anyone may read the object by until it expires, a week at most.

        With `filename` browsers save it under that name instead of showing it. `caching` is what
        Cache-Control says of the answer, where that is not for us to say.
        """
        ...

    def check(self) -> None:
        """Whether the storage can be used, found out quickly. Raises StorageUnavailableError."""
        ...
