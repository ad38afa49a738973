"""Documents as Debezium's PostgreSQL connector writes them, wrapped in their schema or not."""

import json
from typing import Any

GAME_ID = "0193a1b2-0000-7000-8000-000000000001"
COMMIT_MS = 1_790_000_000_000


def row(number: int, *, game: str = GAME_ID, extras: str = "{}", at: str = "") -> dict[str, Any]:
    """A round as the connector has it: jsonb is a string, timestamptz an ISO time in UTC."""
    at = at or f"2026-11-21T10:00:00.{number:06}Z"
    return {"id": number, "game_id": game, "finished_at": at, "extras": extras}


def document(
    op: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    sequence: tuple[int | None, int] = (None, 8),
    wrapped: bool = False,
) -> bytes:
    """The value of one record; `sequence` is the end of the last commit and the change's place."""
    last, lsn = sequence
    payload = {
        "before": before,
        "after": after,
        "source": {
            "version": "3.6.3.Final", "connector": "postgresql", "name": "veza",
            "ts_ms": COMMIT_MS, "snapshot": "true" if op == "r" else "false", "db": "veza",
            "sequence": json.dumps([None if last is None else str(last), str(lsn)]),
            "ts_us": COMMIT_MS * 1000, "ts_ns": COMMIT_MS * 1_000_000, "schema": "public",
            "table": "datastream_round", "txId": 771, "lsn": lsn, "xmin": None,
            "origin": None, "origin_lsn": None,
        },
        "transaction": None, "op": op, "ts_ms": COMMIT_MS + 3, "ts_us": COMMIT_MS * 1000 + 3000,
        "ts_ns": COMMIT_MS * 1_000_000 + 3_000_000,
    }  # fmt: skip
    if not wrapped:
        return json.dumps(payload).encode()
    schema = {"type": "struct", "optional": False, "name": "veza.public.datastream_round.Envelope"}
    return json.dumps({"schema": schema, "payload": payload}).encode()
