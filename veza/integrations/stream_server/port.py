"""A stream server: it fetches a file, makes a stream of it, and reports by a signed call."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from veza.kit.errors import UpstreamError


class StreamServerUnavailableError(UpstreamError):
    """It does not answer, or does not take the job. Try again later."""

    code = "stream_server_unavailable"
    message = "The stream server does not answer."


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A file to be made a stream of. Both addresses are absolute; that of the source is signed,
    and expires.
    """

    track_id: UUID
    version: int
    source_url: str
    callback_url: str


class StreamServer(Protocol):
    """Blocking calls of a few seconds: never in a transaction.

    One instance serves all threads of a process.
    """

    def submit(self, job: Job) -> None:
        """Have it done. Track and version name the job: one that comes again is the same one.

        Raises StreamServerUnavailableError.
        """
        ...

    def check(self) -> None:
        """Whether it can be reached, found out quickly. Raises StreamServerUnavailableError."""
        ...
