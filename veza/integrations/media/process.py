"""A process for one job, and the talk with it. Whatever it does, this side goes on."""

import json
import logging
import os
import selectors
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings

from veza.integrations.media.port import (
    CorruptError,
    MediaInvalidError,
    MediaUnavailableError,
    NotAudioError,
    Progress,
    TooLongError,
)
from veza.kit.errors import StorageFullError

logger = logging.getLogger(__name__)

SCRIPT = Path(__file__).parent / "work" / "main.py"
POLL_S = 0.002
QUIET_S = 20.0  # a worker that has come no further for so long hangs
MAX_LINE_BYTES = 16 * 1024**2
READ_BYTES = 65536
KEPT_ERRORS = 2000
REFUSALS: dict[str, type[MediaInvalidError]] = {
    each.code: each for each in (CorruptError, NotAudioError, TooLongError)
}
# One thread each, and no names that could lead anywhere.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
STOPPED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run(job: str, path: Path, *, progress: Progress, **arguments: object) -> Any:
    """The job's result. Raises MediaInvalidError, MediaUnavailableError, StorageFullError."""
    with _regular_file(path) as file, _worker(file) as worker:
        order = {
            "job": job,
            "file": file,
            "arguments": arguments,
            "parent": os.getpid(),
            "sys_path": [str(Path(each).resolve()) for each in sys.path if each],
            "timeout_s": settings.MEDIA_TIMEOUT_S,
            "memory_bytes": settings.MEDIA_MEMORY_BYTES,
            "max_duration_s": settings.MEDIA_MAX_DURATION_S,
        }
        return _Talk(worker, progress).hold(order)


@contextmanager
def _regular_file(path: Path) -> Iterator[int]:
    """A descriptor of it: what is no file (a pipe, a device) has no end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as fault:
        raise MediaUnavailableError from fault
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAudioError
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _worker(file: int) -> Iterator[subprocess.Popen[bytes]]:
    try:
        worker = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[file],
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError as fault:
        raise MediaUnavailableError from fault
    with worker:
        try:
            yield worker
        finally:
            with suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)


class _Talk:
    """One order, lines of answer, and the end of the worker, which tells as much."""

    def __init__(self, worker: subprocess.Popen[bytes], progress: Progress) -> None:
        self._worker = worker
        self._progress = progress
        self._told = 0.0
        self._is_ready = False
        self._line = b""
        self._errors = b""
        self._answer: dict[str, Any] = {}
        self._deadline = time.monotonic() + settings.MEDIA_TIMEOUT_S
        self._moved_at = time.monotonic()

    def hold(self, order: dict[str, Any]) -> Any:
        with suppress(BrokenPipeError):
            assert self._worker.stdin  # noqa: S101
            self._worker.stdin.write(json.dumps(order).encode() + b"\n")
            self._worker.stdin.flush()
        self._listen()
        status = self._status()
        if "refused" in self._answer:
            raise self._refusal()
        if "result" in self._answer and status == 0:
            self._progress(1.0)
            return self._answer["result"]
        raise self._explained(status)

    def _listen(self) -> None:
        """Until it has closed both pipes, or has to be stopped."""
        readers: dict[int, Callable[[bytes], None]] = {}
        with selectors.DefaultSelector() as selector:
            for pipe, take in (
                (self._worker.stdout, self._hear),
                (self._worker.stderr, self._note),
            ):
                assert pipe  # noqa: S101
                selector.register(pipe, selectors.EVENT_READ)
                readers[pipe.fileno()] = take
            while readers:
                for key, _ in selector.select(self._patience()):
                    if more := os.read(key.fd, READ_BYTES):
                        readers[key.fd](more)
                    else:
                        selector.unregister(key.fileobj)
                        del readers[key.fd]

    def _patience(self) -> float:
        left = min(self._deadline, self._moved_at + QUIET_S) - time.monotonic()
        if left <= 0:
            raise CorruptError("The file takes longer to read than it may.")
        return left

    def _hear(self, more: bytes) -> None:
        self._line += more
        while b"\n" in self._line:
            line, _, self._line = self._line.partition(b"\n")
            self._understand(line)
        if len(self._line) > MAX_LINE_BYTES:
            raise CorruptError

    def _understand(self, line: bytes) -> None:
        try:
            said = json.loads(line)
            fraction = float(said.get("progress", 0.0))
        except (ValueError, TypeError, AttributeError):
            raise CorruptError from None
        if "progress" in said:
            self._tell(fraction)
        elif "ready" in said:
            self._is_ready = True
        else:
            self._answer = said

    def _tell(self, fraction: float) -> None:
        if fraction > self._told:
            self._moved_at = time.monotonic()
            self._told = fraction
            self._progress(min(fraction, 0.99))

    def _note(self, more: bytes) -> None:
        self._errors = (self._errors + more)[-KEPT_ERRORS:]

    def _status(self) -> int:
        """How it ended. It stays a zombie: its number is its own when its group is killed."""
        deadline = time.monotonic() + QUIET_S
        while time.monotonic() < deadline:
            ended = os.waitid(os.P_PID, self._worker.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            if ended:
                is_own = ended.si_code == os.CLD_EXITED
                return ended.si_status if is_own else -ended.si_status
            time.sleep(POLL_S)
        raise CorruptError("The file takes longer to read than it may.")

    def _refusal(self) -> Exception:
        code = self._answer["refused"]
        if code == StorageFullError.code:
            return StorageFullError()
        return REFUSALS.get(code, CorruptError)(str(self._answer.get("detail", "")))

    def _explained(self, status: int) -> Exception:
        logger.warning(
            "media_worker_died status=%s said=%s", status, self._errors.decode("utf-8", "replace")
        )
        # It had not looked at the file yet; or somebody stopped it: the machine goes down, say.
        if not self._is_ready or -status in STOPPED:
            return MediaUnavailableError()
        if status < 0:
            return CorruptError("The file cannot be read within the limits of memory and time.")
        return CorruptError("The file cannot be read.")
