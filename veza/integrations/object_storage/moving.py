"""All objects of one storage to another, while both are in use.

An object is written whole, read again, and compared by size and SHA-256 before it counts as there.
What is there already is compared in the same way, so a move that was interrupted goes on where it
was. Nothing is removed from the source unless that is asked for, and never before it was compared.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from django.utils.module_loading import import_string

from veza.integrations.object_storage.port import (
    ObjectNotFoundError,
    ObjectStat,
    ObjectStorage,
    StorageUnavailableError,
)
from veza.kit.errors import StorageFullError

BLOCK_BYTES = 1024 * 1024


class Outcome(StrEnum):
    """What became of one object. `missing` is said by a dry run, `gone` of what was deleted."""

    COPIED = "copied"
    SAME = "same"
    MISSING = "missing"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """One object, and why it could not be moved."""

    stat: ObjectStat
    outcome: Outcome
    fault: str = ""


def storage_at(address: str) -> ObjectStorage:
    """`local:/path` or `s3://bucket`, by the S3_ settings. Raises ValueError."""
    parts = urlsplit(address)
    if parts.scheme == "local" and not parts.netloc and Path(parts.path).is_absolute():
        return _adapter("local.LocalObjectStorage", root=Path(parts.path))
    if parts.scheme == "s3" and parts.netloc and parts.path in ("", "/"):
        return _adapter("s3.S3ObjectStorage", bucket=parts.netloc)
    raise ValueError(f"{address}: write local:/absolute/path or s3://bucket")


@dataclass(kw_only=True)
class Move:
    """`trusts_sizes`: what has the same size on both sides is not read again."""

    source: ObjectStorage
    target: ObjectStorage
    prefix: str = ""
    is_dry: bool = False
    trusts_sizes: bool = False
    deletes_source: bool = False

    def once(self, *, seen: dict[str, str]) -> Iterator[Moved]:
        """Everything that is there now and not as in `seen` (ETags by key), which it fills."""
        for stat in self.source.list_objects(self.prefix):
            if seen.get(stat.key) == stat.etag:
                continue
            moved = self._one(stat)
            if moved.outcome != Outcome.FAILED:
                seen[stat.key] = stat.etag
            yield moved

    def _one(self, stat: ObjectStat) -> Moved:
        try:
            outcome = self._outcome(stat)
            if self.deletes_source and outcome in (Outcome.COPIED, Outcome.SAME):
                self._delete_if_unchanged(stat)
        except ObjectNotFoundError:  # the platform has deleted it meanwhile
            return Moved(stat=stat, outcome=Outcome.GONE)
        except (StorageUnavailableError, StorageFullError) as fault:
            cause = fault.__cause__
            return Moved(stat=stat, outcome=Outcome.FAILED, fault=f"{fault} {cause or ''}".strip())
        except DiffersError as fault:
            return Moved(stat=stat, outcome=Outcome.FAILED, fault=str(fault))
        return Moved(stat=stat, outcome=outcome)

    def _outcome(self, stat: ObjectStat) -> Outcome:
        if self._is_there(stat):
            return Outcome.SAME
        if self.is_dry:
            return Outcome.MISSING
        with self.source.open(stat.key) as stream:
            reading = _Hashing(stream)
            self.target.put(stat.key, reading)  # type: ignore[arg-type] # it is only read
        if reading.size_bytes != stat.size_bytes:
            raise DiffersError(f"{stat.key}: changed while it was read")
        if _sha256(self.target, stat.key) != reading.hexdigest():
            raise DiffersError(f"{stat.key}: what was written is not what was read")
        return Outcome.COPIED

    def _is_there(self, stat: ObjectStat) -> bool:
        try:
            found = self.target.stat(stat.key)
        except ObjectNotFoundError:
            return False
        if found.size_bytes != stat.size_bytes:
            return False
        return self.trusts_sizes or _sha256(self.target, stat.key) == _sha256(self.source, stat.key)

    def _delete_if_unchanged(self, stat: ObjectStat) -> None:
        if not self.is_dry and self.source.stat(stat.key).etag == stat.etag:
            self.source.delete(stat.key)


class DiffersError(Exception):
    """The two sides do not hold the same."""


class _Hashing:
    """A stream that remembers what was read from it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def read(self, size: int = -1) -> bytes:
        block = self._source.read(size)
        self._digest.update(block)
        self.size_bytes += len(block)
        return block

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _adapter(name: str, **options: object) -> ObjectStorage:
    """Loaded when it is asked for: the library of S3 is large."""
    storage: ObjectStorage = import_string(f"veza.integrations.object_storage.{name}")(**options)
    return storage


def _sha256(storage: ObjectStorage, key: str) -> str:
    with storage.open(key) as stream:
        reading = _Hashing(stream)
        while reading.read(BLOCK_BYTES):
            pass
    return reading.hexdigest()
