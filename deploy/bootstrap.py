#!/usr/bin/env python3
"""Make .venv and install exactly what deploy/requirements pins, checked by hash.

Needs Python 3.11 or newer and the package index that pip or uv is set up for, nothing else: no
root, no compiler. Does nothing when .venv is up to date; takes up where it was stopped.
"""

# An older python3 must be able to read this file as far as the sentence that refuses it,
# hence no newer syntax and no `list[str]` in annotations.
import argparse
import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

OLDEST = (3, 11)
VERSION = "{}.{}".format(*sys.version_info[:2])
NAMES = ("python3.13", "python3.12", "python3.11", "python3.14")
ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "deploy" / "requirements"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CACHE = ROOT / ".cache"
STAMP = VENV / ".installed"
UNFINISHED = VENV / ".unfinished"
DONE = ""
TELL_EVERY_S = 10
NEEDED_BYTES = {"runtime": 600 * 1024**2, "dev": 1100 * 1024**2}

REASONS = (
    (
        r"No space left on device|os error 28",
        "The disk is full: free about 1 GB where {root} lies (and where TMPDIR lies), then try "
        "again.",
    ),
    (
        r"DO NOT MATCH THE HASHES|[Hh]ash mismatch",
        "A package is not the file that deploy/requirements pins: the package index gave another "
        "one and nothing was installed; try again, and if it stays so check the index (see {log}).",
    ),
    (
        r"name resolution|NewConnectionError|Network is unreachable|Connection refused|dns error"
        r"|Could not connect|ConnectTimeout|Read timed out|ProxyError|Name or service not known"
        r"|error sending request|nodename nor servname|CERTIFICATE_VERIFY_FAILED",
        "The package index cannot be reached: check the network, or set PIP_INDEX_URL to an index "
        "that you can reach, then try again (see {log}).",
    ),
    (
        r"No matching distribution found for (?P<package>\S+)",
        "{package} has no ready-made package for Python {python} on this platform: install Python "
        "3.11, 3.12 or 3.13, or a C compiler with Python's headers, then try again.",
    ),
)


class SetupError(Exception):
    """The message is one sentence that says what to do."""


