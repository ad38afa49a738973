"""Pictures as people send them, and as attackers do."""

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image

PAYLOAD = b"<script>alert(document.domain)</script><?php system($_GET[0]); ?>"
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a file of this kind."""
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 200), **options: Any) -> bytes:
    """One red picture."""
    return encoded(Image.new("RGB", size, RED), kind, **options)


def halves(kind: str = "PNG", size: tuple[int, int] = (400, 400), **options: Any) -> bytes:
    """Red above, blue below."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (0, size[1] // 2, *size))
    return encoded(image, kind, **options)


def animation(kind: str) -> bytes:
    """Red first, then green."""
    frames = [Image.new("RGB", (100, 100), colour) for colour in (RED, GREEN)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def canvas(width: int, height: int) -> bytes:
    """An animated WebP of 300 bytes that claims so much canvas."""
    whole = bytearray(animation("WEBP"))
    assert whole[12:16] == b"VP8X"
    whole[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(whole)


def noise(size: tuple[int, int]) -> bytes:
    """A PNG that cannot be made much smaller than its pixels."""
    return encoded(Image.effect_noise(size, 100), compress_level=0)


def chunk(name: bytes, content: bytes) -> bytes:
    """A part of a PNG."""
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that claims so many pixels, and has them."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(width // 8 + 2)) for _ in range(min(height, 2000)))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", rows + packer.flush())
        + chunk(b"IEND", b"")
    )
