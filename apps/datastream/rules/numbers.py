"""Numbers on their way through JSON and PostgreSQL."""

from decimal import Decimal

FIRST_EXPONENT = 1e16  # from here on Python writes 1e+16, and PostgreSQL all the digits


def exact_number(value: float) -> float | int:
    """The same number in a form that reads the same before and after a column of type jsonb.

    jsonb holds decimal numbers: 1e+300 comes back as an integer of 301 digits, which Python does
    not call equal to the float, and -0.0 as 0.0. Written so from the start, nothing changes.
    """
    return int(Decimal(repr(value))) if abs(value) >= FIRST_EXPONENT else value or 0.0
