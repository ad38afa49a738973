"""Periodic tasks go out once, however many beats run, and whatever their clocks say.

The timetable is django-celery-beat's. When a task was last sent, and what time it is, only the
database says: beats ask it, and the one that writes the new time first sends the task.
"""

import copy
from datetime import datetime
from typing import Any

from celery.schedules import BaseSchedule, schedstate
from django.db import close_old_connections, connection, transaction
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

_FIND = "SELECT ran_at, clock_timestamp() FROM kit_periodicrun WHERE name = %s"
_FIRST = """
INSERT INTO kit_periodicrun (name, ran_at) VALUES (%s, clock_timestamp()) ON CONFLICT DO NOTHING
"""
_HOLDS_NOBODY_UP = "SET LOCAL idle_in_transaction_session_timeout = '30s'"
"""A beat that stands still while it sends loses the run, for which all others would wait."""
_RAN = "UPDATE kit_periodicrun SET ran_at = %s WHERE name = %s"


class SharedEntry(ModelEntry):  # type: ignore[misc] # django-celery-beat has no types
    """Due by the clock of the database, and by the last run of any beat."""

    def is_due(self) -> schedstate:
        if _is_of_one_beat(self):
            return schedstate(*super().is_due())
        close_old_connections()
        return _state(self.schedule, name=self.name)


class SharedScheduler(DatabaseScheduler):  # type: ignore[misc]
    """Several may run: each task is sent by one of them, the others find that it is not due.

    What operators add in the admin with a start, an end or for one time only is sent by every
    beat, as django-celery-beat does it. A task that was missed is sent once, not once a miss.
    """

    Entry = SharedEntry

    def apply_async(self, entry: SharedEntry, *args: Any, **kwargs: Any) -> Any:
        """Send the task, and write down that it was sent; neither without the other."""
        if _is_of_one_beat(entry):
            return super().apply_async(entry, *args, **kwargs)
        with transaction.atomic():
            if not _state(entry.schedule, name=entry.name, claims=True).is_due:
                return None
            return super().apply_async(entry, *args, **kwargs)

    def should_sync(self) -> bool:
        """Not within `apply_async`: it would close the connection that holds the run."""
        return not connection.in_atomic_block and super().should_sync()


def _is_of_one_beat(entry: SharedEntry) -> bool:
    row = entry.model
    return bool(not row.enabled or row.one_off or row.clocked_id or row.start_time or row.expires)


def _state(schedule: BaseSchedule, *, name: str, claims: bool = False) -> schedstate:
    """Whether the task is due, and in how many seconds to ask again; `claims` takes the run."""
    with connection.cursor() as cursor:
        if claims:  # the time is read after the lock, or a beat that waited would find it due
            cursor.execute(_HOLDS_NOBODY_UP)
            cursor.execute("SELECT 1 FROM kit_periodicrun WHERE name = %s FOR UPDATE", [name])
        cursor.execute(_FIND, [name])
        row = cursor.fetchone()
        if row is None:
            cursor.execute(_FIRST, [name])
            return schedstate(is_due=False, next=0.1)
        state: schedstate = _at(schedule, row[1]).is_due(row[0])
        if claims and state.is_due:
            cursor.execute(_RAN, [row[1], name])
        return state


def _at(schedule: BaseSchedule, now: datetime) -> Any:
    """The same schedule, for which it is `now`."""
    fixed: Any = copy.copy(schedule)
    fixed.nowfun = lambda: now
    return fixed
