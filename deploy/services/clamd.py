"""clamd, with signatures made by hand: the real ones cannot be downloaded everywhere."""

import shutil
import socket
from pathlib import Path

from deploy.services.recipes import Launch, Recipe, Service
from deploy.services.wire import USABLE, Finding, converse, receive, taken

# In two parts, so that no scanner takes this file for the thing itself.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
STREAM_MAX = "4000M"
FILE_MAX = "2047M"


def signatures() -> str:
    """A database that knows the EICAR test file, wherever it stands, and nothing else: name,
    target, offset, hex.
    """
    return f"Eicar-Test-Signature:0:*:{EICAR.hex()}\n"


def probe(url: str) -> Finding:
    """zPING, answered by PONG."""
    return converse(url, _ping)


def _ping(connection: socket.socket) -> Finding:
    connection.sendall(b"zPING\0")
    answer = receive(connection, until=lambda answer: b"\0" in answer)
    return USABLE if answer == b"PONG\0" else taken("what listens there is not clamd")


def installed() -> Recipe | None:
    """clamd on the PATH, or where Debian puts it."""
    binary = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
    if not binary:
        return None

    def launch(directory: Path, port: int) -> Launch:
        config = directory / "clamd.conf"
        config.write_text(configuration(directory=directory, port=port))
        return Launch(argv=[binary, "--config-file", str(config)])

    return Recipe(name="clamd", origin="installed clamd", prepare=_prepare, launch=launch)


def _prepare(directory: Path) -> None:
    database = directory / "signatures"
    database.mkdir(exist_ok=True)
    (database / "veza.ndb").write_text(signatures())


def configuration(*, directory: Path, port: int) -> str:
    """It keeps the account that starts it: it reads our own directory and serves loopback only."""
    return "\n".join(
        [
            "Foreground yes",
            f"DatabaseDirectory {directory / 'signatures'}",
            f"TemporaryDirectory {directory}",
            f"TCPSocket {port}",
            "TCPAddr 127.0.0.1",
            f"StreamMaxLength {STREAM_MAX}",
            f"MaxScanSize {STREAM_MAX}",
            f"MaxFileSize {FILE_MAX}",
            "AlertExceedsMax yes",
            "MaxThreads 4",
            "SelfCheck 0",
            "",
        ]
    )


SERVICE = Service(
    name="clamd",
    title="clamd",
    variable="CLAMD_URL",
    url="tcp://127.0.0.1:{port}",
    port=3310,
    suites="needs_clamd",
    probe=probe,
    installed=installed,
    packages=("clamav-daemon",),
)
