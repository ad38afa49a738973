"""Pictures drawn anew: what is taken, what comes out, and what is left out."""

import random
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageCms

from tests.factories.pictures import (
    BLUE,
    GREEN,
    PAYLOAD,
    RED,
    animation,
    bomb,
    canvas,
    chunk,
    encoded,
    halves,
    noise,
    picture,
)
from veza.kit.pictures import MAX_BYTES, PictureInvalidError, PictureTooLargeError, draw


def drawn(source: bytes, size: tuple[int, int] = (64, 64)) -> Image.Image:
    return Image.open(BytesIO(draw(BytesIO(source), [size])[0]))


def colour_at(image: Image.Image, place: tuple[int, int]) -> tuple[int, int, int]:
    """The nearest plain colour."""
    found = image.convert("RGB").getpixel(place)
    assert isinstance(found, tuple)
    return tuple(255 if part > 127 else 0 for part in found)  # type: ignore[return-value]


class TestDraw:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "MPO"])
    def test_makes_webp_of_every_size_asked_for(self, kind: str) -> None:
        sizes = [(64, 64), (512, 512), (600, 200)]

        results = [Image.open(BytesIO(each)) for each in draw(BytesIO(picture(kind)), sizes)]

        assert [(result.format, result.size) for result in results] == [
            ("WEBP", size) for size in sizes
        ]
        assert [colour_at(result, (30, 30)) for result in results] == [RED] * 3

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16"])
    def test_takes_every_mode(self, mode: str) -> None:
        kind = {"CMYK": "JPEG", "PA": "WEBP"}.get(mode, "PNG")

        assert drawn(encoded(Image.new(mode, (90, 60)), kind)).size == (64, 64)

    def test_keeps_transparency(self) -> None:
        clear = encoded(Image.new("RGBA", (90, 60), (255, 0, 0, 0)))

        assert drawn(clear).getpixel((32, 32))[3] == 0  # type: ignore[index]

    def test_keeps_the_greys_of_16_bits(self) -> None:
        grey = encoded(Image.new("I;16", (64, 64), 128 * 256))

        assert drawn(grey).getpixel((5, 5)) == pytest.approx((128, 128, 128), abs=2)

    @pytest.mark.parametrize(
        ("orientation", "corner"),
        list(enumerate([(10, 10), (54, 10), (54, 54), (10, 54)] * 2, 1)),
    )
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_is_upright(self, kind: str, orientation: int, corner: tuple[int, int]) -> None:
        """Green in the first corner of what is stored, wherever that is to be seen."""
        image = Image.new("RGB", (200, 200), RED)
        image.paste(GREEN, (0, 0, 100, 100))
        exif = Image.Exif()
        exif[0x0112] = orientation

        assert colour_at(drawn(encoded(image, kind, exif=exif)), corner) == GREEN

    def test_is_cut_from_the_middle(self) -> None:
        image = Image.new("RGB", (300, 100), RED)
        image.paste(GREEN, (100, 0, 200, 100))

        assert {colour_at(drawn(encoded(image)), (x, 32)) for x in (2, 32, 61)} == {GREEN}

    @pytest.mark.parametrize("kind", ["PNG", "WEBP"])
    def test_is_the_first_frame_of_an_animation(self, kind: str) -> None:
        result = drawn(animation(kind))

        assert not getattr(result, "is_animated", False)
        assert colour_at(result, (32, 32)) == RED

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_keeps_no_metadata(self, kind: str) -> None:
        exif = Image.Exif()
        exif[0x010E] = PAYLOAD.decode()
        exif.get_ifd(0x8825)[2] = (59.0, 20.0, 1.0)  # where it was taken
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        source = picture(kind, exif=exif, icc_profile=profile, comment=PAYLOAD, xmp=PAYLOAD)
        assert PAYLOAD in source

        [result] = draw(BytesIO(source), [(64, 64)])

        assert PAYLOAD not in result
        assert Image.open(BytesIO(result)).info.keys() <= {"background", "loop"}
        assert not any(name in result for name in (b"EXIF", b"ICCP", b"XMP "))

    def test_keeps_nothing_that_hides_behind_the_picture(self) -> None:
        for source in (
            picture("JPEG") + PAYLOAD,
            picture("PNG") + b"PK\x03\x04" + PAYLOAD,
            picture("JPEG")[:2] + b"\xff\xfe\x00\x43" + PAYLOAD + picture("JPEG")[2:],
            picture("PNG")[:-12] + chunk(b"tEXt", b"a\0" + PAYLOAD) + picture("PNG")[-12:],
        ):
            assert PAYLOAD not in b"".join(draw(BytesIO(source), [(64, 64), (256, 256)]))

    def test_writes_out_the_colours_that_a_profile_meant(self) -> None:
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        swapped = srgb.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")

        assert colour_at(drawn(picture(icc_profile=srgb)), (5, 5)) == RED
        assert colour_at(drawn(picture(icc_profile=swapped)), (5, 5)) == GREEN

    def test_does_not_believe_a_damaged_profile(self) -> None:
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

        for damaged in (srgb[:100], b"x", b"x" * 3000):
            assert colour_at(drawn(picture(icc_profile=damaged)), (5, 5)) == RED

    @pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
    def test_takes_the_smallest(self, size: tuple[int, int]) -> None:
        assert drawn(picture(size=size), (512, 512)).size == (512, 512)

    def test_is_half_and_half_where_the_source_is(self) -> None:
        for kind in ("JPEG", "PNG", "WEBP"):
            result = drawn(halves(kind, (3000, 3000)))
            assert (colour_at(result, (32, 10)), colour_at(result, (32, 54))) == (RED, BLUE)


