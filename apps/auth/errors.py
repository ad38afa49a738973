"""What can go wrong with accounts, by the codes that clients see."""

from veza.kit.errors import ConflictError, InvalidError, NotFoundError, UnauthenticatedError


class TokenInvalidError(UnauthenticatedError):
    """No token of ours, one for another purpose, or one that was revoked (RFC 6750 3.1)."""

    code = "token_invalid"
    message = "The token is not valid. Sign in again."


class TokenExpiredError(UnauthenticatedError):
    """It was a good token, and its time is over."""

    code = "token_expired"
    message = "The token has expired. Refresh it or sign in again."


class CredentialsError(UnauthenticatedError):
    """The same words whether or not the account exists, is active, or has a password."""

    code = "invalid_credentials"
    message = "The name or the password is wrong."


class RefreshReusedError(UnauthenticatedError):
    """An old refresh token came back: someone else may hold it, so its session has ended."""

    code = "refresh_reused"
    message = "This refresh token was used before, so its session has ended. Sign in again."


class RegistrationError(InvalidError):
    """`fields` names each field that is taken or too weak."""


class UserNotFoundError(NotFoundError):
    """There is no such user."""

    code = "user_not_found"
    message = "There is no such user."


class SessionNotFoundError(NotFoundError):
    """There is no such session."""

    code = "session_not_found"
    message = "There is no such session."


class DemoNameTakenError(ConflictError):
    """Someone else has the name of a demo account."""

    code = "demo_name_taken"
    message = "A demo account's name belongs to someone else."
