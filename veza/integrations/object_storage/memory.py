"""Objects in this process: for tests."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import IO

from django.utils import timezone

from veza.integrations.object_storage.keys import (
    check_key,
    check_prefix,
    check_public,
    content_type_of,
)
from veza.integrations.object_storage.links import public_link, signed_link
from veza.integrations.object_storage.port import ObjectNotFoundError, ObjectStat


@dataclass(frozen=True)
class _Object:
    content: bytes
    modified_at: datetime


class MemoryObjectStorage:
    """As local disk, but gone with the process."""

    def __init__(self) -> None:
        self._objects: dict[str, _Object] = {}
        self._lock = threading.Lock()

    def put(self, key: str, content: bytes | IO[bytes]) -> None:
        check_key(key)
        data = content if isinstance(content, bytes) else content.read()
        with self._lock:
            self._objects[key] = _Object(data, timezone.now())

    def open(self, key: str, *, start: int = 0, length: int | None = None) -> IO[bytes]:
        return BytesIO(self.read(key, start=start, length=length))

    def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        content = self._find(key).content
        return content[start : None if length is None else start + length]

    def stat(self, key: str) -> ObjectStat:
        return _stat(key, self._find(key))

    def exists(self, key: str) -> bool:
        return check_key(key) in self._objects

    def delete(self, key: str) -> None:
        with self._lock:
            self._objects.pop(check_key(key), None)

    def list_objects(self, prefix: str) -> Iterator[ObjectStat]:
        check_prefix(prefix)
        with self._lock:
            found = sorted(item for item in self._objects.items() if item[0].startswith(prefix))
        return (_stat(key, each) for key, each in found)

    def public_url(self, key: str) -> str:
        return public_link(check_public(key))

    def signed_url(
        self, key: str, *, now: datetime, lifetime_s: int, filename: str = "", caching: str = ""
    ) -> str:
        return signed_link(key, now=now, lifetime_s=lifetime_s, filename=filename)

    def check(self) -> None:
        """It is always there."""

    def _find(self, key: str) -> _Object:
        try:
            return self._objects[check_key(key)]
        except KeyError:
            raise ObjectNotFoundError from None


def _stat(key: str, found: _Object) -> ObjectStat:
    return ObjectStat(
        key=key,
        size_bytes=len(found.content),
        etag=f'"{hashlib.sha256(found.content).hexdigest()[:32]}"',
        content_type=content_type_of(key),
        modified_at=found.modified_at,
    )
