"""What a key looks like, and what it says of its object."""

import re
from pathlib import PurePosixPath

from veza.integrations.object_storage.port import KeyInvalidError

PUBLIC = "public/"
MAX_LENGTH = 512
# Words that begin with a letter or a digit: no `..`, no hidden file, nothing that a shell, a URL,
# a disk or S3 would read in another way.
_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}"
_KEY = re.compile(rf"{_WORD}(?:/{_WORD})*")
_PREFIX = re.compile(rf"(?:{_WORD}/)*(?:{_WORD})?")

UNKNOWN = "application/octet-stream"
# Only what is harmless in a browser: no HTML, SVG, XML or script has a type here.
_TYPES = {
    ".aac": "audio/aac",
    ".aiff": "audio/aiff",
    ".flac": "audio/flac",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4a": "audio/mp4",
    ".m4s": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".mp4": "audio/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".wav": "audio/wav",
    ".webp": "image/webp",
    ".zip": "application/zip",
}


def check_key(key: str) -> str:
    """The key itself. Raises KeyInvalidError."""
    if len(key) > MAX_LENGTH or not _KEY.fullmatch(key):
        raise KeyInvalidError(f"This is no key: {key[:MAX_LENGTH]!r}")
    return key


def check_prefix(prefix: str) -> str:
    """The beginning of a key, or nothing. Raises KeyInvalidError."""
    if len(prefix) > MAX_LENGTH or not _PREFIX.fullmatch(prefix):
        raise KeyInvalidError(f"No key begins like this: {prefix[:MAX_LENGTH]!r}")
    return prefix


def is_public(key: str) -> bool:
    """Whether everyone may read it."""
    return key.startswith(PUBLIC)


def check_public(key: str) -> str:
    """The key itself. Raises KeyInvalidError for that of a private object."""
    if not is_public(check_key(key)):
        raise KeyInvalidError(f"This object is private: {key}")
    return key


def content_type_of(key: str) -> str:
    """By the suffix; what is not known is bytes that no browser shows."""
    return _TYPES.get(PurePosixPath(key).suffix.lower(), UNKNOWN)
