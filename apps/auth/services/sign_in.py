"""Signing in."""

from datetime import datetime

from django.contrib.auth.hashers import make_password

from apps.auth import selectors
from apps.auth.errors import CredentialsError
from apps.auth.models import User
from apps.auth.services import audit
from apps.auth.services.second_factor import check_factor
from apps.auth.services.sessions import SignIn, open_session
from apps.auth.types import AuditAction
from veza.kit.context import Client


def log_in(*, login: str, password: str, client: Client, now: datetime, otp: str = "") -> SignIn:
    """Open a session for who knows the password of `login`, an e-mail address or a user name,
    and has its second factor, if there is one.

    Raises CredentialsError, after the same work whether or not there is such an account; then
    OtpRequiredError, OtpInvalidError, OtpLockedError.
    """
    user = check_credentials(login=login, password=password)
    check_factor(user=user, code=otp, now=now)
    return open_session(user=user, client=client, now=now)


def check_credentials(*, login: str, password: str) -> User:
    """Whose name and password these are. Hashes once in every case. Raises CredentialsError."""
    user = selectors.find_user_by_login(login)
    if user is None:
        make_password(password)
    elif user.check_password(password) and user.is_active:
        return user
    audit.record(AuditAction.LOGIN_FAILED, user_id=user.id if user else None)
    raise CredentialsError
