"""Words as the search compares them."""

import pytest

from veza.kit.words import swapped, tolerance, typing_errors


@pytest.mark.parametrize(
    ("typed", "meant", "errors"),
    [
        ("night", "night", 0), ("nihgt", "night", 1), ("ngiht", "night", 1), ("nght", "night", 1),
        ("niight", "night", 1), ("nigjt", "night", 1), ("nigth", "night", 1), ("ngith", "night", 2),
        ("inght", "night", 2), ("might", "night", 2), ("night", "nightly", 0.02),
        ("nihgt", "nightly", 1.02), ("mdnight", "night", 3), ("night", "day", 5),
    ],
)  # fmt: skip
def test_errors_are_counted(typed: str, meant: str, errors: float) -> None:
    assert typing_errors(typed, meant) == pytest.approx(errors)


def test_long_words_may_have_more_of_them() -> None:
    assert [tolerance("x" * length) for length in (3, 4, 5, 6, 40, 41)] == [0, 1, 1, 2, 2, 0]


def test_neighbours_are_swapped_anywhere() -> None:
    assert swapped("rain") == {"arin", "rian", "rani"}
    assert swapped("aa") == set()