def main() -> None:
    """Parse the command line, find a Python that is new enough, and install."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--dev", action="store_true", help="also install what tests, linters and docs need"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        use_new_enough_python(sys.version_info[:2])
        bootstrap("dev" if options.dev else "runtime")
    except SetupError as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Run the same command again to go on.\n")
        sys.exit(130)
    except OSError as error:
        sys.exit(f"{error.filename or ROOT} cannot be written: {error.strerror}.")


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def use_new_enough_python(version: tuple) -> None:
    """Go on in a newer Python from the PATH when this one is too old. Raises SetupError."""
    if version >= OLDEST:
        return
    for name in NAMES:
        found = shutil.which(name)
        if found and _succeeds([found, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]):
            os.execv(  # noqa: S606 - no shell is wanted
                found, [found, str(Path(__file__).resolve()), *sys.argv[1:]]
            )
    raise SetupError(
        f"Veza needs Python 3.11 or newer and this is {version[0]}.{version[1]}: install a newer "
        "one (without root, for example with uv or pyenv) and run `make PYTHON=/path/to/it ...`."
    )


def bootstrap(kind: str) -> None:
    """Bring .venv to what `<kind>.txt` says, once at a time. Raises SetupError."""
    if is_up_to_date(kind):
        return
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "bootstrap.lock").open("a") as lock:
        _wait_for(lock)
        if is_up_to_date(kind):
            return
        _check_space(kind)
        tool = make_venv()
        install(kind, tool, lock.fileno())


def is_up_to_date(kind: str) -> bool:
    """Whether .venv was finished with these very requirements and its Python is still there."""
    try:
        known = STAMP.read_text(encoding="utf-8").split("\n")
    except OSError:
        return False
    return {_pin(kind), _interpreter()} <= set(known) and PYTHON.exists()


def _pin(kind: str) -> str:
    text = (REQUIREMENTS / (kind + ".txt")).read_bytes()
    return f"{kind} {hashlib.sha256(text).hexdigest()}"


def _interpreter() -> str:
    """The Python that .venv stands on: when it moves or is replaced, .venv is checked anew."""
    with contextlib.suppress(OSError):
        text = (VENV / "pyvenv.cfg").read_text(encoding="utf-8")
        version = re.search(r"^version(?:_info)? *= *(\S+)", text, re.MULTILINE)
        return f"python {version.group(1) if version else '?'} {PYTHON.resolve()}"
    return "no python"


def _wait_for(lock: IO) -> None:
    try:
        import fcntl  # noqa: PLC0415 - Windows has none
    except ImportError:
        raise SetupError("Veza runs on Linux and macOS; on Windows use it inside WSL.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another bootstrap is at work in this directory; waiting for it ...")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _check_space(kind: str) -> None:
    free = shutil.disk_usage(ROOT).free
    needed = 100 * 1024**2 if STAMP.exists() else NEEDED_BYTES[kind]
    if free < needed:
        raise SetupError(
            f"Too little space: {free // 1024**2} MB are free where {ROOT} lies and about "
            f"{needed // 1024**2} MB are needed; free some, then try again."
        )


def make_venv() -> list:
    """The command that installs into .venv, which exists afterwards. Raises SetupError.

    An environment in which an installation was cut off is made anew: a half-copied package looks
    like a whole one.
    """
    if UNFINISHED.exists() or not _succeeds([str(PYTHON), "-c", "import sys"]):
        say(f"Making .venv with Python {VERSION} ...")
        shutil.rmtree(VENV, ignore_errors=True)
        _make_empty_venv()
    UNFINISHED.touch()
    if _succeeds([str(PYTHON), "-m", "pip", "--version"]):
        return [str(PYTHON), "-m", "pip"]
    if _succeeds([sys.executable, "-m", "pip", "--python", str(PYTHON), "--version"]):
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if _find_uv():
        return []
    raise SetupError(
        "This Python has no pip: install uv (a single program, no root needed) or, as root, the "
        "package python3-venv, then try again."
    )


def _make_empty_venv() -> None:
    uv = _find_uv()
    ways = [[sys.executable, "-m", "venv", str(VENV)]]
    if uv:
        ways.append([uv, "venv", "--python", sys.executable, str(VENV)])
    ways.append([sys.executable, "-m", "virtualenv", str(VENV)])
    ways.append([sys.executable, "-m", "venv", "--without-pip", str(VENV)])
    for way in ways:
        if _succeeds(way) and PYTHON.exists():
            return
        shutil.rmtree(VENV, ignore_errors=True)
    raise SetupError(
        f"This Python cannot make a virtual environment: run `{sys.executable} -m pip install "
        "--user virtualenv`, or as root install python3-venv, then try again."
    )


def _find_uv() -> str:
    uv = shutil.which("uv")
    return uv if uv and _succeeds([uv, "--version"]) else ""


def install(kind: str, pip: list, lock: int) -> None:
    """Install `<kind>.txt` with uv where that works, else with pip. Raises SetupError."""
    path = REQUIREMENTS / (kind + ".txt")
    began = time.monotonic()
    progress = Progress(_count(path), lock)
    failure = ""
    for command in _commands(path, pip):
        UNFINISHED.touch()
        output = progress.run(command)
        if output == DONE:
            _finish(kind)
            say(f"Installed into .venv in {time.monotonic() - began:.0f} s.")
            return
        failure = explain(output)
        if "Installing collected" not in output:
            UNFINISHED.unlink(missing_ok=True)  # nothing had been copied yet
        if command[0] == str(PYTHON) and "has no ready-made package" not in failure:
            break
    raise SetupError(failure)


def _commands(path: Path, pip: list) -> list:
    """What to try, in this order. Wheels first, so that a missing compiler cannot matter."""
    what = ["--require-hashes", "--no-deps", "-r", str(path)]
    wheels = ["--only-binary", ":all:"]
    commands = []
    uv = _find_uv()
    if uv:
        commands.append([uv, "pip", "install", "--python", str(PYTHON), *wheels, *what])
    if pip:
        quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
        install_with_pip = [*pip, "install", *quiet, "--retries", "2"]
        commands.append([*install_with_pip, *wheels, *what])
        commands.append([*install_with_pip, *what])  # for a package that has only sources
    return commands


def _count(path: Path) -> int:
    return len(re.findall(r"^[a-z0-9].*==", path.read_text(encoding="utf-8"), re.MULTILINE))


def _finish(kind: str) -> None:
    kinds = ["runtime", "dev"] if kind == "dev" else ["runtime"]
    draft = VENV / ".installed.new"
    draft.write_text("\n".join([*map(_pin, kinds), _interpreter(), ""]), encoding="utf-8")
    UNFINISHED.unlink()
    draft.replace(STAMP)


def explain(output: str) -> str:
    """One sentence for what a failed installation printed."""
    log = CACHE / "bootstrap.log"
    for pattern, sentence in REASONS:
        found = re.search(pattern, output)
        if found:
            return sentence.format(root=ROOT, log=log, python=VERSION, **found.groupdict())
    lines = [line for line in output.split("\n") if line.strip()]
    said = next((line for line in reversed(lines) if "rror" in line), lines[-1])
    return f"The packages could not be installed: {said.strip()} (see {log})."


class Progress:
    """Runs installers and tells in a line what they are at."""

    def __init__(self, total: int, lock: int) -> None:
        self.total = total
        self.lock = lock
        self.seen = 0
        self.told_at = 0.0

    def run(self, command: list) -> str:
        """DONE, or all that was printed when the command failed."""
        self.seen = 0
        self.tell(f"Fetching {self.total} packages ...", lasting=True)
        env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "PYTHONUNBUFFERED": "1"}
        printed: list = []
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            universal_newlines=True, errors="replace", env=env, cwd=str(ROOT),
            pass_fds=[self.lock],  # so that the lock outlives us if we are killed and pip is not
        ) as process:  # fmt: skip
            try:
                for line in process.stdout or ():
                    printed.append(line)
                    self.watch(line)
            except KeyboardInterrupt:
                process.terminate()
                raise
        self.clear()
        (CACHE / "bootstrap.log").write_text("".join(printed), encoding="utf-8")
        return DONE if process.returncode == 0 else "".join(printed) or "it said nothing"

    def watch(self, line: str) -> None:
        found = re.match(r"\s*(?:Collecting|Requirement already satisfied:) (\S+?)==", line)
        if found:
            self.seen += 1
            self.tell(f"Fetching package {self.seen} of about {self.total}: {found.group(1)}")
        elif line.startswith("Installing collected"):
            self.tell("Installing them ...", lasting=True)
        elif "Building wheel" in line:
            self.tell("Building a package from its source ...", lasting=True)

    def tell(self, text: str, lasting: bool = False) -> None:
        """On a terminal the line is overwritten by the next; elsewhere only lasting ones appear."""
        now = time.monotonic()
        if sys.stdout.isatty():
            sys.stdout.write("\r\033[K" + text[:78])
            sys.stdout.flush()
        elif lasting or now - self.told_at > TELL_EVERY_S:
            say(text)
            self.told_at = now

    def clear(self) -> None:
        if sys.stdout.isatty():
            sys.stdout.write("\r\033[K")
            sys.stdout.flush()


def _succeeds(command: list) -> bool:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except OSError:
        return False
    return done.returncode == 0


def say(text: str) -> None:
    """Tell at once, also into a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
