"""The capture process: one slot in, change streams out, in commit order.

The slot is the lock of the leader: who finds it in use waits. What was appended is known by the
streams themselves, so after a crash they say from where to read, and a commit that was appended in
part is appended to its end.
"""

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
import structlog
from django.conf import settings
from django.db import connection

from apps.events.capture import envelope, healing, tables
from apps.events.capture.decoder import Begin, Commit, Decoder, RowChange, Table, Truncation
from apps.events.capture.link import Alive, Data, Link
from apps.events.capture.sessions import Slot, find_slot, log_position, may_prepare, publish
from apps.events.sessions import BackOff, Session, first_line, session
from veza.integrations.change_stream import (
    ChangeStream,
    ChangeStreamUnavailableError,
    Entry,
    EntryId,
    change_stream,
)

logger = structlog.get_logger(__name__)

BATCH = 500
BATCH_BYTES = 1024 * 1024
WAIT_S = 0.5
CONFIRM_EVERY_S = 1.0
CONFIRM_AFTER_S = 3.0
"""A stream that loses its last second, as Redis may when its machine dies, is filled again."""
STANDBY_S = 0.5


class SlotLostError(Exception):
    """The slot cannot deliver what it should: rows were missed."""


@dataclass(slots=True)
class Progress:
    """How far the slot was read and what of it is safe. Positions are those of PostgreSQL's log."""

    received: int = 0
    confirmed: int = 0
    appended: deque[tuple[float, int]] = field(default_factory=deque)

    def is_safe(self, lsn: int, *, now: float) -> None:
        """Everything up to `lsn` stands in the streams since `now`."""
        if not self.appended or lsn > self.appended[-1][1]:
            self.appended.append((now, lsn))

    def confirm(self, *, now: float) -> int:
        """What may be confirmed: what has been safe for CONFIRM_AFTER_S."""
        while self.appended and now - self.appended[0][0] >= CONFIRM_AFTER_S:
            self.confirmed = max(self.confirmed, self.appended.popleft()[1])
        return self.confirmed


class Batches:
    """Messages of one session of the slot to entries; a large commit becomes many batches."""

    def __init__(self, *, database: str) -> None:
        self._decoder = Decoder()
        self._database = database
        self._begin: Begin | None = None
        self._number = 0
        self._last_commit: int | None = None
        self.entries: dict[str, list[Entry]] = {}
        self.count = 0
        self.size = 0
        self.ended_at = 0
        """Behind the last commit whose entries are all here or were taken before."""

    def take(self, message: Data) -> None:
        """One message of the slot. Raises DecodingError."""
        decoded = self._decoder.decode(message.payload)
        if isinstance(decoded, Begin):
            self._begin, self._number = decoded, 0
        elif isinstance(decoded, Commit):
            self._begin, self._last_commit = None, decoded.end_lsn
            self.ended_at = decoded.end_lsn
        elif isinstance(decoded, RowChange):
            self._add(decoded, decoded.table, message.lsn)
        elif isinstance(decoded, Truncation):
            for table in decoded.tables:
                self._add(None, table, message.lsn)

    @property
    def is_between(self) -> bool:
        """Whether no commit is being read."""
        return self._begin is None

    @property
    def is_full(self) -> bool:
        return self.count >= BATCH or self.size >= BATCH_BYTES

    def clear(self) -> None:
        """They were appended."""
        self.entries, self.count, self.size = {}, 0, 0

    def _add(self, change: RowChange | None, table: Table, lsn: int) -> None:
        captured = tables.find(table.schema, table.name)
        begin = self._begin
        if begin is None:
            return
        number, self._number = self._number, self._number + 1
        if captured is None:
            return
        origin = envelope.Origin(
            database=self._database, lsn=lsn, last_commit_lsn=self._last_commit, begin=begin
        )
        now_us = time.time_ns() // 1000
        if change is None:
            key, value = b"null", envelope.truncate_document(table, origin, now_us=now_us)
        else:
            row = change.after or change.before or {}
            key = json.dumps({name: row.get(name) for name in captured.key}, default=str).encode()
            value = envelope.change_document(change, origin, now_us=now_us)
        entry = Entry(EntryId(begin.commit_lsn, number), key, value)
        self.entries.setdefault(captured.topic, []).append(entry)
        self.count += 1
        self.size += len(value)


