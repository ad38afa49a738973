"""An account keeps a way in, and only for its owner."""

from apps.auth.errors import LastCredentialError
from apps.auth.models import Passkey, RecoveryCode, SecondFactor, SocialIdentity, User
from apps.auth.selectors import ways_to_sign_in


def require_way_to_sign_in(user: User) -> None:
    """For who has just removed one, in the same transaction and under the lock of the user's row.

    Raises LastCredentialError.
    """
    if ways_to_sign_in(user) == 0:
        raise LastCredentialError


def remove_all_but_password(user: User) -> None:
    """Passkeys, linked logins and the second factor go, in the caller's transaction."""
    for kind in (Passkey, SocialIdentity, RecoveryCode, SecondFactor):
        kind.objects.filter(user=user).delete()
