"""Objects in a bucket of S3, or of anything that speaks its protocol."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from typing import IO, Any, cast

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils.http import content_disposition_header

from veza.integrations.object_storage.keys import (
    check_key,
    check_prefix,
    check_public,
    content_type_of,
)
from veza.integrations.object_storage.links import check_lifetime, public_link
from veza.integrations.object_storage.port import (
    ObjectNotFoundError,
    ObjectStat,
    StorageUnavailableError,
)
from veza.kit.errors import StorageFullError

PROBE_TIMEOUT_S = 0.5
# One thread a transfer: who waits for it is a thread of ours already.
_TRANSFER = TransferConfig(multipart_chunksize=16 * 1024**2, use_threads=False)
_MISSING = frozenset({"404", "NoSuchKey"})
_BEYOND_THE_END = "InvalidRange"
_FULL = frozenset({"507", "XMinioStorageFull", "QuotaExceeded", "InsufficientStorage"})


class S3ObjectStorage:
    """The bucket of S3_BUCKET, addressed in the path, signed by version 4.

    Public objects are read through this server, unless S3_PUBLIC_URL says from where else; signed
    links lead to the bucket itself.
    """

    def __init__(self, *, bucket: str = "") -> None:
        self._bucket = bucket or settings.S3_BUCKET
        self._client = connect(connect_timeout=3, read_timeout=20, attempts=3)
        self._probe = connect(
            connect_timeout=PROBE_TIMEOUT_S, read_timeout=PROBE_TIMEOUT_S, attempts=1
        )

    def put(self, key: str, content: bytes | IO[bytes]) -> None:
        source = BytesIO(content) if isinstance(content, bytes) else _LeftOpen(content)
        with told():
            self._client.upload_fileobj(
                source,
                self._bucket,
                check_key(key),
                ExtraArgs={"ContentType": content_type_of(key)},
                Config=_TRANSFER,
            )

    def open(self, key: str, *, start: int = 0, length: int | None = None) -> IO[bytes]:
        if length == 0:
            self.stat(key)
            return BytesIO()
        asked = {"Bucket": self._bucket, "Key": check_key(key)}
        if start or length is not None:
            asked["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        try:
            with told():
                return cast(IO[bytes], _Body(self._client.get_object(**asked)["Body"]))
        except _BeyondTheEndError:
            return BytesIO()

    def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        with self.open(key, start=start, length=length) as body:
            return body.read()

    def stat(self, key: str) -> ObjectStat:
        with told():
            head = self._client.head_object(Bucket=self._bucket, Key=check_key(key))
        return _stat(key, head["ContentLength"], head)

    def exists(self, key: str) -> bool:
        try:
            self.stat(key)
        except ObjectNotFoundError:
            return False
        return True

    def delete(self, key: str) -> None:
        with told():
            self._client.delete_object(Bucket=self._bucket, Key=check_key(key))

    def list_objects(self, prefix: str) -> Iterator[ObjectStat]:
        check_prefix(prefix)
        return self._pages(prefix)

    def _pages(self, prefix: str) -> Iterator[ObjectStat]:
        pages = self._client.get_paginator("list_objects_v2")
        with told():
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                for entry in page.get("Contents", ()):
                    yield _stat(entry["Key"], entry["Size"], entry)

    def public_url(self, key: str) -> str:
        check_public(key)
        return f"{settings.S3_PUBLIC_URL}/{key}" if settings.S3_PUBLIC_URL else public_link(key)

    def signed_url(
        self, key: str, *, now: datetime, lifetime_s: int, filename: str = "", caching: str = ""
    ) -> str:
        """By the clock of this machine: the library takes no other."""
        check_lifetime(lifetime_s)
        asked = {"Bucket": self._bucket, "Key": check_key(key)}
        if filename:
            header = content_disposition_header(as_attachment=True, filename=filename)
            asked["ResponseContentDisposition"] = str(header)
        if caching:
            asked["ResponseCacheControl"] = caching
        with told():
            url: str = self._client.generate_presigned_url(
                "get_object", Params=asked, ExpiresIn=lifetime_s
            )
        return url

    def check(self) -> None:
        """The bucket is there, and ours."""
        with told():
            try:
                self._probe.head_bucket(Bucket=self._bucket)
            except ClientError as fault:
                raise StorageUnavailableError from fault


class _BeyondTheEndError(Exception):
    """The range begins after the last byte."""


class _LeftOpen:
    """A stream that is read and not closed: boto3 closes what it is given."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source

    def read(self, size: int = -1) -> bytes:
        return self._source.read(size)


class _Body:
    """What comes over the network, with its failures in the words of the port."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def read(self, size: int = -1) -> bytes:
        with told():
            chunk: bytes = self._source.read(None if size < 0 else size)
        return chunk

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> "_Body":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(*, connect_timeout: float, read_timeout: float, attempts: int) -> Any:
    """A client of the store that settings name."""
    return boto3.client(
        "s3",
        endpoint_url=settings.S3_ENDPOINT_URL or None,
        region_name=settings.S3_REGION,
        aws_access_key_id=settings.S3_ACCESS_KEY_ID or None,
        aws_secret_access_key=settings.S3_SECRET_ACCESS_KEY or None,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            max_pool_connections=50,
            # What is not needed confuses stores that are not Amazon's.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _stat(key: str, size_bytes: int, entry: dict[str, Any]) -> ObjectStat:
    return ObjectStat(
        key=key,
        size_bytes=size_bytes,
        etag=entry["ETag"],
        content_type=content_type_of(key),
        modified_at=entry["LastModified"],
    )


@contextmanager
def told() -> Iterator[None]:
    """The failures of the service in the words of the port."""
    try:
        yield
    except ClientError as fault:
        code = str(fault.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            raise ObjectNotFoundError from None
        if code == _BEYOND_THE_END:
            raise _BeyondTheEndError from None
        if code in _FULL:
            raise StorageFullError from fault
        raise StorageUnavailableError from fault
    except BotoCoreError as fault:
        raise StorageUnavailableError from fault
