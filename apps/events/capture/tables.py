"""Which tables are captured, as the apps that own them declare it."""

from dataclasses import dataclass, field

SCHEMA = "public"
PREFIX = "veza"
"""What topics begin with: Debezium's `topic.prefix`."""
PUBLICATION = "veza_capture"


@dataclass(frozen=True, kw_only=True, slots=True)
class Captured:
    """`snapshot` selects all columns of the rows that are read again when changes were lost,
    oldest first.
    """

    table: str
    key: tuple[str, ...]
    snapshot: str
    topic: str = field(init=False)
    """Where its changes are found in the change stream."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "topic", topic_of(self.table))


_captured: dict[str, Captured] = {}


def topic_of(table: str) -> str:
    """As Debezium names it."""
    return f"{PREFIX}.{SCHEMA}.{table}"


def capture_table(table: str, *, key: tuple[str, ...], snapshot: str) -> Captured:
    """Have the changes of this table captured. A repeat replaces."""
    _captured[table] = Captured(table=table, key=key, snapshot=snapshot)
    return _captured[table]


def captured() -> list[Captured]:
    """All of them, by name."""
    return [_captured[name] for name in sorted(_captured)]


def find(schema: str, table: str) -> Captured | None:
    """The declaration of a table, if it is captured."""
    return _captured.get(table) if schema == SCHEMA else None
