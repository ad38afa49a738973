"""Objects as files below OBJECT_STORAGE_ROOT: the key is the path."""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, cast

from django.conf import settings

from veza.integrations.object_storage.keys import (
    check_key,
    check_prefix,
    check_public,
    content_type_of,
)
from veza.integrations.object_storage.links import public_link, signed_link
from veza.integrations.object_storage.port import (
    KeyInvalidError,
    ObjectNotFoundError,
    ObjectStat,
    StorageUnavailableError,
)
from veza.integrations.object_storage.slices import Slice
from veza.kit.errors import StorageFullError
from veza.kit.models import new_id

UNFINISHED = ".unfinished"  # no key begins with a dot
ABANDONED_S = 24 * 3600
BLOCK_BYTES = 1024 * 1024
RACES = 100
READABLE = 0o644
_FULL = (errno.ENOSPC, errno.EDQUOT)
_IN_THE_WAY = (IsADirectoryError, NotADirectoryError, FileExistsError)


class LocalObjectStorage:
    """Several processes, and several machines that share the disk, may use one root.

    A file is complete and on the disk before it has its name. An object and a folder cannot have
    the same path: beside `a/b` there is no `a/b/c`.
    """

    def __init__(self, *, root: Path | None = None) -> None:
        self._root = root or Path(settings.OBJECT_STORAGE_ROOT)
        self._unfinished = self._root / UNFINISHED
        self._forget_abandoned()

    def put(self, key: str, content: bytes | IO[bytes]) -> None:
        target = self._path(key)
        with told():
            self._unfinished.mkdir(parents=True, exist_ok=True)
            temporary = self._unfinished / new_id().hex
            try:
                _write(temporary, content)
                _rename(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)

    def adopt(self, key: str, path: Path) -> None:
        """Give a file of the same disk, whole and flushed, the name of an object.

        Raises ObjectNotFoundError when it is not there.
        """
        target = self._path(key)
        with told():
            path.chmod(READABLE)
            _rename(path, target)

    def open(self, key: str, *, start: int = 0, length: int | None = None) -> IO[bytes]:
        with told():
            file = self._path(key).open("rb")
            file.seek(start)
        return file if length is None else cast(IO[bytes], Slice(file, length))

    def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        with told(), self.open(key, start=start, length=length) as file:
            return file.read()

    def stat(self, key: str) -> ObjectStat:
        with told():
            path = self._path(key)
            found = path.stat()
            if not path.is_file():
                raise ObjectNotFoundError
        return _stat(key, found)

    def exists(self, key: str) -> bool:
        try:
            self.stat(key)
        except ObjectNotFoundError:
            return False
        return True

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            with told():
                path.unlink()
        except ObjectNotFoundError:
            return
        self._remove_empty(path.parent)

    def list_objects(self, prefix: str) -> Iterator[ObjectStat]:
        folder = check_prefix(prefix).rpartition("/")[0]
        return self._walk(self._root / folder, f"{folder}/" if folder else "", prefix)

    def public_url(self, key: str) -> str:
        return public_link(check_public(key))

    def signed_url(
        self, key: str, *, now: datetime, lifetime_s: int, filename: str = "", caching: str = ""
    ) -> str:
        return signed_link(key, now=now, lifetime_s=lifetime_s, filename=filename)

    def check(self) -> None:
        """The folder takes files."""
        with told():
            self._unfinished.mkdir(parents=True, exist_ok=True)
            temporary = self._unfinished / new_id().hex
            try:
                _write(temporary, b"ready")
            finally:
                temporary.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _walk(self, folder: Path, path: str, prefix: str) -> Iterator[ObjectStat]:
        """In the order of whole keys: a folder sorts as if its name ended in a slash."""
        with told():
            try:
                entries = {f"{e.name}/" if e.is_dir() else e.name: e for e in os.scandir(folder)}
            except (FileNotFoundError, NotADirectoryError):
                return
        for name in sorted(entries):
            key = f"{path}{name}"
            if name.endswith("/"):
                if not name.startswith(".") and (key.startswith(prefix) or prefix.startswith(key)):
                    yield from self._walk(Path(entries[name]), key, prefix)
                continue
            if not key.startswith(prefix):
                continue
            try:
                yield _stat(key, entries[name].stat())
            except FileNotFoundError:  # deleted meanwhile
                continue

    def _remove_empty(self, folder: Path) -> None:
        while folder != self._root:
            try:
                folder.rmdir()
            except OSError:  # something is in it, or somebody was faster
                return
            folder = folder.parent

    def _forget_abandoned(self) -> None:
        """What processes that were killed had begun to write."""
        for path in self._unfinished.glob("*"):
            try:
                if time.time() - path.stat().st_mtime > ABANDONED_S:
                    path.unlink()
            except OSError:
                continue


def _write(path: Path, content: bytes | IO[bytes]) -> None:
    source = BytesIO(content) if isinstance(content, bytes) else content
    with path.open("xb") as file:
        shutil.copyfileobj(source, file, BLOCK_BYTES)
        file.flush()
        os.fsync(file.fileno())


def _rename(temporary: Path, target: Path) -> None:
    for _ in range(RACES):  # a folder may be removed as empty at any moment
        try:
            made = _make_folders(target.parent)
            temporary.replace(target)
        except FileNotFoundError:
            continue
        except _IN_THE_WAY:
            if target.is_dir() or any(folder.is_file() for folder in target.parents):
                raise KeyInvalidError(f"A folder and an object: {target}") from None
            continue
        flush_folders([target.parent, *(folder.parent for folder in made)])
        return
    raise StorageUnavailableError


def _make_folders(folder: Path) -> list[Path]:
    """Those of the folders on the way that were not there before."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def flush_folders(folders: list[Path]) -> None:
    """Only then do the names in them survive a power cut."""
    for folder in folders:
        with suppress(FileNotFoundError):  # its last object was deleted at once
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _stat(key: str, found: os.stat_result) -> ObjectStat:
    return ObjectStat(
        key=key,
        size_bytes=found.st_size,
        etag=f'"{found.st_mtime_ns:x}-{found.st_ino:x}-{found.st_size:x}"',
        content_type=content_type_of(key),
        modified_at=datetime.fromtimestamp(found.st_mtime, UTC),
    )


@contextmanager
def told() -> Iterator[None]:
    """The failures of the disk in the words of the port."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise ObjectNotFoundError from None
    except OSError as fault:
        if fault.errno in _FULL:
            raise StorageFullError from fault
        raise StorageUnavailableError from fault
