"""What can go wrong with accounts, by the codes that clients see."""

from veza.kit.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ThrottledError,
    UnauthenticatedError,
    UpstreamError,
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


class WeakPasswordError(InvalidError):
    """`fields` says what is wrong with the password."""


class UserNotFoundError(NotFoundError):
    """There is no such user."""

    code = "user_not_found"
    message = "There is no such user."


class SessionNotFoundError(NotFoundError):
    """There is no such session."""

    code = "session_not_found"
    message = "There is no such session."


class OwnAccountError(ForbiddenError):
    """Staff do to others what they may not do to themselves."""

    code = "own_account"
    message = "Nobody does this to his own account. Ask somebody else."


class AdminNeededError(ForbiddenError):
    """Staff are made, helped and unmade by admins."""

    code = "admin_needed"
    message = "This concerns staff, so only an admin may do it."


class LastAdminError(ConflictError):
    """Nobody could give roles to staff any more."""

    code = "last_admin"
    message = "This is the only admin. Make somebody else an admin first."


class MachineStaffError(ForbiddenError):
    """Staff sign in with a second factor; programs do not sign in."""

    code = "machine_staff"
    message = "A program cannot be an operator or an admin."


class RoleFixedError(ConflictError):
    """An admin who took it away could not give it back."""

    code = "role_fixed"
    message = "The role admin always has every permission."


class PermissionUnknownError(InvalidError):
    """No code asks for it."""

    code = "permission_unknown"
    message = "There is no such permission."


class ErasureNotRequestedError(ConflictError):
    """There is nothing to cancel."""

    code = "erasure_not_requested"
    message = "Nobody has asked for the erasure of this account."


class MachineNameTakenError(ConflictError):
    """A person or another program has the name."""

    code = "machine_name_taken"
    message = "This name belongs to somebody else."


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


class KeyInvalidError(InvalidError):
    """The same words whatever is wrong with it: used, too old, of another state, never ours."""

    code = "key_invalid"
    message = "This link was used, is too old, or is incomplete. Ask for a new one."


class EmailNotVerifiedError(ForbiddenError):
    """What moves money or gives programs access needs an address that is surely his."""

    code = "email_not_verified"
    message = "Verify your e-mail address first."


class ScopeMissingError(ForbiddenError):
    """The access token was made for less (RFC 6750 3.1, insufficient_scope)."""

    code = "insufficient_scope"
    message = "This access token has no scope for that."


class AccessTokenNotFoundError(NotFoundError):
    """There is no such access token, or it is somebody else's."""

    code = "access_token_not_found"
    message = "There is no such access token."


class AccessTokenLimitError(ConflictError):
    """More than anyone could keep in mind."""

    code = "access_token_limit"
    message = "This account has as many access tokens as it may have. Revoke one."


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


class SocialProviderUnknownError(NotFoundError):
    """No provider of this name is set up."""

    code = "social_provider_unknown"
    message = "There is no such provider to sign in by."


class RedirectUriError(InvalidError):
    """The address is not one of OIDC_REDIRECT_URIS."""


class SocialStateError(UnauthenticatedError):
    """The same words whatever is wrong: unknown, used, too late, another browser's or person's."""

    code = "social_state_invalid"
    message = "This sign-in was not begun here, or is over. Begin anew."


class SocialRefusedError(UnauthenticatedError):
    """The provider vouches for nobody by what was sent."""

    code = "social_refused"
    message = "The provider did not confirm who you are. Begin anew."


class SocialAddressMissingError(SocialRefusedError):
    """An account needs an address, and the provider tells none."""

    message = "The provider tells no e-mail address, so no account can be made. Register here."


class SocialProviderAwayError(UpstreamError):
    """The provider does not answer, or not as one."""

    code = "social_provider_away"
    message = "The provider does not answer. Try again, or sign in another way."


class AccountExistsError(ConflictError):
    """Who has an address at a provider does not thereby own the account with that address."""

    code = "account_exists"
    message = "This e-mail address has an account. Sign in to it, then link the provider."


class IdentityTakenError(AccountExistsError):
    """Somebody else signs in by it."""

    message = "Another account is linked with this login. Sign in by it, and unlink it there."


class IdentityNotFoundError(NotFoundError):
    """There is no such link, or it is somebody else's."""

    code = "social_identity_not_found"
    message = "There is no such linked login."


class LastCredentialError(ConflictError):
    """Nobody could sign in to the account any more."""

    code = "last_credential"
    message = "This is the only way to sign in. Add another one first."
