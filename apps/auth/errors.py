"""What can go wrong with accounts, by the codes that clients see."""

from veza.kit.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ThrottledError,
    UnauthenticatedError,
)


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


class OtpRequiredError(UnauthenticatedError):
    """The password was right, and the account has a second factor."""

    code = "otp_required"
    message = "This account has a second factor: send a code of it, too."


class OtpInvalidError(UnauthenticatedError):
    """A wrong code, or one that was used before."""

    code = "otp_invalid"
    message = "The code is wrong, or was used already. Wait for the next one."


class OtpLockedError(ThrottledError):
    """Too many wrong codes in a row; a recovery code still works."""

    code = "otp_locked"
    message = "Too many wrong codes. Wait, or use a recovery code."


class TwoFactorOnError(ConflictError):
    """There is a second factor already."""

    code = "two_factor_on"
    message = "The second factor is on already. Turn it off before you set up another."


class TwoFactorOffError(ConflictError):
    """There is no second factor, or nothing to confirm."""

    code = "two_factor_off"
    message = "No second factor is set up here."


class StepUpRequiredError(ForbiddenError):
    """This session has not proven lately who sits there."""

    code = "step_up_required"
    message = "Prove that it is you: POST /api/v1/auth/step-up, then try again."


class PasskeyInvalidError(UnauthenticatedError):
    """The same words whatever is wrong with it: unknown, of another site, too late, a copy."""

    code = "passkey_invalid"
    message = "This passkey was not accepted. Begin anew."


class PasskeyRefusedError(InvalidError):
    """What the authenticator sent is no answer to our challenge."""

    code = "passkey_refused"
    message = "This passkey could not be registered. Begin anew."


class PasskeyExistsError(ConflictError):
    """An authenticator is registered once."""

    code = "passkey_exists"
    message = "This passkey is registered already."


class PasskeyLimitError(ConflictError):
    """More would be no help to anyone."""

    code = "passkey_limit"
    message = "This account has as many passkeys as it may have. Remove one."


class PasskeyNotFoundError(NotFoundError):
    """There is no such passkey, or it is somebody else's."""

    code = "passkey_not_found"
    message = "There is no such passkey."
