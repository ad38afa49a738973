"""Files that go to the storage in parts: how they are cut, and what must be there."""

from collections.abc import Iterable, Mapping
from typing import Protocol

MIB = 1024**2
LEAST_BYTES = 5 * MIB
USUAL_BYTES = 16 * MIB
MOST_BYTES = 512 * MIB
MOST_PARTS = 10_000
"""As S3 has it; the last part may be smaller than LEAST_BYTES."""


class Part(Protocol):
    """One that the storage has."""

    @property
    def number(self) -> int: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def etag(self) -> str: ...


def part_size(size_bytes: int, *, wanted: int | None) -> int:
    """The size of all parts but the last, so that there are not too many."""
    return max(wanted or USUAL_BYTES, -(-size_bytes // MOST_PARTS))


def sizes_of_parts(size_bytes: int, *, part_size_bytes: int) -> list[int]:
    """In order; the last holds the rest."""
    whole, rest = divmod(size_bytes, part_size_bytes)
    return [part_size_bytes] * whole + ([rest] if rest else [])


def missing_parts(sizes: Iterable[int], arrived: Iterable[Part]) -> list[int]:
    """The numbers of parts that are not there in full."""
    found = {part.number: part.size_bytes for part in arrived}
    return [n for n, size_bytes in enumerate(sizes, start=1) if found.get(n) != size_bytes]


def strange_parts(told: Mapping[int, str], arrived: Iterable[Part]) -> list[int]:
    """The numbers of parts that the sender and the storage disagree on."""
    found = {part.number: part.etag.strip('"') for part in arrived}
    return sorted(
        n for n in told.keys() | found.keys() if told.get(n, "").strip('"') != found.get(n)
    )
