"""Places in a list: strings that sort, and between two of which there is always another.

Fractional indexing, as Figma and others keep ordered lists that many edit (D. Greenspan,
"Implementing Fractional Indexing"): a move writes one row, and nobody else's.
"""

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE = len(DIGITS)


def place_between(before: str, after: str) -> str:
    """A string that sorts after `before` and before `after`, as short as can be; "" is no bound.

    Neither ends in the lowest digit, and nor does what is returned.
    """
    if after and before >= after:
        raise ValueError(f"There is no place between {before!r} and {after!r}.")
    shared = 0
    while after and shared < len(after) and _digit(before, shared) == after[shared]:
        shared += 1
    if shared:
        return after[:shared] + place_between(before[shared:], after[shared:])
    low = DIGITS.index(before[0]) if before else 0
    high = DIGITS.index(after[0]) if after else BASE
    if high - low > 1:
        if before and after:
            return DIGITS[(low + high) // 2]
        # At an end the next digit, not the middle: lists grow there, and places stay short.
        return DIGITS[high - 1] if after else DIGITS[low + 1]
    if before or not after:
        return after[0] if len(after) > 1 else DIGITS[low] + place_between(before[1:], "")
    return DIGITS[low] + DIGITS[-1]


def even_places(count: int) -> list[str]:
    """So many places, all short, with room between them."""
    width = 1
    while BASE**width <= 2 * count:
        width += 1
    step = BASE**width // (count + 1)
    return [_number(step * (n + 1), width=width) + DIGITS[BASE // 2] for n in range(count)]


def _number(value: int, *, width: int) -> str:
    digits = ""
    for _ in range(width):
        value, digit = divmod(value, BASE)
        digits = DIGITS[digit] + digits
    return digits


def _digit(text: str, index: int) -> str:
    return text[index] if index < len(text) else DIGITS[0]
