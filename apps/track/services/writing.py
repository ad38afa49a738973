"""The bytes of one request, on their way into an upload. Blocking: it runs in threads."""

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.utils import timezone

from apps.track.errors.uploads import UploadChecksumError
from apps.track.models import Upload
from apps.track.services import writers
from apps.track.services.uploads import finish_upload
from apps.track.services.writers import Hold
from veza.integrations.upload_storage import Pen, upload_storage


@dataclass(frozen=True, kw_only=True, slots=True)
class Checksum:
    """What the sender says of the bytes of this request."""

    algorithm: str
    digest: bytes


@dataclass(kw_only=True)
class Writing:
    """Takes bytes, stores them, and writes down that they are stored, in this order.

    Bytes with a checksum count only when all of them are there and it holds. `offset_bytes` is
    how far the upload has surely come.
    """

    hold: Hold
    checksum: Checksum | None = None
    offset_bytes: int = field(init=False)
    position: int = field(init=False)
    _pen: Pen = field(init=False)
    _checked: Any = field(init=False, default=None)
    _whole: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.offset_bytes = self.position = self.hold.staged.offset_bytes
        if self.checksum:
            self._checked = hashlib.new(self.checksum.algorithm, usedforsecurity=False)
        if not self.position:  # the hash of the whole comes along, if this request brings it all
            self._whole = hashlib.sha256()
        row = self.hold.row
        self._pen = upload_storage().pen(
            self.hold.staged,
            reserve=partial(writers.reserve_piece, upload_id=row.id, writer=self.hold.writer),
            continues=self.hold.is_clean,
        )

    def write(self, content: bytes) -> None:
        """Take bytes; nothing is promised of them yet."""
        self._pen.write(content)
        self.position += len(content)
        for digest in (self._checked, self._whole):
            if digest is not None:
                digest.update(content)

    def settle(self) -> None:
        """In between: what is stored by now counts from now on, unless a checksum is awaited."""
        is_all = self.position == self.hold.row.size_bytes  # more may come, and would be too much
        if self.checksum is None and not is_all:
            self._write_down(ends=False)

    def end(self, *, is_whole: bool) -> None:
        """The request has ended, `is_whole` if with its last byte.

        Raises UploadChecksumError, and then keeps nothing of it.
        """
        if self.checksum is not None:
            if not is_whole:
                return
            if not hmac.compare_digest(self._checked.digest(), self.checksum.digest):
                raise UploadChecksumError
        self._write_down(ends=True)

    def finish(self) -> Upload:
        """All bytes of the upload are there: it becomes an object."""
        row = self.hold.row
        self.close()
        row.refresh_from_db()
        row.writer = self.hold.writer
        sha256 = self._whole.hexdigest() if self._whole is not None else ""
        return finish_upload(row, sha256=sha256, now=timezone.now())

    def close(self) -> None:
        """Give back what is open. A repeat is harmless."""
        pen, self._pen = self._pen, _CLOSED
        pen.close()

    def _write_down(self, *, ends: bool) -> None:
        pieces = self._pen.settle(ends=ends)
        reached = sum(piece.size_bytes for piece in pieces)
        if reached == self.offset_bytes:
            return
        row = self.hold.row
        writers.write_down(
            upload_id=row.id, writer=self.hold.writer, pieces=pieces, now=timezone.now()
        )
        self.offset_bytes = reached
        self._pen.confirm()


class _Closed:
    """A pen that was put away."""

    def write(self, content: bytes) -> None:
        raise ValueError("The pen is closed.")

    def settle(self, *, ends: bool) -> Any:
        raise ValueError("The pen is closed.")

    def confirm(self) -> None:
        """There is nothing to confirm."""

    def close(self) -> None:
        """It is."""


_CLOSED = _Closed()
