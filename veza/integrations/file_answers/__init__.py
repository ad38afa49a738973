"""Objects of the storage as answers of HTTP: with ETag, Last-Modified and one range.

Who may read an object is decided before; who sends it is FILE_DELIVERY's (delivery.py).

Nothing that is served so can act in a browser: its type comes from a fixed list, is not to be
guessed, and the page that it would be has no rights.
"""

import re
from typing import IO, Any

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, http_date, parse_http_date_safe

from veza.integrations.file_answers.delivery import hand_over, redirect, spread
from veza.integrations.object_storage import (
    KeyInvalidError,
    ObjectNotFoundError,
    ObjectStat,
    object_storage,
)
from veza.kit.api.etags import not_modified
from veza.kit.api.problems import problem_response

__all__ = ["FOREVER", "serve", "spread"]

FOREVER = "public, max-age=31536000, immutable"
BLOCK_BYTES = 64 * 1024
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)
_SHOWN = ("audio/", "image/", "application/vnd.apple.mpegurl")
_HEADERS = {
    "Accept-Ranges": "bytes",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",  # pages of other origins show pictures
    "X-Content-Type-Options": "nosniff",
}


def serve(request: HttpRequest, key: str, *, caching: str, filename: str = "") -> HttpResponseBase:
    """The object under this key, for GET and HEAD. `caching` is what Cache-Control says of it;
    with `filename` browsers save it under that name. Raises ObjectNotFoundError.
    """
    try:
        stat = object_storage().stat(key)
    except KeyInvalidError:
        raise ObjectNotFoundError from None
    if settings.FILE_DELIVERY == "redirect" and request.method == "GET":
        return redirect(stat, caching=caching, filename=filename)
    is_handed_over = settings.FILE_DELIVERY == "nginx" and _is_plain(request, stat)
    response = hand_over(stat) if is_handed_over else _answer(request, stat)
    if response.status_code < 400:  # noqa: PLR2004 - where failures begin in HTTP
        _describe(response, stat, filename=filename)
        response["Cache-Control"] = caching
    return response


def _is_plain(request: HttpRequest, stat: ObjectStat) -> bool:
    """Whether nginx reads the Range as we do: for one that it cannot read it answers 416, and one
    behind the end is refused with what we say about caching.
    """
    if "Range" not in request.headers or "If-Range" in request.headers:
        return True
    part = _asked_range(request, stat)
    return part is not None and part[1] > 0


def _answer(request: HttpRequest, stat: ObjectStat) -> HttpResponseBase:
    if not_modified(request, stat.etag) or _unchanged_since(request, stat):
        return HttpResponse(status=304)
    part = _asked_range(request, stat)
    if part is None:
        return _content(request, stat, start=0, length=stat.size_bytes)
    start, length = part
    if not length:
        return _beyond_the_end(request, stat)
    response = _content(request, stat, start=start, length=length)
    response.status_code = 206
    response["Content-Range"] = f"bytes {start}-{start + length - 1}/{stat.size_bytes}"
    return response


def _content(
    request: HttpRequest, stat: ObjectStat, *, start: int, length: int
) -> HttpResponseBase:
    if request.method == "HEAD":
        response: HttpResponseBase = HttpResponse()
    else:
        response = _StreamResponse(object_storage().open(stat.key, start=start, length=length))
    response["Content-Length"] = str(length)
    return response


def _describe(response: HttpResponseBase, stat: ObjectStat, *, filename: str) -> None:
    for name, value in _HEADERS.items():
        response[name] = value
    response["ETag"] = stat.etag
    response["Last-Modified"] = http_date(stat.modified_at.timestamp())
    response["Content-Type"] = stat.content_type
    is_saved = bool(filename) or not stat.content_type.startswith(_SHOWN)
    disposition = content_disposition_header(as_attachment=is_saved, filename=filename)
    if disposition:
        response["Content-Disposition"] = disposition


def _unchanged_since(request: HttpRequest, stat: ObjectStat) -> bool:
    if "If-None-Match" in request.headers:
        return False
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    return since is not None and int(stat.modified_at.timestamp()) <= since


def _asked_range(request: HttpRequest, stat: ObjectStat) -> tuple[int, int] | None:
    """Start and length of the one range that is asked for; length 0 for one beyond the end.

    Anything else than one range of bytes is answered with the whole, as RFC 9110 allows.
    """
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or match.groups() == ("", "") or not _still_matches(request, stat):
        return None
    first, last = match.groups()
    if not first:  # the last bytes
        length = min(int(last), stat.size_bytes)
        return stat.size_bytes - length, length
    if last and int(last) < int(first):
        return None
    end = min(int(last) + 1, stat.size_bytes) if last else stat.size_bytes
    return int(first), max(0, end - int(first))


def _still_matches(request: HttpRequest, stat: ObjectStat) -> bool:
    """If-Range: a part is only of use to who has the other parts of the same version."""
    header = request.headers.get("If-Range")
    return header is None or header == stat.etag


def _beyond_the_end(request: HttpRequest, stat: ObjectStat) -> HttpResponse:
    return problem_response(
        request,
        status=416,
        code="range_not_satisfiable",
        detail="The range begins behind the end of the file.",
        headers={"Content-Range": f"bytes */{stat.size_bytes}"},
    )


class _StreamResponse(FileResponse):
    """Sent by the server's loop where it can, so that a slow reader holds no thread."""

    block_size = BLOCK_BYTES

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)

    def set_headers(self, filelike: Any) -> None:
        """They are set by who knows the object."""
