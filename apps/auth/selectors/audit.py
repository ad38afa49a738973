"""What happened, and whether the log of it is whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.auth import rules
from apps.auth.models import AuditCheck, AuditEntry

BATCH = 2_000

_SEALS = """
SELECT s.position, s.hash, e.id IS NULL, accounts_audit_texts(e)
  FROM accounts_auditseal s LEFT JOIN accounts_auditentry e ON e.id = s.entry_id
 WHERE s.position > %s ORDER BY s.position LIMIT %s
"""
_UNSEALED = """
SELECT e.id::text FROM accounts_auditentry e
 WHERE NOT EXISTS (SELECT 1 FROM accounts_auditseal s WHERE s.entry_id = e.id) LIMIT 1
"""


@dataclass(frozen=True, kw_only=True)
class Seal:
    """A place in the chain and the hash that stands there."""

    position: int
    hash: str

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"


@dataclass(frozen=True, kw_only=True)
class ChainFault:
    """The first place at which the chain breaks, and why."""

    position: int
    reason: str


def list_audit_entries(
    *,
    action: str | None = None,
    actor: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEntry]:
    """Those that match all that is given: `actor` is an id, `since` is included, `until` not."""
    wanted = {"action": action, "actor_id": actor, "at__gte": since, "at__lt": until}
    chosen = {name: value for name, value in wanted.items() if value is not None}
    return AuditEntry.objects.filter(**chosen).select_related("origin")


def last_audit_check() -> AuditCheck | None:
    """What the newest look at the chain found; None before the first."""
    return AuditCheck.objects.order_by("-at").first()


def last_whole_seal() -> Seal | None:
    """The head when the chain was last found whole."""
    check = AuditCheck.objects.filter(fault="", position__gt=0).order_by("-at").first()
    return Seal(position=check.position, hash=check.hash) if check else None


def check_audit_chain(*, expect: Seal | None = None) -> Iterator[Seal | ChainFault]:
    """Walk the chain from its beginning: the last seal of each batch, and at a fault that, last.

    `expect` is a seal from before, which must still stand there. One snapshot, however long it
    takes.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        last = Seal(position=0, hash="")
        while True:
            cursor.execute(_SEALS, [last.position, BATCH])
            rows = cursor.fetchall()
            for row in rows:
                found = _next_seal(last, *row)
                if expect and expect.position == found.position and expect != found:
                    found = ChainFault(position=expect.position, reason="another hash was expected")
                if isinstance(found, ChainFault):
                    yield found
                    return
                last = found
            yield last
            if len(rows) < BATCH:
                break
        if expect and expect.position > last.position:
            yield ChainFault(position=last.position + 1, reason="the end was cut off")
            return
        cursor.execute(_UNSEALED)
        if row := cursor.fetchone():
            yield ChainFault(position=last.position, reason=f"entry {row[0]} has no seal")


def _next_seal(
    last: Seal, position: int, sealed: str, is_missing: bool, texts: list[str]
) -> Seal | ChainFault:
    if position != last.position + 1:
        return ChainFault(position=last.position + 1, reason="the seal is missing")
    if is_missing:
        return ChainFault(position=position, reason="the entry is missing")
    if rules.seal_hash(before=last.hash, position=position, entry=texts) != sealed:
        return ChainFault(position=position, reason="the entry or its seal was changed")
    return Seal(position=position, hash=sealed)
