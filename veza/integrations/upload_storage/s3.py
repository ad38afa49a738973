"""Pieces as the parts of a multipart upload, which becomes the object in one step.

A part has at least 5 MiB, unless it is the last. What is left over when a writer ends early lies
as an object of its own below TAILS, and is the beginning of the next part.
"""

import tempfile
from collections.abc import Iterator
from typing import IO, Any

from botocore.exceptions import ClientError
from django.conf import settings

from veza.integrations.object_storage import ObjectNotFoundError, object_storage
from veza.integrations.object_storage.keys import check_key, check_prefix, content_type_of
from veza.integrations.object_storage.s3 import connect, told
from veza.integrations.upload_storage.port import (
    Pen,
    Piece,
    PiecesLostError,
    Reserve,
    Staged,
    Unfinished,
)

TAILS = "unfinished/"
LEAST_PART_BYTES = 5 * 1024**2
PART_BYTES = 8 * 1024**2
MOST_PARTS = 9_000  # of 10,000: numbers that a killed writer had taken are not given again
BLOCK_BYTES = 1024 * 1024
_GONE = frozenset({"NoSuchUpload", "InvalidPart", "404"})


class S3UploadStorage:
    """The bucket of S3_BUCKET. A part is gathered in a file without a name on the local disk, so
    memory stays small; it counts as stored when the bucket has it.
    """

    def __init__(self) -> None:
        self._bucket = settings.S3_BUCKET
        self._client = connect(connect_timeout=3, read_timeout=60, attempts=3)

    def begin(self, key: str) -> str:
        with told():
            begun = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=check_key(key), ContentType=content_type_of(key)
            )
        return str(begun["UploadId"])

    def pen(self, staged: Staged, *, reserve: Reserve, continues: bool) -> Pen:
        return _Pen(self._client, self._bucket, staged, reserve=reserve)

    def finish(self, staged: Staged) -> None:
        if not staged.size_bytes:
            object_storage().put(staged.key, b"")
        elif not self._completed(staged) and not self._is_object(staged):
            raise PiecesLostError
        self.discard(staged.key, "" if staged.size_bytes else staged.ref)

    def discard(self, key: str, ref: str) -> None:
        if ref:
            self._abort(key, ref)
        for tail in object_storage().list_objects(f"{TAILS}{check_key(key)}/"):
            object_storage().delete(tail.key)

    def list_unfinished(self, prefix: str) -> Iterator[Unfinished]:
        check_prefix(prefix)
        with told():
            pages = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                for each in page.get("Uploads", ()):
                    yield Unfinished(
                        key=each["Key"], ref=each["UploadId"], modified_at=each["Initiated"]
                    )
        for tail in object_storage().list_objects(f"{TAILS}{prefix}"):
            key = tail.key.removeprefix(TAILS).rpartition("/")[0]
            yield Unfinished(key=key, ref="", modified_at=tail.modified_at)

    def piece_url(self, staged: Staged, *, number: int, size_bytes: int, lifetime_s: int) -> str:
        """The length is signed, too: the bucket refuses a part of another one."""
        with told():
            url: str = self._client.generate_presigned_url(
                "upload_part",
                Params={
                    "Bucket": self._bucket, "Key": check_key(staged.key), "UploadId": staged.ref,
                    "PartNumber": number, "ContentLength": size_bytes,
                },
                ExpiresIn=lifetime_s,
            )  # fmt: skip
        return url

    def arrived(self, staged: Staged) -> tuple[Piece, ...]:
        pages = self._client.get_paginator("list_parts")
        asked = {"Bucket": self._bucket, "Key": staged.key, "UploadId": staged.ref}
        with told():
            try:
                return tuple(
                    Piece(number=each["PartNumber"], size_bytes=each["Size"], etag=each["ETag"])
                    for page in pages.paginate(**asked)
                    for each in page.get("Parts", ())
                )
            except ClientError as fault:
                if fault.response.get("Error", {}).get("Code") in _GONE:
                    raise PiecesLostError from None
                raise

    def _completed(self, staged: Staged) -> bool:
        parts = [{"PartNumber": each.number, "ETag": each.etag} for each in staged.pieces]
        with told():
            try:
                self._client.complete_multipart_upload(
                    Bucket=self._bucket,
                    Key=staged.key,
                    UploadId=staged.ref,
                    MultipartUpload={"Parts": parts},
                )
            except ClientError as fault:
                if fault.response.get("Error", {}).get("Code") in _GONE:
                    return False
                raise
        return True

    def _is_object(self, staged: Staged) -> bool:
        try:
            return object_storage().stat(staged.key).size_bytes == staged.size_bytes
        except ObjectNotFoundError:
            return False

    def _abort(self, key: str, ref: str) -> None:
        with told():
            try:
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=ref)
            except ClientError as fault:
                if fault.response.get("Error", {}).get("Code") not in _GONE:
                    raise


