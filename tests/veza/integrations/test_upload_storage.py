"""One suite for every adapter of the port."""

import errno
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from django.test import override_settings

from tests.veza.integrations.own_s3 import OwnS3
from veza.integrations.object_storage import (
    ObjectNotFoundError,
    StorageUnavailableError,
    object_storage,
)
from veza.integrations.upload_storage import Piece, Staged, UploadStorage
from veza.integrations.upload_storage import upload_storage as configured
from veza.kit.errors import StorageFullError

MEGABYTE = 1024**2
CONTENT = os.urandom(19 * MEGABYTE + 17)
ADAPTERS = {
    "memory": ("memory.MemoryObjectStorage", "memory.MemoryUploadStorage"),
    "local": ("local.LocalObjectStorage", "local.LocalUploadStorage"),
    "s3": ("s3.S3ObjectStorage", "s3.S3UploadStorage"),
}
_numbers = count()


@pytest.fixture(scope="module")
def own_s3() -> Iterator[OwnS3]:
    with OwnS3() as started:
        yield started


@pytest.fixture(params=list(ADAPTERS))
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UploadStorage]:
    objects, uploads = ADAPTERS[request.param]
    more = request.getfixturevalue("own_s3").settings if request.param == "s3" else {}
    with override_settings(
        OBJECT_STORAGE_ROOT=tmp_path,
        OBJECT_STORAGE_BACKEND=f"veza.integrations.object_storage.{objects}",
        UPLOAD_STORAGE_BACKEND=f"veza.integrations.upload_storage.{uploads}",
        **more,
    ):
        yield configured()


class Uploading:
    """What the table does: it keeps the list of pieces, and gives numbers."""

    def __init__(self, storage: UploadStorage, size_bytes: int) -> None:
        self.storage = storage
        self.key = f"uploads/test{next(_numbers)}"
        ref = storage.begin(self.key)
        self.staged = Staged(key=self.key, ref=ref, size_bytes=size_bytes)
        self.numbers = count(1)

    def reserve(self) -> int:
        return next(self.numbers)

    def write(self, *contents: bytes, continues: bool = True, settles: bool = True) -> None:
        """One request; without `settles` its process is killed before the end."""
        pen = self.storage.pen(self.staged, reserve=self.reserve, continues=continues)
        for content in contents:
            pen.write(content)
        if settles:
            self.record(pen.settle(ends=True))
            pen.confirm()
        pen.close()

    def record(self, pieces: tuple[Piece, ...]) -> None:
        staged = self.staged
        self.staged = Staged(
            key=staged.key, ref=staged.ref, size_bytes=staged.size_bytes, pieces=pieces
        )

    def finish(self) -> bytes:
        self.storage.finish(self.staged)
        return object_storage().read(self.key)

    def is_left(self) -> bool:
        return any(self.storage.list_unfinished(self.key))


@pytest.fixture
def begin(storage: UploadStorage) -> Callable[[int], Uploading]:
    return lambda size_bytes: Uploading(storage, size_bytes)


