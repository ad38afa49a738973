"""Debezium's JSON envelope around a change (`schemas.enable=false`). Pure.

https://debezium.io/documentation/reference/connectors/postgresql.html
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

from apps.events.capture.decoder import Begin, Row, RowChange, Table
from apps.events.capture.tables import PREFIX
from apps.events.capture.values import as_json

VERSION = "3.7.0.Final"
"""Whose documents ours equal."""
EPOCH_MESSAGE = "veza.epoch"
WHOLE_MESSAGE = "veza.whole"
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a change comes from: the database, the change's place in the log, and the end of the
    commit before it.
    """

    database: str
    lsn: int
    last_commit_lsn: int | None
    begin: Begin


def change_document(change: RowChange, origin: Origin, *, now_us: int) -> bytes:
    """The document of an inserted, updated or deleted row."""
    return _document(
        change.op,
        source(change.table, origin),
        before=as_json(change.table.columns, change.before),
        after=as_json(change.table.columns, change.after),
        now_us=now_us,
    )


def truncate_document(table: Table, origin: Origin, *, now_us: int) -> bytes:
    """The document of a table that was emptied."""
    return _document("t", source(table, origin), before=None, after=None, now_us=now_us)


def snapshot_document(table: Table, row: Row, origin: Origin, *, now_us: int) -> bytes:
    """The document of a row that was read from the table itself."""
    told = source(table, origin) | {"snapshot": "true"}
    return _document("r", told, before=None, after=as_json(table.columns, row), now_us=now_us)


def epoch_document(epoch: str, origin: Origin, *, is_whole: bool, now_us: int) -> bytes:
    """The document, of a logical message, that what follows continues nothing that came before;
    or that the rows of the new epoch have all been told.
    """
    told = source(Table(schema="", name="", columns=()), origin)
    content = base64.b64encode(epoch.encode()).decode()
    document = {
        "op": "m", **_times(now_us), "source": told,
        "message": {"prefix": WHOLE_MESSAGE if is_whole else EPOCH_MESSAGE, "content": content},
    }  # fmt: skip
    return _to_json(document).encode()


def source(table: Table, origin: Origin) -> dict[str, Any]:
    """The block `source`."""
    begin, last = origin.begin, origin.last_commit_lsn
    return {
        "version": VERSION,
        "connector": "postgresql",
        "name": PREFIX,
        "ts_ms": begin.time_us // 1000,
        "snapshot": "false",
        "db": origin.database,
        "sequence": _to_json([None if last is None else str(last), str(origin.lsn)]),
        "ts_us": begin.time_us,
        "ts_ns": begin.time_us * 1000,
        "schema": table.schema,
        "table": table.name,
        "txId": begin.transaction,
        "lsn": origin.lsn,
        "xmin": None,
    }


def _document(op: str, told: dict[str, Any], *, before: Any, after: Any, now_us: int) -> bytes:
    document = {
        "before": before, "after": after, "source": told, "transaction": None, "op": op,
        **_times(now_us),
    }  # fmt: skip
    return _to_json(document).encode()


def _times(now_us: int) -> dict[str, int]:
    return {"ts_ms": now_us // 1000, "ts_us": now_us, "ts_ns": now_us * 1000}
