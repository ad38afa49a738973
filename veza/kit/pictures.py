"""Pictures that people upload, drawn anew from their pixels.

What came in is judged by its content, never by its name or type, and nothing of it is kept but
what can be seen: no place, no camera, no colour profile, no bytes that hide behind the picture.
"""

import struct
import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from typing import IO

from PIL import Image, ImageCms, ImageOps

from veza.kit.errors import InvalidError, TooLargeError

MAX_BYTES = 10 * 1024**2
MAX_PIXELS = 40_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 85

Size = tuple[int, int]

# What the decoders raise for bytes that are no picture, or half of one.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    EOFError,
    MemoryError,
    RuntimeError,
    Warning,  # where those are errors
    struct.error,
    zlib.error,
)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# 40 megapixels take 330 MB as PNG and 630 MB as WebP: one at a time in a process.
_one_at_a_time = threading.Lock()


class PictureInvalidError(InvalidError):
    """These bytes are no picture that we take, or not all of one."""

    code = "image_invalid"
    message = "This is no complete JPEG, PNG or WebP picture."


class PictureTooLargeError(TooLargeError):
    """More bytes or pixels than are taken."""

    code = "image_too_large"
    message = "A picture has at most 10 MiB and 40 megapixels."


def draw(source: IO[bytes], sizes: Sequence[Size]) -> list[bytes]:
    """The picture as WebP in each of `sizes`: upright, cut to fit from its middle.

    Of an animation the first frame. Raises PictureInvalidError and PictureTooLargeError.
    """
    with _one_at_a_time:
        try:
            with _open(source) as picture:
                upright = _decode(picture, largest=max(max(size) for size in sizes))
            return [_encode(upright, size) for size in sizes]
        except _BOMBS:
            raise PictureTooLargeError from None
        except _BROKEN:
            raise PictureInvalidError from None


def _open(source: IO[bytes]) -> Image.Image:
    """Only the header is read. Raises PictureTooLargeError, and what the decoders raise."""
    source.seek(0, 2)
    if source.tell() > MAX_BYTES:
        raise PictureTooLargeError
    source.seek(0)
    picture = Image.open(source, formats=FORMATS)
    if picture.width * picture.height > MAX_PIXELS:
        picture.close()
        raise PictureTooLargeError
    return picture


def _decode(picture: Image.Image, *, largest: int) -> Image.Image:
    """Upright and in colours that WebP has; much larger than needed only while it is decoded."""
    picture.draft("RGB", (largest, largest))  # JPEG alone can be decoded smaller
    picture.load()
    turn, profile = _turn(picture), picture.info.get("icc_profile")
    drawn = _in_colour(picture)
    factor = min(drawn.size) // (2 * largest)
    if factor > 1:
        drawn = drawn.reduce(factor)
    return _in_srgb(drawn if turn is None else drawn.transpose(turn), profile)


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """How the camera was held; a damaged note of that counts as none."""
    with suppress(*_BROKEN):
        orientation = picture.getexif().get(_ORIENTATION)
        return _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return None


def _in_colour(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):  # 16 bits of grey, which a conversion would cut off
        picture = picture.point(lambda value: value / 256, "L")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def _encode(picture: Image.Image, size: Size) -> bytes:
    drawn = ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    drawn.info.clear()
    stream = BytesIO()
    drawn.save(stream, "WEBP", quality=QUALITY, method=4)
    return stream.getvalue()


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The profile goes, so the colours it meant are written out; a damaged one is not believed."""
    if not profile:
        return picture
    with suppress(ImageCms.PyCMSError, *_BROKEN):
        own, srgb = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(picture, own, srgb)
        return converted or picture
    return picture
