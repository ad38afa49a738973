"""`python deploy/services COMMAND`: runs itself under .venv, where the wheels are."""

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV_PYTHON = ROOT / ".venv" / "bin" / "python"


def main() -> int:
    sys.path[0] = str(ROOT)
    if importlib.util.find_spec("psycopg") is None:
        if not VENV_PYTHON.exists() or Path(sys.prefix) == ROOT / ".venv":
            return _fail("The environment .venv is not complete: run `make setup` first.")
        os.execv(VENV_PYTHON, [str(VENV_PYTHON), str(Path(__file__).parent), *sys.argv[1:]])  # noqa: S606
    from deploy.services import cli  # noqa: PLC0415 - only now can it be imported

    return cli.main(sys.argv[1:], environ=os.environ)


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
