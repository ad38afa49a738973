"""What may be wrong with a request before anybody has read its meaning."""

import re
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest

from veza.kit.api.failures import Failure

MAX_HEADER_BYTES = 32 * 1024
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CONTROL_IN_PATH = re.compile(r"[\x00-\x1f\x7f\ufffd]")


def find_fault_of_headers(request: HttpRequest) -> Failure | None:
    """Control characters, more than MAX_HEADER_BYTES of names and values, a length that is none."""
    if not _LENGTH.fullmatch(str(request.META.get("CONTENT_LENGTH") or "0")):
        return Failure(status=400, code="bad_request", detail="Content-Length is not a number.")
    size = 0
    for name, value in request.META.items():
        if not name.startswith("HTTP_") and name != "CONTENT_TYPE":
            continue
        text = str(value)
        size += len(name) + len(text)
        if _CONTROL.search(text):
            return Failure(
                status=400, code="bad_request", detail="A header holds control characters."
            )
    if size > MAX_HEADER_BYTES:
        return Failure(
            status=431, code="headers_too_large", detail="The headers are larger than 32 KiB."
        )
    return None


def find_fault_of_path(request: HttpRequest) -> str:
    """Django has decoded the path, and put what is not UTF-8 back into percent signs."""
    if not _is_utf8(unquote_to_bytes(request.path_info)):
        return "The path is not UTF-8."
    if _CONTROL_IN_PATH.search(request.path_info):
        return "The path holds control characters."
    return ""


def find_fault_of_query(request: HttpRequest) -> str:
    """NUL bytes (no database text holds them) and anything that is not UTF-8."""
    query = unquote_to_bytes(_latin1(str(request.META.get("QUERY_STRING", ""))))
    if b"\x00" in query:
        return "The query holds a NUL byte."
    return "" if _is_utf8(query) else "The query is not UTF-8."


def _latin1(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", errors="surrogatepass")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
