"""Messages of one session of the slot to entries of the change streams."""

import time

from apps.events.capture import envelope, tables
from apps.events.capture.decoder import (
    Begin,
    Commit,
    Decoder,
    DecodingError,
    RowChange,
    Table,
    Truncation,
)
from apps.events.capture.link import Data
from apps.events.capture.skipping import Unreadable
from apps.events.capture.values import key_json
from veza.integrations.change_stream import Entry, EntryId

BATCH = 500
BATCH_BYTES = 1024 * 1024


class Batches:
    """A large commit becomes many batches: its entries are numbered, and it is never held whole."""

    def __init__(self, *, database: str) -> None:
        self._decoder = Decoder()
        self._database = database
        self._begin: Begin | None = None
        self._number = 0
        self._last_commit: int | None = None
        self._size = 0
        self.count = 0
        self.entries: dict[str, list[Entry]] = {}
        """By topic."""
        self.ended_at = 0
        """Behind the last commit that was read to its end."""

    @property
    def is_between(self) -> bool:
        """Whether no commit is being read."""
        return self._begin is None

    @property
    def is_full(self) -> bool:
        return self.count >= BATCH or self._size >= BATCH_BYTES

    def take(self, message: Data) -> None:
        """One message of the slot. Raises DecodingError."""
        decoded = self._decoder.decode(message.payload)
        if isinstance(decoded, Begin):
            self._begin, self._number = decoded, 0
        elif isinstance(decoded, Commit):
            self._begin = None
            self._last_commit = self.ended_at = decoded.end_lsn
        elif isinstance(decoded, RowChange):
            self._add(decoded, decoded.table, message.lsn)
        elif isinstance(decoded, Truncation):
            for table in decoded.tables:
                self._add(None, table, message.lsn)

    def pass_over(self, message: Data, fault: DecodingError) -> Unreadable:
        """Count a message that `take` has refused, and tell what it was."""
        self._number += 1
        operation, table = self._decoder.about(message.payload)
        begin = self._begin or Begin(commit_lsn=message.lsn, time_us=0, transaction=0)
        return Unreadable(
            message.lsn, begin.commit_lsn, begin.transaction, operation, table, str(fault)
        )

    def clear(self) -> None:
        """They were appended."""
        self.entries, self.count, self._size = {}, 0, 0

    def _add(self, change: RowChange | None, table: Table, lsn: int) -> None:
        begin = self._begin
        captured = tables.find(table.schema, table.name)
        if begin is None:
            return
        number, self._number = self._number, self._number + 1
        if captured is None:
            return
        origin = envelope.Origin(self._database, lsn, self._last_commit, begin)
        try:
            key, value = _documents(change, table, captured.key, origin)
        except (ValueError, OverflowError) as fault:  # PostgreSQL writes a value in another way
            raise DecodingError(str(fault)) from None
        entry = Entry(EntryId(begin.commit_lsn, number), key, value)
        self.entries.setdefault(captured.topic, []).append(entry)
        self.count += 1
        self._size += len(value)


def _documents(
    change: RowChange | None, table: Table, key: tuple[str, ...], origin: envelope.Origin
) -> tuple[bytes, bytes]:
    now_us = time.time_ns() // 1000
    if change is None:
        return b"null", envelope.truncate_document(table, origin, now_us=now_us)
    row = change.after or change.before or {}
    return key_json(table, key, row).encode(), envelope.change_document(
        change, origin, now_us=now_us
    )