@pytest.mark.parametrize("size", [1, 5 * MEGABYTE, 8 * MEGABYTE, 16 * MEGABYTE, len(CONTENT)])
def test_a_file_arrives_as_it_was_sent(begin, size):
    upload = begin(size)
    upload.write(CONTENT[: size // 2], CONTENT[size // 2 : size])

    assert upload.staged.offset_bytes == size
    assert upload.finish() == CONTENT[:size]
    assert not upload.is_left()


def test_a_file_of_no_bytes_is_an_object_too(begin):
    upload = begin(0)

    assert upload.finish() == b""
    assert not upload.is_left()


@pytest.mark.parametrize("continues", [True, False])
@pytest.mark.parametrize("cut", [1, 1000, MEGABYTE, 5 * MEGABYTE, 7 * MEGABYTE, 9 * MEGABYTE])
def test_a_file_arrives_in_several_requests(begin, cut, continues):
    upload = begin(len(CONTENT))
    for start in range(0, len(CONTENT), cut)[:3]:
        assert upload.staged.offset_bytes == start
        upload.write(CONTENT[start : start + cut], continues=continues)
    upload.write(CONTENT[upload.staged.offset_bytes :], continues=continues)

    assert upload.finish() == CONTENT
    assert not upload.is_left()


@pytest.mark.parametrize("continues", [True, False])
def test_what_was_not_settled_is_nothing(begin, continues):
    upload = begin(len(CONTENT))
    upload.write(CONTENT[:1000])
    upload.write(b"lost" * 3 * MEGABYTE, continues=continues, settles=False)
    upload.write(CONTENT[1000:], continues=continues)

    assert upload.finish() == CONTENT


def test_what_is_settled_on_the_way_counts_at_most_what_is_stored(begin):
    upload = begin(len(CONTENT))
    pen = upload.storage.pen(upload.staged, reserve=upload.reserve, continues=False)
    pen.write(CONTENT[: 9 * MEGABYTE])
    upload.record(pen.settle(ends=False))
    pen.confirm()
    pen.close()

    reached = upload.staged.offset_bytes
    assert 8 * MEGABYTE <= reached <= 9 * MEGABYTE
    upload.write(CONTENT[reached:], continues=False)
    assert upload.finish() == CONTENT


def test_a_writer_that_was_given_up_cannot_touch_what_others_write(begin):
    upload = begin(len(CONTENT))
    given_up = upload.storage.pen(upload.staged, reserve=upload.reserve, continues=False)
    given_up.write(b"x" * 9 * MEGABYTE)
    upload.write(CONTENT[: 10 * MEGABYTE], continues=False)
    given_up.write(b"y" * 9 * MEGABYTE)
    given_up.settle(ends=True)
    upload.write(CONTENT[10 * MEGABYTE :], continues=False)

    assert upload.finish() == CONTENT
    given_up.close()
    assert object_storage().read(upload.key) == CONTENT


def test_nothing_is_seen_before_the_end(begin):
    upload = begin(len(CONTENT))
    upload.write(CONTENT)

    assert not object_storage().exists(upload.key)
    assert upload.is_left()


def test_to_finish_again_is_harmless(begin):
    upload = begin(len(CONTENT))
    upload.write(CONTENT)
    upload.finish()

    assert upload.finish() == CONTENT


@pytest.mark.parametrize("sent", [0, 1000, 9 * MEGABYTE])
def test_what_is_discarded_is_gone(begin, sent):
    upload = begin(len(CONTENT))
    upload.write(CONTENT[:sent])
    upload.storage.discard(upload.key, upload.staged.ref)

    assert not upload.is_left()
    with pytest.raises(ObjectNotFoundError):
        object_storage().read(upload.key)


def test_lost_pieces_are_told(begin):
    upload = begin(len(CONTENT))
    upload.write(CONTENT)
    upload.storage.discard(upload.key, upload.staged.ref)

    with pytest.raises(StorageUnavailableError):  # moto has a 500 of its own for this
        upload.finish()


def test_a_full_disk_is_told_and_keeps_what_was_stored(tmp_path, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with override_settings(
        OBJECT_STORAGE_ROOT=tmp_path,
        OBJECT_STORAGE_BACKEND="veza.integrations.object_storage.local.LocalObjectStorage",
        UPLOAD_STORAGE_BACKEND="veza.integrations.upload_storage.local.LocalUploadStorage",
    ):
        upload = Uploading(configured(), 10)
        upload.write(b"hello")
        with monkeypatch.context() as broken:
            broken.setattr(os, "pwrite", full)
            pen = upload.storage.pen(upload.staged, reserve=upload.reserve, continues=True)
            with pytest.raises(StorageFullError):
                pen.write(b"world")
            upload.record(pen.settle(ends=True))
            pen.close()

        assert upload.staged.offset_bytes == 5
        upload.write(b"world")
        assert upload.finish() == b"helloworld"


def test_files_on_disk_are_their_owners_alone_until_they_are_whole(tmp_path):
    with override_settings(
        OBJECT_STORAGE_ROOT=tmp_path,
        UPLOAD_STORAGE_BACKEND="veza.integrations.upload_storage.local.LocalUploadStorage",
    ):
        upload = Uploading(configured(), 10)
        upload.write(b"hello")
        [piece] = (tmp_path / ".uploads").iterdir()

    assert piece.stat().st_mode & 0o777 == 0o600
