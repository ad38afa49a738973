"""What tells whether a file is safe to keep.

It fails closed: only a scanner's plain "OK" over the whole file is clean. Whatever else happens is
an error, and a file whose scan ended in an error was not scanned.
"""

from dataclasses import dataclass
from typing import IO, Protocol

from veza.kit.errors import UpstreamError


class AntivirusUnavailableError(UpstreamError):
    """There is no verdict: the scanner does not answer, or not clearly. Try again later."""

    code = "antivirus_unavailable"
    message = "The antivirus does not answer."


class ScanLimitError(AntivirusUnavailableError):
    """The scanner is not set up for files of this size: trying again will not help."""

    code = "antivirus_limit"
    message = "The file is larger than the antivirus is set up to scan."


class ScanCutError(AntivirusUnavailableError):
    """The scanner hung up in the middle of the file and gave no reason: it was restarted, or does
    not like this file. A few more tries tell which.
    """

    code = "antivirus_cut"
    message = "The antivirus hung up in the middle of the file."


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the scanner says of a file; `signature` names what was found in it."""

    is_clean: bool
    signature: str = ""


class Antivirus(Protocol):
    """Blocking calls, minutes for a large file: never in a transaction.

    One instance serves all threads of a process.
    """

    knows_real_threats: bool

    def scan(self, stream: IO[bytes]) -> Verdict:
        """Read `stream` from where it stands to its end; it stays open.

        Raises AntivirusUnavailableError. What reading the stream raises passes through.
        """
        ...

    def version(self) -> str:
        """What the scanner calls itself, found out quickly. Raises AntivirusUnavailableError."""
        ...
