"""The relay: moves committed facts from the outbox to the log, as long as it is told to.

Any number may run. Order and positions are made by the SQL function `events_move` under a lock
that lives for one statement, so a relay that is killed or frozen loses and blocks nothing.
"""

import os
import secrets
import socket
import threading
import time
from dataclasses import dataclass

import psycopg
import structlog

from apps.events.announcements import announcement, sign_of_life
from apps.events.dispatch import Dispatcher
from apps.events.hints import Hints, hints
from apps.events.sessions import BackOff, Session, first_line, row, session

logger = structlog.get_logger(__name__)

PARTITION_SIZE = 1_000_000
BEAT_S = 1.0
EXTEND_RETRY_S = 5.0

# One row comes back, whatever was moved: an answer so large that a frozen relay leaves it in the
# socket would keep the statement from ending, and the lock with it. The horizon is that of the
# outer statement, whose snapshot is older than those inside the function.
_MOVE = """
SELECT count(*), max(seq), max(position),
       extract(epoch FROM clock_timestamp() - min(occurred_at))::float8,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint
  FROM events_move(%s, %s)
"""
_NEXT_XID = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_EXTEND = "SELECT events_log_extend(%s, %s)"
_BEAT = """
INSERT INTO events_relay (relay, beat_at, lag_s) VALUES (%s, clock_timestamp(), %s)
ON CONFLICT (relay) DO UPDATE SET beat_at = excluded.beat_at, lag_s = excluded.lag_s
"""
_BURY = "DELETE FROM events_relay WHERE beat_at < clock_timestamp() - interval '1 minute'"
_LEAVE = "DELETE FROM events_relay WHERE relay = %s"


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How much a relay takes at once, and how long it waits when there is nothing."""

    batch: int = 500
    poll_s: float = 0.02
    partition_size: int = PARTITION_SIZE


class WaterMark:
    """At and below `low` the outbox holds dead rows only, and a move need not step over them.

    A number is safe when every transaction that may hold a smaller one had ended before a move
    that went past it: such a transaction began to write before the number was seen. Who takes his
    number before his first write may escape that; the sweep from 0 finds him.
    """

    def __init__(self) -> None:
        self.low = 0
        self._seq = 0
        self._next_xid: int | None = None

    @property
    def is_set(self) -> bool:
        """Whether a number is waiting to become safe."""
        return self._next_xid is not None

    def set(self, *, seq: int, next_xid: int) -> None:
        """Let `seq` wait; `next_xid` was read after the move that returned it."""
        self._seq, self._next_xid = seq, next_xid

    def moved(self, *, oldest_xid: int, through: int | None) -> None:
        """Learn of a move: who was running before it, and how far it went; None: to the end."""
        if self._next_xid is None or oldest_xid < self._next_xid:
            return
        if through is None or through >= self._seq:
            self.low = max(self.low, self._seq)
            self._next_xid = None


class Relay:
    """One relay, on a connection of its own in autocommit."""

    def __init__(self, *, pace: Pace, dispatcher: Dispatcher | None = None) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"
        self._pace = pace
        self._stopping = False
        self._woken = threading.Event()
        self._hints: Hints = hints()
        self._dispatcher = dispatcher
        self._mark = WaterMark()
        self._covered = 0
        self._extend_at = 0.0
        self._lag_s = 0.0
        self._beat_at = 0.0

    def stop(self) -> None:
        """Ask for the end after the present batch; safe in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Move facts until `stop`. When PostgreSQL dies or refuses, try again and again."""
        wait, told = BackOff(), ""
        self._hints.listen(self._woken.set)
        while not self._stopping:
            try:
                with session("veza-relay") as opened:
                    self._begin(opened)
                    logger.info("relay_connected", relay=self.name)
                    wait.reset()
                    told = ""
                    self._move_until_stopped(opened)
            except psycopg.Error as fault:
                if (line := first_line(fault)) != told:  # not at each try of a long outage
                    logger.warning("relay_interrupted", relay=self.name, fault=line)
                    told = line
                self._pause(wait.next_s())

    def _begin(self, opened: Session) -> None:
        """Remember nothing of an earlier session: the server may have been restored since."""
        self._mark = WaterMark()
        self._covered = 0
        self._extend_at = 0.0
        self._beat_at = 0.0
        self._extend(opened, head=row(opened, "SELECT events_head()")[0])

    def _move_until_stopped(self, opened: Session) -> None:
        while not self._stopping:
            beat = time.monotonic() >= self._beat_at
            moved = self._move(opened, low=0 if beat else self._mark.low)
            if beat:
                self._beat(opened)
            if moved < self._pace.batch:
                self._wait_for_facts()
        opened.execute(_LEAVE, [self.name])

    def _move(self, opened: Session, *, low: int) -> int:
        count, last_seq, head, lag_s, oldest_xid = row(opened, _MOVE, self._pace.batch, low)
        to_the_end = count < self._pace.batch
        self._mark.moved(oldest_xid=oldest_xid, through=None if to_the_end else last_seq)
        if count:
            self._announce(opened, first=head - count + 1, last=head)
            if not self._mark.is_set:
                self._mark.set(seq=last_seq, next_xid=row(opened, _NEXT_XID)[0])
            self._lag_s = max(self._lag_s, lag_s)
            self._extend(opened, head=head)
        return int(count)

    def _announce(self, opened: Session, *, first: int, last: int) -> None:
        if self._dispatcher is not None:
            self._dispatcher.wake()
        if self._hints.are_heard:
            self._hints.log_has_grown(announcement(opened, first=first, last=last))

    def _extend(self, opened: Session, *, head: int) -> None:
        """Keep two partitions ahead of the head; a lock on the log postpones it."""
        through = head + 2 * self._pace.partition_size + self._pace.batch
        if through < self._covered or time.monotonic() < self._extend_at:
            return
        try:
            self._covered = row(opened, _EXTEND, through, self._pace.partition_size)[0]
        except psycopg.errors.LockNotAvailable as fault:
            self._extend_at = time.monotonic() + EXTEND_RETRY_S
            logger.warning("relay_partition_postponed", fault=first_line(fault))

    def _beat(self, opened: Session) -> None:
        opened.execute(_BEAT, [self.name, self._lag_s])
        opened.execute(_BURY)
        if self._hints.are_heard:
            self._hints.log_has_grown(sign_of_life(opened))
        self._lag_s = 0.0
        self._beat_at = time.monotonic() + BEAT_S

    def _wait_for_facts(self) -> None:
        """Until a hint comes, at most until the next poll."""
        until = time.monotonic() + self._pace.poll_s
        while not self._stopping and (left := until - time.monotonic()) > 0:
            if self._woken.wait(min(left, 0.1)):
                break
        self._woken.clear()

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
