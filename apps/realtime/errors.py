"""Expected failures of realtime."""

from veza.kit.errors import (
    GoneError,
    InvalidError,
    NotFoundError,
    UnauthenticatedError,
    UpstreamError,
)


class TokenInvalidError(UnauthenticatedError):
    """No token of ours, one for another purpose, or one that was revoked: close 3500."""

    code = "token_invalid"
    message = "The token is not valid. Sign in again."


class TokenExpiredError(UnauthenticatedError):
    """It was a good token, and its time is over: a new one helps."""

    code = "token_expired"
    message = "The token has expired. Refresh it or sign in again."


class RoomNotFoundError(NotFoundError):
    """There is no such room, or this viewer may not join it: nobody learns which."""

    code = "room_not_found"
    message = "There is no such room."


class TooManyRoomsError(InvalidError):
    """More rooms than one connection may watch."""

    code = "too_many_rooms"
    message = "Name at most 128 rooms at once."


class TwoLogsError(InvalidError):
    """One place cannot be resumed from in two logs."""

    code = "rooms_of_two_logs"
    message = "Rooms of facts and rooms of rounds are watched on streams of their own."


class CursorLostError(GoneError):
    """What followed a place in the log is not known any more; `details` say why, and the head."""

    code = "cursor_lost"
    message = "What followed this place is not known any more; read anew and begin without `after`."


class LogUnavailableError(UpstreamError):
    """The log does not answer: what was missed is not lost, and can be asked for again soon."""

    code = "log_unavailable"
    message = "The log of facts does not answer; ask again in a moment."


class WebTransportUnavailableError(UpstreamError):
    """No WebTransport server runs here, now or at all: other transports say the same."""

    code = "webtransport_unavailable"
    message = "WebTransport is not served here now; use a WebSocket or the stream of events."
