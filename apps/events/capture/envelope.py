"""Debezium's JSON envelope around a change (`schemas.enable=false`). Pure.

https://debezium.io/documentation/reference/connectors/postgresql.html
"""

import base64
import json
from functools import lru_cache
from typing import NamedTuple

from apps.events.capture.decoder import Begin, Row, RowChange, Table
from apps.events.capture.tables import PREFIX
from apps.events.capture.values import row_json

VERSION = "3.6.3.Final"
"""Whose documents ours equal."""
EPOCH_MESSAGE = "veza.epoch"
WHOLE_MESSAGE = "veza.whole"
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class Origin(NamedTuple):
    """Where a change comes from: the database, the change's place in the log, and the end of the
    commit before it.
    """

    database: str
    lsn: int
    last_commit_lsn: int | None
    begin: Begin


def change_document(change: RowChange, origin: Origin, *, now_us: int) -> bytes:
    """The document of an inserted, updated or deleted row."""
    op, table, before, after = change
    return _document(
        op,
        _source(table, origin),
        before="null" if before is None else row_json(table, before),
        after="null" if after is None else row_json(table, after),
        now_us=now_us,
    )


def truncate_document(table: Table, origin: Origin, *, now_us: int) -> bytes:
    """The document of a table that was emptied."""
    return _document("t", _source(table, origin), before="null", after="null", now_us=now_us)


def snapshot_document(table: Table, row: Row, origin: Origin, *, now_us: int) -> bytes:
    """The document of a row that was read from the table itself."""
    told = _source(table, origin, snapshot="true")
    after = row_json(table, row)
    return _document("r", told, before="null", after=after, now_us=now_us)


def epoch_document(epoch: str, origin: Origin, *, is_whole: bool, now_us: int) -> bytes:
    """The document, of a logical message, that what follows continues nothing that came before;
    or that the rows of the new epoch have all been told.
    """
    told = _source(Table(schema="", name="", columns=()), origin)
    content = base64.b64encode(epoch.encode()).decode()
    message = {"prefix": WHOLE_MESSAGE if is_whole else EPOCH_MESSAGE, "content": content}
    return (f'{{"op":"m",{_times(now_us)},"source":{told},"message":{_to_json(message)}}}').encode()


def _source(table: Table, origin: Origin, *, snapshot: str = "false") -> str:
    """The block `source`. Written as text, because most of a document is this, and mostly alike."""
    database, lsn, last, (_, at, transaction) = origin
    first, second, third = _pieces(table, database, snapshot)
    before = "null" if last is None else f'\\"{last}\\"'
    return (
        f'{first}{at // 1000}{second}{before},\\"{lsn}\\"]","ts_us":{at},"ts_ns":{at * 1000}{third}'
        f'{transaction},"lsn":{lsn},"xmin":null,"origin":null,"origin_lsn":null}}'
    )


@lru_cache(maxsize=100)
def _pieces(table: Table, database: str, snapshot: str) -> tuple[str, str, str]:
    """What is the same for all changes of a table."""
    return (
        f'{{"version":"{VERSION}","connector":"postgresql","name":"{PREFIX}","ts_ms":',
        f',"snapshot":"{snapshot}","db":{_to_json(database)},"sequence":"[',
        f',"schema":{_to_json(table.schema)},"table":{_to_json(table.name)},"txId":',
    )


def _document(op: str, told: str, *, before: str, after: str, now_us: int) -> bytes:
    return (
        f'{{"before":{before},"after":{after},"source":{told},"transaction":null,"op":"{op}",'
        f"{_times(now_us)}}}"
    ).encode()


def _times(now_us: int) -> str:
    return f'"ts_ms":{now_us // 1000},"ts_us":{now_us},"ts_ns":{now_us * 1000}'
