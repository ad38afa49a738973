"""Pin every dependency, with hashes, for all supported Pythons and platforms.

Writes deploy/requirements/runtime.txt (what the product runs on) and dev.txt (the same versions,
plus tests, linters and docs). The files name no index, so that any mirror serves them.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "deploy" / "requirements"
COMPILE = [
    "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade",
    "--no-header", "--no-emit-index-url", "--no-emit-find-links", "--quiet",
    "--prerelease", "if-necessary-or-explicit",
    "--extra", "embedded", "--extra", "otel", "--extra", "geo",
]  # fmt: skip


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    uv = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".venv" / "bin"))
    if uv is None:
        sys.exit("uv is missing: run `.venv/bin/python -m pip install uv`, then try again.")
    _compile(uv, "runtime.txt")
    _compile(uv, "dev.txt", "--group", "dev", "--constraint", "deploy/requirements/runtime.txt")


def _compile(uv: str, name: str, *options: str) -> None:
    print(f"Resolving deploy/requirements/{name} ...", flush=True)
    target = str((REQUIREMENTS / name).relative_to(ROOT))
    subprocess.run(
        [uv, *COMPILE, *options, "pyproject.toml", "--output-file", target],
        cwd=ROOT,
        check=True,
        env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
    )


if __name__ == "__main__":
    main()
