"""Which calls the general rate limit counts (contract, section 1)."""

import re

_API = re.compile(r"/api/v\d+(/|$)")
_FREE = re.compile(
    r"""/api/v\d+/(
        internal/
        | tracks/[^/]+/(stream/|waveform$)
        | payments/[^/]+/webhook$
    )""",
    re.VERBOSE,
)
_UPLOAD = re.compile(r"/api/v\d+/uploads(/|$)")
_FREE_UPLOAD_METHODS = ("HEAD", "PATCH", "OPTIONS")


def is_counted(*, path: str, method: str) -> bool:
    """Everything of the API but media files, callbacks, and the parts of a resumable upload."""
    path = path.rstrip("/")
    if not _API.match(path) or _FREE.match(path):
        return False
    return not (_UPLOAD.match(path) and method in _FREE_UPLOAD_METHODS)
