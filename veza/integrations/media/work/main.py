"""The process that touches files: run as a script, one job, one file, then it ends.

The order comes as a line of JSON on standard input, the file as an open descriptor. Answers are
lines of JSON on standard output: `{"progress": 0.5}`, then `{"result": ...}` or
`{"refused": code, "detail": ...}`. Neither settings nor environment reach it.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve()
PACKAGE = "veza.integrations.media"


def main() -> None:
    """Its parent's paths are ours; only then is there something to import."""
    order = json.loads(sys.stdin.readline())
    sys.path[:] = order["sys_path"]
    # The package's own __init__ is for the application and loads Django, which takes its time.
    door = ModuleType(PACKAGE)
    door.__path__ = [str(HERE.parents[1])]
    sys.modules[PACKAGE] = door
    import_module(f"{PACKAGE}.work.worker").obey(order)


if __name__ == "__main__":
    main()
