"""From an ASGI scope to a WSGI environment (PEP 3333)."""

import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from veza.kit.asgi.refusals import RefusalError, Scope

# `proxy` would become HTTP_PROXY, which HTTP clients take for a setting (CVE-2016-5385); the body
# is complete when the application sees it, so its coding is no longer `transfer-encoding`.
_DROPPED = frozenset({b"proxy", b"transfer-encoding"})
_WITHOUT_PREFIX = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
_MUST_BE_ONE = frozenset({"HTTP_HOST", "CONTENT_LENGTH"})


def build_environ(scope: Scope, *, request_id: str) -> dict[str, Any]:
    """Everything but the body. Raises RefusalError for a request that has two meanings."""
    server = scope.get("server") or ("127.0.0.1", 80)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": _latin1(scope.get("root_path", "").encode()),
        "PATH_INFO": _path_info(scope),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1] or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    environ.update(_headers(scope["headers"]))
    if "HTTP_HOST" not in environ and scope["http_version"] == "1.1":
        raise _malformed("A request by HTTP/1.1 needs a Host header.")
    environ["HTTP_X_REQUEST_ID"] = request_id
    return environ


def _path_info(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    path = unquote_to_bytes(raw) if raw is not None else scope["path"].encode()
    root: bytes = scope.get("root_path", "").encode()
    return _latin1(path.removeprefix(root))


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    fields: dict[str, list[str]] = {}
    for name, value in headers:
        # `a_b` and `a-b` would both become HTTP_A_B: one could pass for the other.
        if b"_" not in name and name not in _DROPPED:
            fields.setdefault(_key(name), []).append(value.decode("latin-1"))
    return {key: _one(key, values) for key, values in fields.items()}


@lru_cache(maxsize=256)
def _key(name: bytes) -> str:
    known = _WITHOUT_PREFIX.get(name)
    return known or "HTTP_" + name.decode("latin-1").upper().replace("-", "_")


def _one(key: str, values: list[str]) -> str:
    """Several lines of one name as one line (RFC 9110, 5.3; for cookies RFC 9113, 8.2.3)."""
    if len(values) == 1:
        return values[0]
    if key in _MUST_BE_ONE:
        if len(set(values)) > 1 or key == "HTTP_HOST":
            name = key.removeprefix("HTTP_").replace("_", "-").title()
            raise _malformed(f"A request has one {name} header.")
        return values[0]
    return ("; " if key == "HTTP_COOKIE" else ",").join(values)


def _malformed(detail: str) -> RefusalError:
    return RefusalError(status=400, code="malformed_request", detail=detail, closes=True)


def _latin1(text: bytes) -> str:
    return text.decode("latin-1")
