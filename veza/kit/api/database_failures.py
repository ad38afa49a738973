"""What a failing database means to the client who asked: wait, ask for less, or it is taken."""

from dataclasses import dataclass

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError

QUERY_CANCELED = "57014"
UNIQUE_VIOLATION = "23505"


@dataclass(frozen=True, kw_only=True)
class Reading:
    status: int
    code: str
    detail: str


TIMEOUT = Reading(
    status=503, code="request_timeout", detail="The request took too long and was stopped."
)
UNAVAILABLE = Reading(
    status=503, code="database_unavailable", detail="The database does not answer; try again."
)
TAKEN = Reading(status=409, code="conflict", detail="Something with these values already exists.")
OUT_OF_RANGE = Reading(
    status=400, code="value_out_of_range", detail="A value is larger than can be stored."
)


def read_database_error(exc: BaseException | None) -> Reading | None:
    """None when `exc` does not come from the database, or is a bug of ours.

    Codes are PostgreSQL's SQLSTATE. Services turn a broken unique constraint into an error of
    their own; what they miss in a race is still the client's conflict and no fault of the server.
    """
    if not isinstance(exc, DatabaseError | InterfaceError):
        return None
    state = str(getattr(exc.__cause__, "sqlstate", "") or "")
    if state == QUERY_CANCELED:
        return TIMEOUT
    if isinstance(exc, OperationalError | InterfaceError):
        return UNAVAILABLE
    if isinstance(exc, IntegrityError) and state == UNIQUE_VIOLATION:
        return TAKEN
    return OUT_OF_RANGE if isinstance(exc, DataError) else None
