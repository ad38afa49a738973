"""`manage.py storage_move` between disk and moto's S3, and what it does when things go wrong."""

import json
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.management import CommandError, call_command

from tests.veza.integrations.own_s3 import OwnS3
from veza.integrations.object_storage import (
    ObjectStorage,
    StorageUnavailableError,
    storage_at,
)
from veza.kit.models import new_id

FILES = {
    "public/pictures/1.webp": b"picture",
    "tracks/1/source": b"RIFF" + bytes(300_000),
    "tracks/1/hls/0.m4s": b"",
    "uploads/1": b"not used yet",
}


@pytest.fixture
def bucket(own_s3: OwnS3, settings: Any) -> str:
    """A new one, by its address."""
    for name, value in own_s3.settings.items():
        setattr(settings, name, value)
    name = f"move-{new_id()}"
    boto3.client(
        "s3", endpoint_url=own_s3.url, region_name="us-east-1", aws_access_key_id="key",
        aws_secret_access_key="secret",
    ).create_bucket(Bucket=name)  # fmt: skip
    return f"s3://{name}"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    address = f"local:{tmp_path}/storage"
    (tmp_path / "storage").mkdir()
    for key, content in FILES.items():
        storage_at(address).put(key, content)
    return address


def move(source: str, target: str, *options: str) -> dict[str, int]:
    out = StringIO()
    call_command("storage_move", "--from", source, "--to", target, "--json", *options, stdout=out)
    tally: dict[str, int] = json.loads(out.getvalue())
    return tally


def contents(address: str) -> dict[str, bytes]:
    storage = storage_at(address)
    return {stat.key: storage.read(stat.key) for stat in storage.list_objects("")}


def test_from_disk_to_a_bucket_and_back(folder: str, bucket: str, tmp_path: Path) -> None:
    assert move(folder, bucket) == {"copied": 4}
    assert contents(bucket) == contents(folder) == FILES

    back = f"local:{tmp_path}/back"
    assert move(bucket, back) == {"copied": 4}
    assert contents(back) == FILES


def test_dry_run_writes_nothing(folder: str, bucket: str) -> None:
    assert move(folder, bucket, "--dry-run", "--delete-source") == {"missing": 4}
    assert contents(bucket) == {}
    assert contents(folder) == FILES


def test_repeat_copies_what_is_new_or_differs(folder: str, bucket: str) -> None:
    move(folder, bucket)
    storage_at(folder).put("tracks/2/source", b"new")
    storage_at(bucket).put("uploads/1", b"NOT used yet")  # as long, and not the same

    assert move(folder, bucket) == {"same": 3, "copied": 2}
    assert contents(bucket) == contents(folder)


def test_quick_trusts_sizes(folder: str, bucket: str) -> None:
    move(folder, bucket)
    storage_at(bucket).put("uploads/1", b"NOT used yet")

    assert move(folder, bucket, "--quick") == {"same": 4}


def test_source_is_deleted_once_it_was_compared(folder: str, bucket: str) -> None:
    assert move(folder, bucket, "--delete-source") == {"copied": 4}
    assert contents(folder) == {}
    assert contents(bucket) == FILES


class Meddling:
    """A storage beside whose reads something happens."""

    def __init__(self, storage: ObjectStorage, meddle: Any) -> None:
        self._storage, self._meddle = storage, meddle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def open(self, key: str, **part: Any) -> Any:
        self._meddle(key)
        return self._storage.open(key, **part)


@pytest.fixture
def meddle(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], None]:
    """Have something happen before each read of the source."""

    def begin(source: str, do: Any) -> None:
        def made(address: str) -> Any:
            storage = storage_at(address)
            return Meddling(storage, do) if address == source else storage

        monkeypatch.setattr("veza.management.commands.storage_move.storage_at", made)

    return begin


def test_what_is_written_meanwhile_is_found(folder: str, bucket: str, meddle: Any) -> None:
    storage = storage_at(folder)

    def write(key: str) -> None:
        if key == "uploads/1":
            storage.put("public/pictures/2.webp", b"late")

    meddle(folder, write)

    assert move(folder, bucket)["copied"] == 5
    assert contents(bucket) == FILES | {"public/pictures/2.webp": b"late"}


def test_what_is_deleted_meanwhile_is_no_failure(folder: str, bucket: str, meddle: Any) -> None:
    storage = storage_at(folder)

    def delete(key: str) -> None:
        if key == "uploads/1":
            storage.delete(key)

    meddle(folder, delete)

    assert move(folder, bucket) == {"copied": 3, "gone": 1}


def test_interrupted_it_goes_on(folder: str, bucket: str, meddle: Any) -> None:
    def die(key: str) -> None:
        if key == "tracks/1/source":
            raise KeyboardInterrupt

    meddle(folder, die)
    with pytest.raises(KeyboardInterrupt):
        move(folder, bucket)
    assert 0 < len(contents(bucket)) < len(FILES)
    meddle(folder, lambda key: None)

    assert set(move(folder, bucket)) == {"same", "copied"}
    assert contents(bucket) == FILES


def test_file_that_cannot_be_read_is_told_and_the_others_are_moved(
    folder: str, bucket: str, meddle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(key: str) -> None:
        if key == "uploads/1":
            raise StorageUnavailableError

    meddle(folder, fail)
    with pytest.raises(CommandError, match="could not be moved"):
        move(folder, bucket, "--delete-source")

    assert set(FILES) - set(contents(bucket)) == {"uploads/1"}
    assert contents(folder) == {"uploads/1": FILES["uploads/1"]}


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("local:relative", "s3://bucket", "no such folder"),
        ("local:/no/such/folder", "local:/tmp/x", "no such folder"),
        ("ftp://here", "s3://bucket", "write local:"),
        ("s3://", "local:/tmp/x", "write local:"),
        ("s3://bucket/folder", "local:/tmp/x", "write local:"),
        ("s3://bucket", "s3://bucket/", "the same"),
    ],
)
def test_addresses_that_mean_nothing_are_refused(source: str, target: str, told: str) -> None:
    with pytest.raises(CommandError, match=told):
        move(source, target)


def test_bucket_that_is_not_there_is_told(folder: str, bucket: str) -> None:
    with pytest.raises(CommandError, match="storage of files does not answer"):
        move(folder, "s3://no-such-bucket-at-all")


def test_files_of_others_stay(folder: str, bucket: str) -> None:
    """What lies in the folder and is no object: unfinished uploads, say."""
    root = Path(folder.removeprefix("local:"))
    (root / ".uploads").mkdir()
    (root / ".uploads" / "uploads+1.1").write_bytes(b"half")

    move(folder, bucket, "--delete-source")

    assert (root / ".uploads" / "uploads+1.1").read_bytes() == b"half"
    assert os.listdir(root / ".uploads") == ["uploads+1.1"]
