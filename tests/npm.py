"""npm packages for tests, as a package-lock.json names them."""

import hashlib
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from django.conf import settings


def installed_packages(here: Path, *scripts: str) -> Path:
    """A folder with the packages that `here` locks, and the scripts.

    Parallel processes share it, so it appears whole, under a name made of what it holds, and is
    never written again: Node must not read a script that another process is copying.
    """
    sources = [here / name for name in ("package.json", "package-lock.json", *scripts)]
    content = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
    cache = Path(settings.BASE_DIR) / ".cache"
    folder = cache / f"{here.name}-{content.hexdigest()[:12]}"
    if folder.exists():
        return folder
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as making:
        for source in sources:
            shutil.copy(source, making)
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=making, check=True, capture_output=True,
        )  # fmt: skip
        with suppress(OSError):  # another process was first
            Path(making).rename(folder)
    return folder
