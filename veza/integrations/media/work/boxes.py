"""Just enough of ISO/IEC 14496-12 to take a box out of a short MP4."""

import struct
from collections.abc import Iterator

HEADER = struct.Struct("!I4s")


def without_user_data(init: bytes) -> bytes:
    """An initialization segment without `moov/udta`, where the muxer names itself."""
    return b"".join(_kept(init))


def _kept(content: bytes) -> Iterator[bytes]:
    for kind, body in _boxes(content):
        if kind == b"moov":
            inner = b"".join(_box(each, held) for each, held in _boxes(body) if each != b"udta")
            yield _box(kind, inner)
        else:
            yield _box(kind, body)


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    while content:
        size, kind = HEADER.unpack_from(content)
        yield kind, content[HEADER.size : size]
        content = content[size:]


def _box(kind: bytes, body: bytes) -> bytes:
    return HEADER.pack(HEADER.size + len(body), kind) + body
