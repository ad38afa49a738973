"""What a request of the tus protocol asks for, read strictly."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from apps.track.errors.uploads import (
    TusVersionError,
    UploadHeaderError,
    UploadMediaTypeError,
    UploadNotFoundError,
)
from apps.track.rules import uploads as rules
from apps.track.services.writing import Checksum
from apps.track.types.uploads import Metadata
from veza.kit.asgi.refusals import Headers, Scope

PATH = "/api/v1/uploads"
DIRECT = f"{PATH}/direct"
VERSION = "1.0.0"
BYTES = "application/offset+octet-stream"
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Fields:
    """The headers of a request by their lower-case names; repeated ones are joined by commas."""

    headers: Headers

    def get(self, name: str) -> str | None:
        """None if it was not sent."""
        key = name.lower().encode()
        found = [value.decode("latin-1").strip() for each, value in self.headers if each == key]
        return ",".join(found) if found else None

    def read(self, name: str, parse: Callable[[str], Read]) -> Read | None:
        """None if it was not sent. Raises UploadHeaderError."""
        value = self.get(name)
        try:
            return None if value is None else parse(value)
        except ValueError as fault:
            raise UploadHeaderError(name, str(fault)) from None

    def need(self, name: str, parse: Callable[[str], Read]) -> Read:
        """Raises UploadHeaderError also if it was not sent."""
        found = self.read(name, parse)
        if found is None:
            raise UploadHeaderError(name, f"The header {name} is needed.")
        return found


def is_upload_path(path: str) -> bool:
    """Whether the request is one of the protocol, whatever it asks for."""
    if path.rstrip("/") == DIRECT or path.rstrip("/").endswith("/complete"):
        return False
    return path == PATH or path.startswith(f"{PATH}/")


def upload_id_of(scope: Scope) -> UUID | None:
    """None for the address at which uploads are made. Raises UploadNotFoundError."""
    rest: str = scope["path"].removeprefix(PATH).strip("/")
    if not rest:
        return None
    try:
        found = UUID(rest)
    except ValueError:
        raise UploadNotFoundError from None
    if str(found) != rest.lower():  # braces and the like
        raise UploadNotFoundError
    return found


def check_version(fields: Fields) -> None:
    """Raises TusVersionError."""
    if fields.get("Tus-Resumable") != VERSION:
        raise TusVersionError


def check_bytes(fields: Fields) -> None:
    """Raises UploadMediaTypeError."""
    media_type = (fields.get("Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != BYTES:
        raise UploadMediaTypeError


def brings_bytes(fields: Fields) -> bool:
    """Whether a POST has a body. Raises UploadMediaTypeError for one of another type."""
    length = fields.get("Content-Length")
    if (length or "0").strip("0") or fields.get("Transfer-Encoding") is not None:
        check_bytes(fields)
        return True
    return False


def announced(fields: Fields) -> int | None:
    """How many bytes the body has, if that is said; the server has checked the form."""
    length = fields.get("Content-Length")
    return int(length) if length and length.isdigit() else None


def read_length(fields: Fields) -> int:
    """Raises UploadHeaderError, also for lengths that are to be told later, or never."""
    for name in ("Upload-Defer-Length", "Upload-Concat"):
        if fields.get(name) is not None:
            raise UploadHeaderError(name, "This extension of the protocol is not offered.")
    return fields.need("Upload-Length", rules.parse_count)


def read_metadata(fields: Fields) -> Metadata:
    """Raises UploadHeaderError."""
    return fields.read("Upload-Metadata", _metadata) or Metadata()


def read_checksum(fields: Fields) -> Checksum | None:
    """Raises UploadHeaderError."""
    found = fields.read("Upload-Checksum", rules.parse_checksum)
    return Checksum(algorithm=found[0], digest=found[1]) if found else None


def _metadata(header: str) -> Metadata:
    pairs = rules.parse_metadata(header)
    return Metadata(
        raw=header,
        filename=rules.filename_of(pairs),
        content_type=rules.content_type_of(pairs),
    )
