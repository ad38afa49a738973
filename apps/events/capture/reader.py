"""The capture process: one slot in, change streams out, in commit order.

The slot is the lock of the leader: who finds it in use waits. What was appended is known by the
streams themselves, so after a crash they say from where to read, and a commit that was appended in
part is appended to its end.
"""

import time
from collections.abc import Callable

import psycopg
import structlog
from django.conf import settings
from django.db import connection

from apps.events.capture import healing, tables
from apps.events.capture.batches import Batches
from apps.events.capture.decoder import DecodingError
from apps.events.capture.link import Alive, Link
from apps.events.capture.progress import Progress
from apps.events.capture.sessions import Slot, find_slot, log_position, may_prepare, publish
from apps.events.capture.skipping import Skips, Unreadable, UnreadableError, told
from apps.events.sessions import BackOff, Session, first_line, session
from veza.integrations.change_stream import (
    ChangeStream,
    ChangeStreamRewoundError,
    ChangeStreamUnavailableError,
    EntryId,
    change_stream,
)

logger = structlog.get_logger(__name__)

WAIT_S = 0.5
CONFIRM_EVERY_S = 1.0
STANDBY_S = 0.5
STUCK_S = 5.0
"""Until a change that could not be decoded is tried again; the slot is free meanwhile."""


class SlotLostError(Exception):
    """The slot cannot deliver what it should: rows were missed."""


class Capture:
    """Runs until `stop`; whatever dies on the way is waited for."""

    def __init__(
        self, *, slot: str = "", stream: Callable[[], ChangeStream] = change_stream
    ) -> None:
        self._slot = slot or settings.CAPTURE_SLOT
        self._make_stream = stream
        self._stopping = False
        self._told = ""
        self._anew = ""  # why the next session is to begin anew
        self._progress: Progress | None = None  # of the last session
        self._stuck_at: Unreadable | None = None
        self.is_leader = False
        """Whether it reads the slot now."""

    def begin_anew(self, reason: str) -> None:
        """Make a new slot and read all rows again at the start of the next session."""
        self._anew = reason

    def stop(self) -> None:
        """Ask for the end; safe in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Capture until `stop`."""
        wait, stream = BackOff(), self._make_stream()
        while not self._stopping:
            try:
                self._lead(stream, wait)
            except psycopg.errors.ObjectInUse:
                self._tell("capture_stands_by", slot=self._slot)
                self._pause(STANDBY_S)
            except (psycopg.Error, ChangeStreamUnavailableError) as fault:
                self._tell("capture_interrupted", fault=_reason(fault))
                self._pause(wait.next_s())
            except ChangeStreamRewoundError:
                self._tell("capture_stream_rewound", slot=self._slot)
            except SlotLostError as fault:
                self._tell("capture_slot_lost", slot=self._slot, reason=str(fault))
                self._pause(wait.next_s())
            except UnreadableError as fault:
                self._stand_before(fault.change)
                self._pause(STUCK_S)
            finally:
                self.is_leader = False

    def _lead(self, stream: ChangeStream, wait: BackOff) -> None:
        self._progress = progress = self._prepare(stream)
        link = Link.open()
        try:
            link.start(slot=self._slot, publication=tables.PUBLICATION, lsn=progress.received)
            self.is_leader = True
            wait.reset()
            self._told = ""
            logger.info("capture_reads", slot=self._slot, lsn=progress.received)
            self._read(link, stream, progress)
        except psycopg.errors.ObjectNotInPrerequisiteState as fault:
            raise SlotLostError(first_line(fault)) from fault
        finally:
            link.close()

    def _prepare(self, stream: ChangeStream) -> Progress:
        """A slot that continues what the streams hold, and where to begin with it: of the stream
        that is behind, for what the others have already they pass over.
        """
        with session("veza-capture-setup") as opened:
            publish(opened, tables.captured())
            slot = find_slot(opened, self._slot)
            if not may_prepare(opened) or (slot is not None and slot.active_pid is not None):
                raise psycopg.errors.ObjectInUse("another process captures")
            reason = self._anew or self._why_anew(opened, slot, stream)
            if reason:
                logger.warning("capture_begins_anew", slot=self._slot, reason=reason)
                healing.begin_anew(opened, stream, slot=self._slot)
                self._anew = ""
        ends = {each.topic: stream.last(each.topic) for each in tables.captured()}
        return Progress(min((end.lsn for end in ends.values() if end), default=0), ends)

    def _why_anew(self, opened: Session, slot: Slot | None, stream: ChangeStream) -> str:
        """Why the slot and the streams do not continue each other; "" where they do."""
        if slot is None:
            return "there is no slot"
        if slot.is_lost:
            return "the slot has lost what it should deliver"
        end, _ = log_position(opened)
        reasons = (
            self._why_not_on(each.topic, stream.last(each.topic), end) for each in tables.captured()
        )
        return next(filter(None, reasons), "")

    def _why_not_on(self, topic: str, last: EntryId | None, end: int) -> str:
        if last is None:
            return f"the stream {topic} is empty"
        if healing.is_unfinished(last):
            return f"the stream {topic} was not filled to its end"
        if self._progress and not self._progress.is_recoverable(topic, last):
            return f"the stream {topic} has lost what PostgreSQL has forgotten"
        return "the database is older than the stream" if last.lsn > end else ""

    def _read(self, link: Link, stream: ChangeStream, progress: Progress) -> None:
        batches = Batches(database=str(connection.settings_dict["NAME"]))
        skips = Skips(slot=self._slot)
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
                try:
                    batches.take(message)
                except DecodingError as fault:
                    _append(stream, batches, progress)  # what stands before it is told
                    skips.meet(batches.pass_over(message, fault))
                if batches.is_full:
                    _append(stream, batches, progress)
            _append(stream, batches, progress)
            now = time.monotonic()
            if is_asked or now >= confirm_at:
                _check_ends(stream, progress)
                link.confirm(progress.confirm(now=now), received=progress.received)
                confirm_at = now + CONFIRM_EVERY_S

    def _stand_before(self, change: Unreadable) -> None:
        if change != self._stuck_at:
            logger.error("capture_cannot_decode", slot=self._slot, **told(change))
            self._stuck_at = change

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


def _append(stream: ChangeStream, batches: Batches, progress: Progress) -> None:
    for topic, entries in batches.entries.items():
        stream.append(topic, entries, behind=progress.ends[topic])
        progress.appended(topic, entries)
    batches.clear()
    if batches.ended_at:
        progress.is_safe(batches.ended_at, now=time.monotonic())


def _check_ends(stream: ChangeStream, progress: Progress) -> None:
    """While nothing is written, nothing else would tell that a stream has lost its end."""
    for topic, end in progress.ends.items():
        last = stream.last(topic)
        if end is not None and (last is None or last < end):
            raise ChangeStreamRewoundError
