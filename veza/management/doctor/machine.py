"""The machine that this runs on: room, limits, clock, libraries."""

import platform
import re
import resource
import shutil
import stat
from importlib import metadata

import av
from django.conf import settings
from django.db import connection
from django.utils import timezone

from veza.embedded import processes, state
from veza.management.doctor.finding import Finding, fault, off, ok, warning

GIB = 1024**3
LEAST_FREE_BYTES, FEW_FREE_BYTES = GIB // 5, 5 * GIB
FEW_FILES, ENOUGH_FILES = 1_024, 10_000
CLOCK_OFF_S = 2.0
LOCKED = settings.BASE_DIR / "deploy" / "requirements" / "runtime.txt"
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)
CODECS = {"aac": "w", "mp3": "r", "flac": "r", "opus": "r", "vorbis": "r", "alac": "r"}


def check_python() -> Finding:
    """Python, and the codecs that make tracks."""
    missing = [name for name, mode in CODECS.items() if not _has(name, mode)]
    if missing:
        return fault(
            f"FFmpeg's libraries lack {', '.join(missing)}.",
            mend="Install the wheel of PyAV (`pip install --force-reinstall av`), not a build.",
        )
    return ok(f"Python {platform.python_version()}, PyAV {av.__version__}; no ffmpeg is needed")


def check_packages() -> Finding:
    """Those that this version was tested with: an update of the code may want others."""
    if not LOCKED.exists():
        return off("Not run from a checkout.")
    wanted: dict[str, set[str]] = {}
    for name, version in PINNED.findall(LOCKED.read_text()):
        wanted.setdefault(name, set()).add(version)
    found = {name: _installed(name) for name in wanted}
    other = [name for name, version in found.items() if version and version not in wanted[name]]
    if other:
        detail = f"{other[0]} is {found[other[0]]}, not {' or '.join(sorted(wanted[other[0]]))}."
        more = f" And {len(other) - 1} more." if len(other) > 1 else ""
        return warning(detail + more, mend="Run `make setup`.")
    return ok(f"{len(wanted)} as locked")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # of another platform, or of an extra
        return None


def _has(name: str, mode: str) -> bool:
    try:
        av.Codec(name, mode)  # type: ignore[arg-type] # "r" or "w"
    except av.codec.codec.UnknownCodecError:
        return False
    return True


def check_disk() -> Finding:
    """Room in the data directory."""
    free = shutil.disk_usage(settings.DATA_DIR).free
    detail = f"{free / GIB:.1f} GiB free"
    where = "Free some room where VEZA_DATA_DIR lies, or move it to a larger disk."
    if free < LEAST_FREE_BYTES:
        return fault(detail, mend=where)
    return warning(detail, mend=where) if free < FEW_FREE_BYTES else ok(detail)


def check_data_dir() -> Finding:
    """Nobody else reads the secrets that lie there."""
    secrets = settings.DATA_DIR / "secrets.json"
    if secrets.exists() and secrets.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return fault(
            "Others on this machine can read secrets.json.",
            mend=f"Run `chmod 600 {secrets}` and make new secrets if somebody may have.",
        )
    return ok(str(settings.DATA_DIR))


def check_file_limit() -> Finding:
    """Each connection of a client is a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    detail = f"{soft:,} open files a process"
    mend = f"Raise it: `ulimit -n {ENOUGH_FILES}`, or LimitNOFILE= in the unit (at most {hard:,})."
    if soft < FEW_FILES:
        return fault(detail, mend=mend)
    return warning(detail, mend=mend) if soft < ENOUGH_FILES else ok(detail)


def check_clock() -> Finding:
    """Tokens, codes and plays go by the clock; the database's is compared with ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM clock_timestamp() - %s::timestamptz)", [timezone.now()]
        )
        apart_s = abs(float(cursor.fetchone()[0]))
    detail = f"{apart_s:.2f} s apart from the database's"
    if apart_s > CLOCK_OFF_S:
        return fault(detail, mend="Set the clocks of both machines by NTP (chrony, timesyncd).")
    return ok(detail)


def check_processes() -> Finding:
    """Those that `manage.py up` supervises; elsewhere they are somebody else's."""
    entries = state.read_processes(settings.DATA_DIR)
    if not entries:
        mend = "Start them: `make run`, or each `manage.py` role under your own supervisor."
        if settings.VEZA_ENV == "production":
            return off("Not started by `manage.py up`; see the checks of relay, capture, workers.")
        return fault("Nothing runs in this data directory.", mend=mend)
    dead = [each["name"] for each in entries if not processes.birth(each["pid"])]
    if dead:
        return fault(
            f"{', '.join(dead)} died and did not come back.",
            mend=f"Read {settings.DATA_DIR / 'logs'} and start `manage.py up` again.",
        )
    return ok(", ".join(each["name"] for each in entries))