class _Pen:
    def __init__(self, client: Any, bucket: str, staged: Staged, *, reserve: Reserve) -> None:
        self._client = client
        self._bucket = bucket
        self._staged = staged
        self._reserve = reserve
        self._part_bytes = max(PART_BYTES, -(-staged.size_bytes // MOST_PARTS))
        self._pieces = staged.pieces
        self._end = staged.offset_bytes
        self._spool: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the pen
        self._spooled = 0
        self._replaced: list[Piece] = []
        try:
            self._take_up_tail()
        except BaseException:
            self._spool.close()
            raise

    def write(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            room = self._part_bytes - self._spooled
            with told():
                self._spool.write(left[:room])
            self._spooled += len(left[:room])
            self._end += len(left[:room])
            left = left[room:]
            if self._spooled == self._part_bytes:
                self._put_part()

    def settle(self, *, ends: bool) -> tuple[Piece, ...]:
        if ends and self._spooled:
            is_last = self._end == self._staged.size_bytes
            if is_last or self._spooled >= LEAST_PART_BYTES:
                self._put_part()
            elif self._end > sum(piece.size_bytes for piece in self._pieces):
                self._put_tail()
        return self._pieces

    def confirm(self) -> None:
        for tail in self._replaced:
            object_storage().delete(self._tail_key(tail.number))
        self._replaced.clear()

    def close(self) -> None:
        self._spool.close()

    def _take_up_tail(self) -> None:
        tail = self._tail
        if tail is None:
            return
        try:
            with object_storage().open(self._tail_key(tail.number)) as source:
                while block := source.read(BLOCK_BYTES):
                    self._spool.write(block)
                    self._spooled += len(block)
        except ObjectNotFoundError:
            raise PiecesLostError from None
        if self._spooled != tail.size_bytes:
            raise PiecesLostError

    @property
    def _tail(self) -> Piece | None:
        last = self._pieces[-1] if self._pieces else None
        return last if last is not None and not last.etag else None

    def _put_part(self) -> None:
        number = self._reserve()
        self._spool.seek(0)
        with told():
            try:
                done = self._client.upload_part(
                    Bucket=self._bucket,
                    Key=self._staged.key,
                    UploadId=self._staged.ref,
                    PartNumber=number,
                    Body=self._spool,
                )
            except ClientError as fault:
                if fault.response.get("Error", {}).get("Code") in _GONE:
                    raise PiecesLostError from None
                raise
        self._replace(Piece(number=number, size_bytes=self._spooled, etag=done["ETag"]))
        self._spool.seek(0)
        self._spool.truncate()
        self._spooled = 0

    def _put_tail(self) -> None:
        number = self._reserve()
        self._spool.seek(0)
        object_storage().put(self._tail_key(number), self._spool)
        self._spool.seek(0, 2)
        self._replace(Piece(number=number, size_bytes=self._spooled))

    def _replace(self, piece: Piece) -> None:
        """The tail that there was is the beginning of `piece`."""
        tail = self._tail
        if tail is not None:
            self._replaced.append(tail)
            self._pieces = self._pieces[:-1]
        self._pieces = (*self._pieces, piece)

    def _tail_key(self, number: int) -> str:
        return f"{TAILS}{self._staged.key}/{number}"
