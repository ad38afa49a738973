"""What leaves the process for logs, error reports and traces carries no secret and no e-mail.

Two rules: the value of a field with a telling name goes away whole, and inside any text the
forms that secrets take (tokens, credentials in URLs, query strings, e-mail addresses) go away.
Every pattern has bounded repeats: 50 kB of hostile text take milliseconds.
"""

import re
from collections.abc import Mapping

REDACTED = "[redacted]"
MAX_TEXT = 16_384
MAX_DEPTH = 8

_SECRET_NAME = re.compile(
    r"passw|secret|token|authori[sz]ation|cookie|credential|api.?key|private.?key|encryption"
    r"|dsn|otp|recovery.?code|e.?mail|session.?id|csrf|signature|^(key|code|access|refresh|login)$",
    re.IGNORECASE,
)
_PUBLIC_NAMES = frozenset({"code", "token_type", "password_hasher"})
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<![\w-])eyJ[\w-]{5,4096}\.[\w-]{1,8192}\.?[\w-]{0,4096}"), REDACTED),  # JWT
    (re.compile(r"(?<!\w)veza_[a-z]{2,8}_[\w-]{1,512}"), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic|token) {1,8}[^\s\"',;]{4,8192}"), rf"\1 {REDACTED}"),
    (re.compile(r"://[^/\s:@\"']{0,256}:[^/\s@\"']{1,1024}@"), f"://{REDACTED}@"),
    (
        re.compile(
            r"(?i)([?&\"' (](?:[a-z_-]{0,32}(?:token|secret|password|signature|api_?key)|otp|email"
            r"|key|access|refresh|login|code)[\"']? ?[=:] ?)(?:\"[^\"]{0,4096}\"|'[^']{0,4096}'"
            r"|[^&\s,;)}\"']{1,4096})"
        ),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,63}"), REDACTED),
)


def redact_text(text: str) -> str:
    """The text without tokens, credentials, secret query parameters and e-mail addresses."""
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}... ({len(text)} characters)"
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def is_secret_name(name: str) -> bool:
    """Whether a field of this name must not be shown at all."""
    return name.lower() not in _PUBLIC_NAMES and _SECRET_NAME.search(name) is not None


def redact(value: object, *, depth: int = MAX_DEPTH) -> object:
    """The same structure with every secret replaced; what is nested too deep is cut off."""
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth == 0:
        return "..."
    if isinstance(value, Mapping):
        return {
            key: REDACTED
            if isinstance(key, str) and is_secret_name(key) and inner not in (None, "", [], {})
            else redact(inner, depth=depth - 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(inner, depth=depth - 1) for inner in value]
    return redact_text(repr(value) if isinstance(value, BaseException) else str(value))
