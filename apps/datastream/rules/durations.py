"""Durations as Go writes them: `500ms`, `1h2m3.5s`."""

import re

UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, the micro sign
    "μs": 1_000,  # U+03BC, the Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60 * 1_000_000_000,
    "h": 3600 * 1_000_000_000,
}
MAX_NS = 2**63 - 1
MAX_LENGTH = 100
_UNIT = "|".join(sorted(UNITS_NS, key=len, reverse=True))
_PART = re.compile(rf"([0-9]*)(?:\.([0-9]*))?({_UNIT})")
_ZERO = "0"


def parse_duration_ns(text: str) -> int:
    """Nanoseconds of a Go duration, as `time.ParseDuration` reads it; may be 0 or negative.

    Raises ValueError for any other text, and for what does not fit into 64 bits.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError
    sign = -1 if text.startswith("-") else 1
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == _ZERO:
        return 0
    total = sum(map(_part_ns, _parts(rest)))
    if total > MAX_NS:
        raise ValueError
    return sign * total


def _parts(text: str) -> list[re.Match[str]]:
    parts: list[re.Match[str]] = []
    end = 0
    while not parts or end < len(text):
        part = _PART.match(text, end)
        if part is None or not (part[1] or part[2]):
            raise ValueError
        parts.append(part)
        end = part.end()
    return parts


def _part_ns(part: re.Match[str]) -> int:
    """What is below a nanosecond is dropped."""
    unit = UNITS_NS[part[3]]
    whole, fraction = int(part[1] or 0), part[2] or ""
    below: int = int(fraction or 0) * unit // 10 ** len(fraction)
    return whole * unit + below