class TestRefusal:
    @pytest.mark.parametrize(
        "source",
        [
            b"",
            b"\0" * 1000,
            b"GIF89a" + bytes(100),
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            b"<?xml version='1.0'?><!DOCTYPE svg><svg/>",
            b"<!doctype html>" + PAYLOAD,
            b"%PDF-1.7",
            b"PK\x03\x04",
            b"\x7fELF",
            b"#EXTM3U\nfile:///etc/passwd",
            b"BM" + bytes(100),
            b"\xff\xd8\xff",
            b"\x89PNG\r\n\x1a\n",
            b"RIFF\x00\x00\x00\x00WEBPVP8 ",
            b"\xff\xd8\xff\xe0" + PAYLOAD,
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b""),
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)),
            picture("GIF"),
            picture("TIFF"),
            picture("BMP"),
            picture("ICO"),
            picture("EPS"),
        ],
    )
    def test_of_what_is_no_picture(self, source: bytes) -> None:
        with pytest.raises(PictureInvalidError):
            draw(BytesIO(source), [(64, 64)])

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    @pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9])
    def test_of_what_ends_too_soon(self, kind: str, part: float) -> None:
        options = {"PNG": {"compress_level": 1}}.get(kind, {"quality": 90})
        whole = encoded(Image.effect_noise((300, 300), 90).convert("RGB"), kind, **options)

        with pytest.raises(PictureInvalidError):
            draw(BytesIO(whole[: int(len(whole) * part)]), [(64, 64)])

    @pytest.mark.parametrize(
        "size", [(6400, 6251), (10_000, 10_000), (30_000, 30_000), (2**31 - 1, 2**31 - 1)]
    )
    def test_of_too_many_pixels_costs_nothing(self, size: tuple[int, int]) -> None:
        source = bomb(*size) if max(size) < 2**20 else bomb_header(*size)

        with pytest.raises(PictureTooLargeError):
            draw(BytesIO(source), [(64, 64)])

    def test_of_a_canvas_without_end_costs_nothing(self) -> None:
        for size in ((16_383, 16_383), (2**24, 2**24)):
            with pytest.raises((PictureTooLargeError, PictureInvalidError)):
                draw(BytesIO(canvas(*size)), [(64, 64)])

    def test_of_too_many_bytes(self) -> None:
        source = noise((4000, 2700))
        assert len(source) > MAX_BYTES

        with pytest.raises(PictureTooLargeError):
            draw(BytesIO(source), [(64, 64)])

    def test_of_text_that_unpacks_without_end(self) -> None:
        text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(100 * 1024**2), 9))
        whole = picture()

        with pytest.raises(PictureInvalidError):
            draw(BytesIO(whole[:33] + text + whole[33:]), [(64, 64)])

    @pytest.mark.filterwarnings("ignore::UserWarning")
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_is_the_worst_that_damaged_bytes_can_do(self, kind: str) -> None:
        chance = random.Random(7)
        exif = Image.Exif()
        exif[0x0112] = 6
        whole = halves(kind, (64, 64), exif=exif)
        for _ in range(400):
            damaged = bytearray(whole)
            for _ in range(chance.choice([1, 2, 8])):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            try:
                draw(BytesIO(bytes(damaged)), [(64, 64)])
            except (PictureInvalidError, PictureTooLargeError):
                continue


def bomb_header(width: int, height: int) -> bytes:
    """No more than the claim."""
    whole = bytearray(bomb(8, 8))
    fields = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes(whole[24:29])
    return bytes(whole[:8]) + chunk(b"IHDR", fields) + bytes(whole[33:])