class Capture:
    """Runs until `stop`; whatever dies on the way is waited for."""

    def __init__(self, *, slot: str = "", stream: Callable[[], ChangeStream] = change_stream):
        self._slot = slot or settings.CAPTURE_SLOT
        self._make_stream = stream
        self._stopping = False
        self._told = ""
        self.is_leader = False
        """Whether it reads the slot now."""

    def stop(self) -> None:
        """Ask for the end; safe in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Capture until `stop`."""
        wait = BackOff()
        while not self._stopping:
            try:
                self._lead(wait)
            except psycopg.errors.ObjectInUse:
                self._tell("capture_stands_by", slot=self._slot)
                self._pause(STANDBY_S)
            except (psycopg.Error, ChangeStreamUnavailableError) as fault:
                self._tell("capture_interrupted", fault=_reason(fault))
                self._pause(wait.next_s())
            except SlotLostError as fault:
                self._tell("capture_slot_lost", slot=self._slot, reason=str(fault))
                self._pause(wait.next_s())
            finally:
                self.is_leader = False

    def _lead(self, wait: BackOff) -> None:
        stream = self._make_stream()
        start = self._prepare(stream)
        link = Link.open()
        try:
            link.start(slot=self._slot, publication=tables.PUBLICATION, lsn=start)
            self.is_leader = True
            wait.reset()
            self._told = ""
            logger.info("capture_reads", slot=self._slot, lsn=start)
            self._read(link, stream, start)
        except psycopg.errors.ObjectNotInPrerequisiteState as fault:
            raise SlotLostError(first_line(fault)) from fault
        finally:
            link.close()

    def _prepare(self, stream: ChangeStream) -> int:
        """A slot that continues what the streams hold, and where to begin with it: of the stream
        that is behind, for what the others have already they pass over.
        """
        with session("veza-capture-setup") as opened:
            publish(opened, tables.captured())
            slot = find_slot(opened, self._slot)
            if not may_prepare(opened) or (slot is not None and slot.active_pid is not None):
                raise psycopg.errors.ObjectInUse("another process captures")
            reason = self._why_anew(opened, slot, stream)
            if reason:
                logger.warning("capture_begins_anew", slot=self._slot, reason=reason)
                healing.begin_anew(opened, stream, slot=self._slot)
        lasts = [last for each in tables.captured() if (last := stream.last(each.topic))]
        return min((last.lsn for last in lasts), default=0)

    def _why_anew(self, opened: Session, slot: Slot | None, stream: ChangeStream) -> str:
        """Why the slot and the streams do not continue each other; "" where they do."""
        if slot is None:
            return "there is no slot"
        if slot.is_lost:
            return "the slot has lost what it should deliver"
        end, _ = log_position(opened)
        for each in tables.captured():
            last = stream.last(each.topic)
            if last is None:
                return f"the stream {each.topic} is empty"
            if healing.is_unfinished(last):
                return f"the stream {each.topic} was not filled to its end"
            if last.lsn > end:
                return "the database is older than the stream"
        return ""

    def _read(self, link: Link, stream: ChangeStream, start: int) -> None:
        batches = Batches(database=str(connection.settings_dict["NAME"]))
        progress = Progress(received=start)
        confirm_at = 0.0
        while not self._stopping:
            is_asked = False
            for message in link.messages(wait_s=WAIT_S):
                progress.received = max(progress.received, message.lsn)
                if isinstance(message, Alive):
                    is_asked = is_asked or message.wants_reply
                    if batches.is_between and not batches.count:
                        progress.is_safe(message.lsn, now=time.monotonic())
                    continue
                batches.take(message)
                if batches.is_full:
                    self._append(stream, batches, progress)
            self._append(stream, batches, progress)
            now = time.monotonic()
            if is_asked or now >= confirm_at:
                link.confirm(progress.confirm(now=now), received=progress.received)
                confirm_at = now + CONFIRM_EVERY_S

    def _append(self, stream: ChangeStream, batches: Batches, progress: Progress) -> None:
        for topic, entries in batches.entries.items():
            stream.append(topic, entries)
        batches.clear()
        if batches.ended_at:
            progress.is_safe(batches.ended_at, now=time.monotonic())

    def _tell(self, event: str, **values: object) -> None:
        """Not at each try of a long outage."""
        line = f"{event} {values}"
        if line != self._told:
            logger.warning(event, **values)
            self._told = line

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))


def _reason(fault: BaseException) -> str:
    return first_line(fault.__cause__ or fault)
