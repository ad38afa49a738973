"""The second factor in the admin: asked for at sign-in, and set up before anything else."""

import base64
from datetime import UTC, datetime, timedelta
from typing import cast

from django import forms
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from unfold.forms import AuthenticationForm  # type: ignore[import-untyped]
from unfold.widgets import BASE_INPUT_CLASSES  # type: ignore[import-untyped]

from apps.auth.models import SecondFactor, User
from apps.auth.rules import is_stepped_up
from apps.auth.selectors import find_second_factor
from apps.auth.services.second_factor import check_factor
from apps.auth.types import FactorSetup
from veza.kit.errors import VezaError

FACTOR = "second_factor"  # in the cookie session: the factor by which it was opened
SIGNED_IN_AT = "signed_in_at"
CODE_ATTRIBUTES = {
    "class": " ".join(BASE_INPUT_CLASSES),
    "autocomplete": "one-time-code",
    "autocapitalize": "none",
    "spellcheck": "false",
}


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """Name, password, and a code where a second factor is on."""

    otp = forms.CharField(
        label="Code",
        required=False,
        max_length=64,
        help_text="Of your authenticator app, or a recovery code; empty if you have none yet.",
        widget=forms.TextInput(attrs=CODE_ATTRIBUTES),
    )

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        super().confirm_login_allowed(user)
        code = self.cleaned_data.get("otp", "")
        try:
            check_factor(user=cast(User, user), code=code, now=timezone.now())
        except VezaError as error:
            raise ValidationError(str(error), code=error.code) from None


class ConfirmForm(forms.Form):
    """A first code of the app."""

    code = forms.CharField(
        label="Code", max_length=64, widget=forms.TextInput(attrs=CODE_ATTRIBUTES)
    )


def mark_signed_in(request: HttpRequest) -> None:
    """Remember by what this cookie session was opened. It ends after SESSION_COOKIE_AGE,
    however much it is used.
    """
    now = timezone.now()
    request.session[SIGNED_IN_AT] = now.timestamp()
    request.session.set_expiry(now + timedelta(seconds=settings.SESSION_COOKIE_AGE))
    mark_factor(request)


def mark_factor(request: HttpRequest) -> None:
    """Remember that this session has shown the factor that the account has now."""
    factor = _factor(request)
    request.session[FACTOR] = str(factor.id) if factor else ""


def has_shown_factor(request: HttpRequest) -> bool:
    """Whether the factor of the account is on and was shown, or none is needed here.

    A factor that was turned on or replaced meanwhile has to be shown, too.
    """
    factor = _factor(request)
    if factor is None:
        return not settings.ADMIN_REQUIRES_2FA
    return bool(request.session.get(FACTOR) == str(factor.id))


def must_set_up(request: HttpRequest) -> bool:
    """Whether this member of staff has yet to set up a second factor."""
    user = request.user
    is_staff = user.is_active and user.is_staff
    return bool(is_staff and settings.ADMIN_REQUIRES_2FA and _factor(request) is None)


def signed_in_lately(request: HttpRequest) -> bool:
    """Whether the password was typed within the last ten minutes."""
    signed_in_at = float(request.session.get(SIGNED_IN_AT, 0))
    at = datetime.fromtimestamp(signed_in_at, tz=UTC)
    return is_stepped_up(stepped_up_at=at, now=timezone.now())


def picture(setup: FactorSetup) -> str:
    """The QR code as an address that an image can have under the admin's policy."""
    return f"data:image/svg+xml;base64,{base64.b64encode(setup.qr_svg.encode()).decode()}"


def _factor(request: HttpRequest) -> SecondFactor | None:
    return find_second_factor(cast(User, request.user).id)
