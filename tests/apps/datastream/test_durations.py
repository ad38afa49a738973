"""Durations as Go writes them; the expected values are those of Go's `time.ParseDuration`."""

import pytest

from apps.datastream.rules.durations import MAX_NS, parse_duration_ns

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("500ms", 500_000_000),
        ("5s", 5 * SECOND),
        ("1h2m3.5s", 3723 * SECOND + SECOND // 2),
        ("1ns", 1),
        ("7us", 7_000),
        ("7\u00b5s", 7_000),
        ("7\u03bcs", 7_000),
        (".5s", SECOND // 2),
        ("1.s", SECOND),
        ("+2m", 120 * SECOND),
        ("-2m", -120 * SECOND),
        ("1m1h", 3660 * SECOND),
        ("1s1s", 2 * SECOND),
        ("0", 0),
        ("-0", 0),
        ("0s", 0),
        ("0.1ns", 0),
        ("1.0000000019s", SECOND + 1),
        ("0.100000000000000000000h", 360 * SECOND),
        ("9223372036854775807ns", MAX_NS),
        ("2562047h47m16.854775807s", MAX_NS),
    ],
)
def test_is_read_as_go_reads_it(text: str, nanoseconds: int) -> None:
    assert parse_duration_ns(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "", "+", "-", "s", ".", ".s", "5", "1.5", "5 s", " 5s", "5s ", "5S", "5x", "--5s", "1e3s",
        "5d", "1_000ms", "\u0665s", "9223372036854775808ns", "2562048h", "1h" * 60, "5s\n", "00",
    ],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller words it
        parse_duration_ns(text)
