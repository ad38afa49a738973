"""Covers and faces: two colours and a few shapes."""

import colorsys
import math
import random
from io import BytesIO

from PIL import Image, ImageDraw, ImageFilter

SIDE = 480
QUALITY = 90


def cover(seed: int, *, hue: float) -> bytes:
    """A square JPEG; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - the same picture each time
    picture = _gradient(hue, hue + chance.uniform(0.08, 0.3))
    for _ in range(chance.randint(3, 6)):
        _shape(picture, chance, _colour(hue + chance.uniform(-0.1, 0.4), chance.uniform(0.5, 1)))
    file = BytesIO()
    picture.filter(ImageFilter.GaussianBlur(0.7)).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _gradient(first: float, second: float) -> Image.Image:
    """From corner to corner."""
    two = Image.new("RGB", (2, 2))
    corners = ((first, 0.28), (first, 0.6), (second, 0.5), (second, 0.95))
    two.putdata([_colour(*each) for each in corners])
    return two.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def _shape(picture: Image.Image, chance: random.Random, colour: tuple[int, int, int]) -> None:
    layer = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    x, y, size = (chance.uniform(0.1, 0.9) * SIDE for _ in range(3))
    fill = (*colour, chance.randint(60, 150))
    kind = chance.choice(("disc", "ring", "bars", "peak"))
    if kind == "disc":
        draw.ellipse((x - size / 2, y - size / 2, x + size / 2, y + size / 2), fill=fill)
    elif kind == "ring":
        draw.ellipse(
            (x - size / 2, y - size / 2, x + size / 2, y + size / 2), outline=fill,
            width=chance.randint(6, 40),
        )  # fmt: skip
    elif kind == "bars":
        for bar in range(12):
            height = SIDE * (0.15 + 0.3 * abs(math.sin(bar * chance.uniform(0.4, 1.1))))
            left = bar * SIDE / 12 + 6
            draw.rectangle((left, SIDE - height, left + SIDE / 12 - 12, SIDE), fill=fill)
    else:
        draw.polygon(((x - size, SIDE), (x, y), (x + size, SIDE)), fill=fill)
    picture.paste(layer, (0, 0), layer)


def _colour(hue: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, 0.55, value)
    return round(red * 255), round(green * 255), round(blue * 255)
