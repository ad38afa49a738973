"""The fact that asks for a job, and the tables in which its effects are counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from django.db import connection, transaction

from apps.events import services
from apps.events.types import Fact, Subject

Kind = Literal["good", "slow", "raise", "exit", "segv", "hang"]
POISON: tuple[Kind, ...] = ("raise", "exit", "segv", "hang")
_WAITS = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM e.at - l.occurred_at)),
       percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM e.at - l.occurred_at))
  FROM handling_effect e JOIN events_log l ON l.id = e.event_id WHERE l.id = ANY (%s)
"""


@dataclass(frozen=True, kw_only=True)
class JobAsked(Fact):
    """A job is to be done."""

    name: ClassVar[str] = "job.asked"
    about: ClassVar[str] = "A job is to be done."
    example: ClassVar = {"kind": "good"}

    kind: Kind


def ask(kind: Kind = "good") -> UUID:
    """One transaction that asks for one job."""
    with transaction.atomic():
        return services.publish(JobAsked(kind=kind), subject=Subject(type="job", id="1"))


def execute(sql: str, *values: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)


def make_tables() -> None:
    """Without a constraint that would hide a double effect."""
    execute(
        "CREATE TABLE handling_effect (event_id uuid, at timestamptz DEFAULT clock_timestamp())"
    )
    execute("CREATE TABLE handling_repair (at timestamptz DEFAULT clock_timestamp())")


def drop_tables() -> None:
    execute("DROP TABLE handling_effect, handling_repair")


def waits_s(asked: Sequence[UUID]) -> tuple[float, float]:
    """From when these were asked for to their effects: the median and p99."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITS, [list(asked)])
        median, most = cursor.fetchone()
    return float(median), float(most)
