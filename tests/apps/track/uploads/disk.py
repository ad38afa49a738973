"""What an installation has of an upload: its row, its facts, its bytes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.apps.realtime.live import Live

_ROW = "SELECT state, offset_bytes, size_bytes, sha256, key FROM track_upload WHERE id = %s"
# In one statement: the relay moves them from one table to the other.
_FACTS = " UNION ALL ".join(
    f"SELECT payload FROM {table} WHERE type = 'upload.finished' AND aggregateid = %s"  # noqa: S608
    for table in ("events_log", "events_outbox")
)


@dataclass(frozen=True, kw_only=True)
class Row:
    state: str
    offset_bytes: int
    size_bytes: int
    sha256: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Disk:
    live: Live

    @property
    def root(self) -> Path:
        return self.live.folder / "storage"

    def row(self, path: str) -> Row | None:
        """The row of the upload at this path."""
        found = self.live.query(_ROW, _id(path))
        names = ("state", "offset_bytes", "size_bytes", "sha256", "key")
        return Row(**dict(zip(names, found[0], strict=True))) if found else None

    def content(self, path: str) -> bytes:
        """Of the finished object."""
        row = self.row(path)
        assert row is not None
        assert row.state == "finished"
        return (self.root / row.key).read_bytes()

    def facts(self, path: str) -> list[dict[str, Any]]:
        """`upload.finished` of this upload."""
        return [payload for (payload,) in self.live.query(_FACTS, _id(path), _id(path))]

    def staged(self, path: str) -> list[Path]:
        """Pieces that lie there."""
        return sorted((self.root / ".uploads").glob(f"*{_id(path)}*"))


def _id(path: str) -> str:
    return path.rpartition("/")[2]
