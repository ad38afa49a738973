"""ETags and the conditions that clients hang on them (RFC 9110, sections 8.8.3 and 13.1)."""

import hashlib
import re

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from veza.kit.errors import PreconditionError

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


def etag_of(*parts: object) -> str:
    """A strong tag, quotes included, that changes when any of `parts` does."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def set_etag(response: HttpResponseBase, etag: str) -> None:
    """Tell the client which version it has been given."""
    response["ETag"] = etag


def not_modified(request: HttpRequest | Request, etag: str) -> bool:
    """Whether a GET may be answered 304: If-None-Match names `etag` (compared weakly)."""
    header = request.headers.get("If-None-Match", "")
    return request.method in ("GET", "HEAD") and is_named(etag, header)


def is_named(etag: str, if_none_match: str) -> bool:
    """Whether the header, "" where there is none, names this tag or any."""
    if not if_none_match:
        return False
    return if_none_match.strip() == "*" or _opaque(etag) in map(_opaque, _tags(if_none_match))


def check_if_match(request: HttpRequest | Request, etag: str) -> None:
    """Raise PreconditionError unless If-Match is absent or names `etag` (compared strongly).

    A header that is not a list of tags matches nothing. If-None-Match is judged too, so that
    `If-None-Match: *` keeps a PUT from replacing what is already there.
    """
    header = request.headers.get("If-Match")
    if header is not None and header.strip() != "*" and etag not in _strong(header):
        raise PreconditionError
    unwanted = request.headers.get("If-None-Match", "")
    if request.method not in ("GET", "HEAD") and is_named(etag, unwanted):
        raise PreconditionError


def _tags(header: str) -> list[str]:
    return _TAG.findall(header)


def _strong(header: str) -> list[str]:
    return [tag for tag in _tags(header) if not tag.startswith("W/")]


def _opaque(tag: str) -> str:
    return tag.removeprefix("W/")
