"""A file in the body of a request: as the field of a form, or as the body itself."""

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any, cast

from django.core.exceptions import BadRequest
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser
from rest_framework.request import Request

from veza.kit.errors import TooLargeError

FIELD = "file"
FORM_BYTES = 64 * 1024  # what a form may hold beside the file


class FileFormParser(MultiPartParser):
    """`multipart/form-data`; large files of it lie on the disk until the answer is sent."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except ParseError:
            raise BadRequest("The form is malformed.") from None


class FileParser(BaseParser):
    """The body is the file; subclasses say of which type."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles:
        body = stream.read()
        upload = UploadedFile(BytesIO(body), name=FIELD, size=len(body))
        return DataAndFiles(QueryDict(), MultiValueDict({FIELD: [upload]}))


class ImageParser(FileParser):
    """`image/*`."""

    media_type = "image/*"


def find_upload(
    request: Request, *, max_bytes: int, too_large: type[TooLargeError]
) -> IO[bytes] | None:
    """The file of the request, None where it has none. Raises `too_large`, unread if it can be."""
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > max_bytes + FORM_BYTES:
        raise too_large
    upload = request.FILES.get(FIELD)
    if upload is None:
        return None
    if (upload.size or 0) > max_bytes:
        raise too_large
    return cast(IO[bytes], upload.file)
