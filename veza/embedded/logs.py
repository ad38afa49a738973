"""The log file of one process: bounded in size, and followed for what people must hear of."""

import json
import shutil
from pathlib import Path

LARGEST_BYTES = 10 * 1024**2
LONGEST_READ = 256 * 1024
TOLD = {"warning", "error", "critical"}


class Log:
    """Written by the process itself in append mode, so it survives the supervisor."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch()
        self._read_up_to = path.stat().st_size

    def complaints(self) -> list[str]:
        """Warnings and errors logged as JSON since the last call, one line each."""
        size = self.path.stat().st_size
        if size < self._read_up_to:
            self._read_up_to = 0
        if size == self._read_up_to:
            return []
        with self.path.open("rb") as file:
            file.seek(self._read_up_to)
            whole, newline, _ = file.read(LONGEST_READ).rpartition(b"\n")
        self._read_up_to += len(whole) + len(newline)
        if not newline and size - self._read_up_to >= LONGEST_READ:
            self._read_up_to = size  # one endless line
        return [said for line in whole.splitlines() if (said := complaint(line))]

    def last_line(self) -> str:
        """The last line that is not empty, or ""."""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - LONGEST_READ))
            lines = file.read().decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def bound(self) -> None:
        """Past 10 MiB what was written becomes `<name>.log.1` and the file begins anew."""
        if self.path.stat().st_size > LARGEST_BYTES:
            shutil.copyfile(self.path, self.path.with_suffix(".log.1"))
            with self.path.open("r+b") as file:
                file.truncate(0)


def complaint(line: bytes) -> str:
    """What a line of JSON complains of, shortened; "" when it is not a warning or worse."""
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(entry, dict) or str(entry.get("level", "")).lower() not in TOLD:
        return ""
    said = " ".join(str(entry.get("event") or entry.get("message") or "").split())
    return said[:160]
