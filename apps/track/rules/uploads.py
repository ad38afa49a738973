"""The headers of the tus protocol 1.0.0, read strictly. All functions raise ValueError."""

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping

CHECKSUMS = ("sha1", "sha256", "md5")
DIGEST_BYTES = {"sha1": 20, "sha256": 32, "md5": 16}
MAX_METADATA_BYTES = 4096
MAX_METADATA_PAIRS = 32
MAX_NAME = 255
MAX_TYPE = 127

_COUNT = re.compile(r"[0-9]{1,18}", re.ASCII)
_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,100}")
_TYPE = re.compile(r"[\w.+-]{1,63}/[\w.+-]{1,63}", re.ASCII)


def parse_count(header: str) -> int:
    """A number of bytes: digits and nothing else."""
    if not _COUNT.fullmatch(header):
        raise ValueError("This is a number of bytes, written in digits.")
    return int(header)


def parse_checksum(header: str) -> tuple[str, bytes]:
    """The algorithm and the digest of `sha256 <Base64>`."""
    algorithm, separator, encoded = header.partition(" ")
    if not separator or algorithm not in CHECKSUMS:
        raise ValueError(f"Use one of {', '.join(CHECKSUMS)}, a space, and the digest in Base64.")
    digest = _decoded(encoded)
    if len(digest) != DIGEST_BYTES[algorithm]:
        raise ValueError(f"A digest of {algorithm} has {DIGEST_BYTES[algorithm]} bytes.")
    return algorithm, digest


def parse_metadata(header: str) -> dict[str, bytes]:
    """`key Base64,key Base64`; a key may stand alone, and stands once."""
    if len(header) > MAX_METADATA_BYTES:
        raise ValueError(f"This has at most {MAX_METADATA_BYTES} bytes.")
    pairs: dict[str, bytes] = {}
    for pair in header.split(",") if header else ():
        key, separator, encoded = pair.strip(" \t").partition(" ")
        if not _KEY.fullmatch(key):
            raise ValueError("A key is printable ASCII without spaces and commas, and not empty.")
        if key in pairs:
            raise ValueError("Each key stands once.")
        pairs[key] = _decoded(encoded) if separator else b""
    if len(pairs) > MAX_METADATA_PAIRS:
        raise ValueError(f"There are at most {MAX_METADATA_PAIRS} keys.")
    return pairs


def filename_of(pairs: Mapping[str, bytes]) -> str:
    """As the sender calls his file, without folders and without what nobody can see.

    It is shown to people, and never becomes the name of a file here.
    """
    name = re.split(r"[/\\]", _text(pairs, "filename"))[-1]
    shown = "".join(letter for letter in name if unicodedata.category(letter)[0] != "C")
    return shown.strip()[:MAX_NAME]


def content_type_of(pairs: Mapping[str, bytes]) -> str:
    """As the sender claims; "" for what is none."""
    claimed = _text(pairs, "filetype").partition(";")[0].strip().lower()
    return claimed if len(claimed) <= MAX_TYPE and _TYPE.fullmatch(claimed) else ""


def _text(pairs: Mapping[str, bytes], key: str) -> str:
    try:
        return pairs.get(key, b"").decode()
    except UnicodeDecodeError:
        raise ValueError(f"The value of {key} is UTF-8 in Base64.") from None


def _decoded(encoded: str) -> bytes:
    try:
        content = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("A value is written in Base64, with its padding.") from None
    if base64.b64encode(content).decode() != encoded:
        raise ValueError("A value is written in Base64, with its padding.")
    return content
