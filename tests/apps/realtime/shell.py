"""Services called beside the processes of an installation, as another process of it would.

`manage.py shell` takes seconds to start, and what tests ask of it milliseconds: one stays.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

_LOOP = """
import contextlib, io, json, sys, traceback
from django.db import connections
for line in sys.stdin:
    out, failed = io.StringIO(), ""
    with contextlib.redirect_stdout(out):
        try:
            exec(json.loads(line), {"__name__": "asked"})
        except Exception:
            failed = traceback.format_exc()
        connections.close_all()
    print(json.dumps({"printed": out.getvalue(), "failed": failed}), flush=True)
"""


@dataclass(kw_only=True)
class Shell:
    """One `manage.py shell`, started when it is first asked."""

    environment: Callable[[], dict[str, str]]
    log: Path
    _process: "subprocess.Popen[str] | None" = None

    def run(self, code: str) -> str:
        """What the code prints. It shares no names with what ran before."""
        process = self._process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(code) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, self.log.read_text()[-3000:]
        answer = json.loads(line)
        assert not answer["failed"], answer["failed"]
        return str(answer["printed"])

    def end(self) -> None:
        """Does nothing when it was never asked."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> "subprocess.Popen[str]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", "shell", "--no-imports", "-c", _LOOP],
                cwd=settings.BASE_DIR, env=self.environment(),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
