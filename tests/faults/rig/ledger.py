"""What was attempted: one line for each attempt, appended when its outcome is known, or not.

An outcome is `ok` (it was said to have happened), `fail` (it has surely not happened) or `info`
(nobody knows: the answer was cut off). Times are those of the machine's monotonic clock, which
all its processes share.
"""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Outcome = Literal["ok", "fail", "info"]


@dataclass(kw_only=True)
class Op:
    """One attempt to make a fact. `version` is the subject's, where it has one."""

    op_id: int
    t_call: float
    t_return: float = math.inf
    outcome: Outcome = "info"
    subject: str = ""
    version: int | None = None
    detail: str = ""


class Ledger:
    """Append-only: in memory, and in a file that other processes may write too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", buffering=1, encoding="utf-8")

    @contextmanager
    def op(self, op_id: int, *, subject: str) -> Iterator[Op]:
        """Note the attempt; what the block leaves in the outcome counts, also when it raises."""
        op = Op(op_id=op_id, t_call=time.monotonic(), subject=subject)
        self._append(op)  # it counts as attempted from here on, whatever happens to the writer
        try:
            yield op
        finally:
            op.t_return = time.monotonic()
            self._append(op)

    def close(self) -> None:
        self._file.close()

    def _append(self, op: Op) -> None:
        self._file.write(json.dumps(asdict(op)) + "\n")


def acknowledged(*paths: Path) -> int:
    """How many attempts were said to have happened."""
    return sum(op.outcome == "ok" for op in read(*paths).values())


def read(*paths: Path) -> dict[int, Op]:
    """All attempts of these ledgers; an attempt whose end was never noted is `info`."""
    found: dict[int, Op] = {}
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                op = Op(**json.loads(line))
            except ValueError:  # the writer was killed within the line
                continue
            found[op.op_id] = op
    for op in found.values():
        if op.outcome == "info":
            op.t_return = math.inf
    return found
