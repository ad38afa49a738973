"""Problem documents (RFC 9457): the one shape of every failure that leaves this server.

Free of Django, so that the servers' own layers can answer with the same document.
"""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from veza.kit.errors import FieldError
from veza.kit.redaction import REDACTED, redact_text

PROBLEM_JSON = "application/problem+json"
TYPE = "urn:veza:error:"
RESERVED = frozenset(
    {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}
    | {"success", "error"}
)
_ACRONYMS = frozenset({"json", "uri", "url", "csrf", "2fa"})
_PATH_CHARACTERS = "/:@!$&'()*+,;=~%-._"


def problem_document(  # noqa: PLR0913 - the members that RFC 9457 and the contract name
    *,
    status: int,
    code: str,
    detail: str,
    instance: str,
    request_id: str,
    title: str = "",
    fields: Sequence[FieldError] = (),
    **members: Any,
) -> dict[str, object]:
    """The members that the contract names, and `members` beside them.

    `type` is `urn:veza:error:<code>`: the same on every installation. `errors` stands on 400
    alone. `success` and `error` are what clients of the stream API look for. Documents are kept
    by others, so a token or an address in the path does not come back in `instance`.
    """
    document: dict[str, object] = {
        "type": f"{TYPE}{code}",
        "title": title or _title(code),
        "status": status,
        "detail": detail,
        "instance": quote(_shown(instance), safe=_PATH_CHARACTERS, errors="replace"),
        "code": code,
        "request_id": request_id,
        "success": False,
        "error": detail,
    }
    if status == 400:  # noqa: PLR2004 - the contract's number
        document["errors"] = [
            {"field": field.field, "code": field.code, "detail": field.detail} for field in fields
        ]
    extra = {name: value for name, value in members.items() if name not in RESERVED}
    return document | extra


def problem_bytes(  # noqa: PLR0913 - as above
    *,
    status: int,
    code: str,
    detail: str,
    instance: str,
    request_id: str,
    title: str = "",
    fields: Sequence[FieldError] = (),
    **members: Any,
) -> bytes:
    """`problem_document` as UTF-8 JSON; members that JSON does not know become strings."""
    document = problem_document(
        status=status,
        code=code,
        detail=detail,
        instance=instance,
        request_id=request_id,
        title=title,
        fields=fields,
        **members,
    )
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", errors="replace")


def _shown(path: str) -> str:
    return redact_text(path).replace(REDACTED, REDACTED.strip("[]"))


def _title(code: str) -> str:
    words = [word.upper() if word in _ACRONYMS else word for word in code.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])
