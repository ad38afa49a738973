"""What happened, as far as it can be seen from outside: attempts, the log, and what clients saw."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tests.faults.rig.ledger import Op


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A fact as the log holds it, or as it came to a client; `op` is None for facts of others."""

    fact: str
    position: int | None = None
    op: int | None = None
    subject: str = ""
    version: int | None = None


@dataclass(kw_only=True)
class History:
    """`log` is in the order of positions and begins after `floor`, where all clients began."""

    ops: dict[int, Op]
    log: list[Seen]
    clients: dict[str, list[Seen]]
    resets: dict[str, list[str]] = field(default_factory=dict)
    floor: int = 0

    def with_log(self, log: Sequence[Seen]) -> "History":
        return replace(self, log=list(log))

    def with_client(self, name: str, seen: Sequence[Seen]) -> "History":
        return replace(self, clients={**self.clients, name: list(seen)})
