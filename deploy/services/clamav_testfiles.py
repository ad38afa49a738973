"""The harmless files that ClamAV tests itself with: a folder of the system's own."""

from pathlib import Path

from deploy.services.recipes import Service
from deploy.services.wire import USABLE

FOLDER = Path("/usr/share/clamav-testfiles")
PROGRAM = "clam.exe"
"""The one that all others hold, packed in some way."""


def program() -> str | None:
    """The path of the folder."""
    return str(FOLDER) if (FOLDER / PROGRAM).is_file() else None


SERVICE = Service(
    name="clamav-testfiles",
    title="ClamAV's test files",
    variable="CLAMAV_TESTFILES",
    url="",
    port=0,
    suites="needs_clamav_testfiles",
    probe=lambda _: USABLE,
    installed=lambda: None,
    program=program,
    packages=("clamav-testfiles",),
)
