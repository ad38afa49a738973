"""Pieces as files beside the objects, on the same disk: most often one, which is then renamed."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from veza.integrations.object_storage import ObjectNotFoundError
from veza.integrations.object_storage.keys import check_key, check_prefix
from veza.integrations.object_storage.local import LocalObjectStorage, flush_folders, told
from veza.integrations.object_storage.slices import Slice
from veza.integrations.upload_storage.port import Pen, Piece, PiecesLostError, Reserve, Staged
from veza.integrations.upload_storage.port import Unfinished as Found

FOLDER = ".uploads"  # no key begins with a dot
WHOLE = "whole"
OWNER_ONLY = 0o600
BLOCK_BYTES = 1024 * 1024
_SLASH = "+"  # stands in no key


class LocalUploadStorage:
    """A piece is `<key>.<number>`, and grows as long as its pen writes.

    `settle` returns when the bytes are on the disk (fdatasync), so a power cut takes nothing that
    was written down as stored. Several machines may share the disk.
    """

    def __init__(self) -> None:
        self._folder = Path(settings.OBJECT_STORAGE_ROOT) / FOLDER
        self._objects = LocalObjectStorage()

    def begin(self, key: str) -> str:
        check_key(key)
        return ""

    def pen(self, staged: Staged, *, reserve: Reserve, continues: bool) -> Pen:
        *earlier, last = staged.pieces or (None,)
        if last is None or not continues:
            return _Pen(self._new(staged.key, number := reserve()), number, staged.pieces)
        path = self._path(staged.key, last.number)
        try:
            with told():
                descriptor = os.open(path, os.O_WRONLY)
        except ObjectNotFoundError:
            raise PiecesLostError from None
        return _Pen(descriptor, last.number, tuple(each for each in earlier if each), last)

    def finish(self, staged: Staged) -> None:
        try:
            self._objects.adopt(staged.key, self._assembled(staged))
        except PiecesLostError:
            if not self._is_object(staged):
                raise
        self.discard(staged.key, staged.ref)

    def discard(self, key: str, ref: str) -> None:
        with told():
            for path in self._folder.glob(f"{_name(key)}.*"):
                path.unlink(missing_ok=True)

    def list_unfinished(self, prefix: str) -> Iterator[Found]:
        check_prefix(prefix)
        with told():
            for path in sorted(self._folder.glob(f"{prefix.replace('/', _SLASH)}*")):
                try:
                    modified_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                except FileNotFoundError:  # finished or discarded meanwhile
                    continue
                key = path.name.rpartition(".")[0].replace(_SLASH, "/")
                yield Found(key=key, ref="", modified_at=modified_at)

    def _path(self, key: str, number: int | str) -> Path:
        return self._folder / f"{_name(key)}.{number}"

    def _new(self, key: str, number: int) -> int:
        with told():
            self._make_folder()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            descriptor = os.open(self._path(key, number), flags, OWNER_ONLY)
            flush_folders([self._folder])
        return descriptor

    def _make_folder(self) -> None:
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True, exist_ok=True)
            flush_folders([self._folder.parent])

    def _assembled(self, staged: Staged) -> Path:
        """One file with all bytes. With one piece it is that, without what nobody asked for."""
        paths = [self._path(staged.key, piece.number) for piece in staged.pieces]
        whole = paths[0] if len(paths) == 1 else self._path(staged.key, WHOLE)
        self._make_folder()
        try:
            with told(), whole.open("r+b" if len(paths) == 1 else "wb") as file:
                if len(paths) == 1:
                    file.truncate(_checked(staged.pieces[0], os.fstat(file.fileno()).st_size))
                for piece, path in zip(staged.pieces, paths, strict=True):
                    if path != whole:
                        _checked(piece, path.stat().st_size)
                        shutil.copyfileobj(
                            Slice(path.open("rb"), piece.size_bytes), file, BLOCK_BYTES
                        )
                file.flush()
                os.fsync(file.fileno())
        except ObjectNotFoundError:
            raise PiecesLostError from None
        return whole

    def _is_object(self, staged: Staged) -> bool:
        try:
            return self._objects.stat(staged.key).size_bytes == staged.size_bytes
        except ObjectNotFoundError:
            return False


class _Pen:
    """At the end of one file; `last` is what is on the list of it already."""

    def __init__(
        self, descriptor: int, number: int, earlier: tuple[Piece, ...], last: Piece | None = None
    ) -> None:
        self._descriptor = descriptor
        self._number = number
        self._earlier = earlier
        self._end = last.size_bytes if last else 0
        try:
            with told():
                if last:
                    _checked(last, os.fstat(descriptor).st_size)
                os.ftruncate(descriptor, self._end)
        except BaseException:
            os.close(descriptor)
            raise

    def write(self, content: bytes) -> None:
        left = memoryview(content)
        with told():
            while left:
                written = os.pwrite(self._descriptor, left, self._end)
                self._end += written
                left = left[written:]

    def settle(self, *, ends: bool) -> tuple[Piece, ...]:
        if not self._end:
            return self._earlier
        with told():
            os.fdatasync(self._descriptor)
        return (*self._earlier, Piece(number=self._number, size_bytes=self._end))

    def confirm(self) -> None:
        """It replaces nothing."""

    def close(self) -> None:
        os.close(self._descriptor)


def _name(key: str) -> str:
    return check_key(key).replace("/", _SLASH)


def _checked(piece: Piece, size_bytes: int) -> int:
    if size_bytes < piece.size_bytes:
        raise PiecesLostError
    return piece.size_bytes
