"""One suite for every adapter of the port, then what is special about each."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import count
from pathlib import Path

import httpx
import pytest
from django.test import override_settings
from django.utils import timezone

from tests.veza.integrations.own_s3 import OwnS3
from veza.embedded.ports import free_port
from veza.integrations.object_storage import (
    KeyInvalidError,
    ObjectNotFoundError,
    ObjectStorage,
    StorageUnavailableError,
    local,
    object_storage,
)
from veza.integrations.object_storage.local import UNFINISHED, LocalObjectStorage
from veza.integrations.object_storage.memory import MemoryObjectStorage
from veza.integrations.object_storage.s3 import S3ObjectStorage
from veza.kit.errors import StorageFullError

_numbers = count()
NO_KEYS = [
    "", "/", "a/", "/a", "a//b", ".", "..", "../a", "a/../b", "a/..", "./a", ".hidden", "a/.b",
    "a\\b", "a b", "a\x00b", "a\nb", "a\n", "ä", "a?b", "a%2fb", "~a", "-a", "C:a", "a" * 201,
    "/".join(["abc"] * 200),
]  # fmt: skip


@pytest.fixture(params=["memory", "local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStorage]:
    if request.param == "memory":
        yield MemoryObjectStorage()
    elif request.param == "local":
        with override_settings(OBJECT_STORAGE_ROOT=tmp_path / "storage"):
            yield LocalObjectStorage()
    else:
        with override_settings(**request.getfixturevalue("own_s3").settings):
            yield S3ObjectStorage()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[LocalObjectStorage]:
    with override_settings(OBJECT_STORAGE_ROOT=tmp_path):
        yield LocalObjectStorage()


@pytest.fixture
def folder() -> str:
    """The S3 of one run is the same for all tests."""
    return f"test{next(_numbers)}"


def files_in(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


class TestObjects:
    @pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 5000])
    def test_are_read_as_they_were_put(self, storage: ObjectStorage, folder, content) -> None:
        storage.put(f"{folder}/a.bin", content)

        assert storage.read(f"{folder}/a.bin") == content
        assert storage.stat(f"{folder}/a.bin").size_bytes == len(content)
        assert storage.exists(f"{folder}/a.bin")

    def test_may_come_from_a_stream_and_leave_it_open(self, storage: ObjectStorage, folder) -> None:
        source = BytesIO(b"skipped" + b"0123456789" * 2_000_000)  # more than one part of S3's
        source.seek(7)

        storage.put(f"{folder}/a.bin", source)

        assert not source.closed
        with storage.open(f"{folder}/a.bin") as stored:
            assert stored.read(3) == b"012"
            assert len(stored.read()) == 20_000_000 - 3

    @pytest.mark.parametrize(
        ("start", "length", "part"),
        [
            (0, None, b"0123456789"),
            (3, None, b"3456789"),
            (3, 4, b"3456"),
            (0, 1, b"0"),
            (8, 100, b"89"),
            (9, 1, b"9"),
            (10, None, b""),
            (10, 5, b""),
            (99, None, b""),
            (4, 0, b""),
        ],
    )
    def test_are_read_in_parts(self, storage: ObjectStorage, folder, start, length, part) -> None:
        storage.put(f"{folder}/a.bin", b"0123456789")

        assert storage.read(f"{folder}/a.bin", start=start, length=length) == part
        with storage.open(f"{folder}/a.bin", start=start, length=length) as stored:
            assert b"".join(iter(lambda: stored.read(3), b"")) == part

    def test_that_are_empty_have_no_parts(self, storage: ObjectStorage, folder) -> None:
        storage.put(f"{folder}/a.bin", b"")

        assert storage.read(f"{folder}/a.bin", start=0, length=5) == b""

    def test_are_replaced_whole(self, storage: ObjectStorage, folder) -> None:
        storage.put(f"{folder}/a.bin", b"long content")
        before = storage.stat(f"{folder}/a.bin")

        storage.put(f"{folder}/a.bin", b"short")

        assert storage.read(f"{folder}/a.bin") == b"short"
        assert storage.stat(f"{folder}/a.bin").etag != before.etag

    def test_say_what_they_are(self, storage: ObjectStorage, folder) -> None:
        storage.put(f"{folder}/a.webp", b"12345")

        stat = storage.stat(f"{folder}/a.webp")

        assert (stat.key, stat.content_type) == (f"{folder}/a.webp", "image/webp")
        assert stat.etag.startswith('"')
        assert stat.etag.endswith('"')
        assert abs((timezone.now() - stat.modified_at).total_seconds()) < 30
        assert storage.stat(f"{folder}/a.webp") == stat

    @pytest.mark.parametrize("name", ["a.html", "a.svg", "a.js", "a.xml", "a.exe", "a"])
    def test_have_no_type_that_acts_in_a_browser(self, storage, folder, name) -> None:
        storage.put(f"{folder}/{name}", b"<script>")

        assert storage.stat(f"{folder}/{name}").content_type == "application/octet-stream"

    def test_that_are_gone_are_not_found(self, storage: ObjectStorage, folder) -> None:
        key = f"{folder}/deep/er/a.bin"
        storage.put(key, b"x")

        storage.delete(key)
        storage.delete(key)

        assert not storage.exists(key)
        for read in (storage.open, storage.read, storage.stat):
            with pytest.raises(ObjectNotFoundError):
                read(key)
        with pytest.raises(ObjectNotFoundError):
            storage.read(key, start=1, length=0)

    def test_folders_are_none(self, storage: ObjectStorage, folder) -> None:
        storage.put(f"{folder}/deep/a.bin", b"x")

        assert not storage.exists(f"{folder}/deep")
        with pytest.raises(ObjectNotFoundError):
            storage.read(f"{folder}/deep")
        storage.delete(f"{folder}/deep")
        assert storage.exists(f"{folder}/deep/a.bin")


class TestListObjects:
    def test_gives_those_below_a_prefix_in_the_order_of_keys(self, storage, folder) -> None:
        names = ["a-b", "a.b", "a/b", "a/b.c", "a/c/d", "a0", "ab/c", "b"]
        for name in reversed(names):
            storage.put(f"{folder}/{name}", name.encode())

        def listed(prefix: str) -> list[str]:
            found = storage.list_objects(f"{folder}/{prefix}")
            return [stat.key.removeprefix(f"{folder}/") for stat in found]

        assert listed("") == names
        assert listed("a/") == ["a/b", "a/b.c", "a/c/d"]
        assert listed("a/b") == ["a/b", "a/b.c"]
        assert listed("a") == names[:-1]
        assert listed("a-b") == ["a-b"]
        assert listed("a-b-c") == listed("c") == listed("a/b/") == []
        sizes = [stat.size_bytes for stat in storage.list_objects(f"{folder}/a/")]
        assert sizes == [3, 5, 5]

    def test_gives_more_than_a_page(self, storage: ObjectStorage, folder) -> None:
        for number in range(1005):
            storage.put(f"{folder}/{number:04d}", b"")

        assert len(list(storage.list_objects(f"{folder}/"))) == 1005

    @pytest.mark.parametrize("prefix", ["/", "../", "a//", ".x", "a\x00"])
    def test_refuses_what_begins_no_key(self, storage: ObjectStorage, prefix) -> None:
        with pytest.raises(KeyInvalidError):
            storage.list_objects(prefix)


class TestKeys:
    @pytest.mark.parametrize("key", NO_KEYS)
    def test_that_are_none_are_refused_by_every_call(self, storage: ObjectStorage, key) -> None:
        now = timezone.now()
        for call in (
            lambda: storage.put(key, b"x"),
            lambda: storage.open(key),
            lambda: storage.read(key),
            lambda: storage.stat(key),
            lambda: storage.exists(key),
            lambda: storage.delete(key),
            lambda: storage.public_url(key),
            lambda: storage.public_url(f"public/{key}"),
            lambda: storage.signed_url(key, now=now, lifetime_s=60),
        ):
            with pytest.raises(KeyInvalidError):
                call()


class TestUrls:
    def test_of_public_objects_last(self, storage: ObjectStorage, settings) -> None:
        settings.PUBLIC_URL = "https://api.example.org"

        url = storage.public_url("public/a/1.webp")

        assert url == "https://api.example.org/files/public/a/1.webp"
        with pytest.raises(KeyInvalidError):
            storage.public_url("private/a")

    @pytest.mark.parametrize("lifetime_s", [0, -1, 7 * 24 * 3600 + 1])
    def test_that_are_signed_live_for_a_week_at_most(self, storage, lifetime_s) -> None:
        with pytest.raises(ValueError, match="week"):
            storage.signed_url("a", now=timezone.now(), lifetime_s=lifetime_s)


class TestCheck:
    def test_passes(self, storage: ObjectStorage) -> None:
        storage.check()


class TestLocal:
    def test_is_the_default_and_lies_in_the_data_directory(self, settings) -> None:
        settings.OBJECT_STORAGE_BACKEND = (
            "veza.integrations.object_storage.local.LocalObjectStorage"
        )
        assert isinstance(object_storage(), LocalObjectStorage)
        assert settings.DATA_DIR / "storage" == settings.OBJECT_STORAGE_ROOT

    def test_leaves_nothing_of_what_broke_off(self, disk, tmp_path) -> None:
        class Broken(BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise OSError(errno.EIO, "gone")

        disk.put("a/b", b"old")
        with pytest.raises(StorageUnavailableError):
            disk.put("a/b", Broken())

        assert disk.read("a/b") == b"old"
        assert files_in(tmp_path) == ["a/b"]

    def test_says_when_the_disk_is_full(self, disk, tmp_path, monkeypatch) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StorageFullError):
            disk.put("a/b", b"x")
        with pytest.raises(StorageFullError):
            disk.check()
        assert files_in(tmp_path) == []

    def test_removes_folders_with_their_last_object(self, disk, tmp_path) -> None:
        disk.put("a/b/c", b"x")
        disk.put("a/d", b"x")

        disk.delete("a/b/c")

        assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["d"]
        disk.delete("a/d")
        assert sorted(path.name for path in tmp_path.iterdir()) == [UNFINISHED]

    def test_never_has_a_folder_and_an_object_of_one_path(self, disk) -> None:
        disk.put("a/b", b"x")

        for key in ("a/b/c", "a/b/c/d", "a"):
            with pytest.raises(KeyInvalidError):
                disk.put(key, b"y")
        assert disk.read("a/b") == b"x"

    def test_shows_no_unfinished_object(self, disk, tmp_path) -> None:
        disk.put("a", b"x")
        (tmp_path / UNFINISHED / "b").write_bytes(b"half")

        assert [stat.key for stat in disk.list_objects("")] == ["a"]

    def test_forgets_what_killed_processes_left_a_day_ago(self, disk, tmp_path) -> None:
        disk.put("a", b"x")
        old, young = tmp_path / UNFINISHED / "old", tmp_path / UNFINISHED / "young"
        for path in (old, young):
            path.write_bytes(b"half")
        os.utime(old, (time.time() - 25 * 3600,) * 2)

        LocalObjectStorage()

        assert (old.exists(), young.exists(), disk.read("a")) == (False, True, b"x")

    def test_is_never_seen_half_written_or_without_its_folder(self, disk, monkeypatch) -> None:
        """Writers and deleters of neighbours in one folder, and a reader of one of them."""
        contents = {bytes([number]) * 300_000 for number in range(2)}
        monkeypatch.setattr(local, "BLOCK_BYTES", 1000)
        disk.put("folder/read", b"\0" * 300_000)

        def write_and_delete(name: str) -> None:
            for content in [*contents] * 30:
                disk.put(f"{name}/x", content)
                disk.delete(f"{name}/x")

        def write() -> None:
            for content in [*contents] * 30:
                disk.put("folder/read", content)

        with ThreadPoolExecutor(4) as threads:
            done = [threads.submit(write_and_delete, "gone") for _ in range(2)]
            done.append(threads.submit(write))
            seen = {disk.read("folder/read") for _ in range(200)}
        for each in done:
            each.result()
        assert seen <= contents
        assert [stat.key for stat in disk.list_objects("")] == ["folder/read"]


class TestS3:
    @pytest.fixture
    def bucket(self, own_s3: OwnS3) -> Iterator[S3ObjectStorage]:
        with override_settings(**own_s3.settings):
            yield S3ObjectStorage()

    def test_signs_links_to_the_bucket_by_version_4(self, bucket, own_s3, folder) -> None:
        """That they expire, and need their signature, moto cannot tell."""
        key = f"{folder}/a.mp3"
        bucket.put(key, b"music")

        url = httpx.URL(
            bucket.signed_url(key, now=timezone.now(), lifetime_s=90, filename="Ä song.mp3")
        )
        answer = httpx.get(url, headers={"Range": "bytes=1-2"})

        assert str(url).startswith(f"{own_s3.url}/veza-tests/{key}?")
        assert url.params["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
        assert url.params["X-Amz-Expires"] == "90"
        assert (answer.status_code, answer.content) == (206, b"us")
        assert answer.headers["content-type"] == "audio/mpeg"
        assert answer.headers["content-disposition"] == (
            "attachment; filename*=utf-8''%C3%84%20song.mp3"
        )

    def test_names_the_cdn_in_public_addresses(self, bucket, settings) -> None:
        settings.S3_PUBLIC_URL = "https://cdn.example.org"

        assert bucket.public_url("public/a") == "https://cdn.example.org/public/a"

    def test_says_that_it_does_not_answer(self, own_s3) -> None:
        dead = own_s3.settings | {"S3_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
        with override_settings(**dead):
            storage = S3ObjectStorage()
        calls: list[Callable[[], object]] = [
            lambda: storage.stat("a"),
            lambda: storage.put("a", b"x"),
            storage.check,
        ]
        for call in calls:
            with pytest.raises(StorageUnavailableError):
                call()

    def test_says_that_the_bucket_is_not_there(self, own_s3) -> None:
        with override_settings(**own_s3.settings | {"S3_BUCKET": "another"}):
            storage = S3ObjectStorage()
        with pytest.raises(StorageUnavailableError):
            storage.put("a", b"x")
        with pytest.raises(StorageUnavailableError):
            storage.check()
