"""Providers that people may sign in by, and who they are there."""

from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from apps.auth.errors import SocialProviderUnknownError
from apps.auth.models import SocialIdentity, User
from apps.auth.selectors.factors import list_passkeys
from apps.auth.types import SocialProvider
from veza.integrations.identity_provider import Agreement


def list_providers() -> list[SocialProvider]:
    """In the order in which they were set up."""
    return [
        SocialProvider(name=name, label=each["label"])
        for name, each in settings.OIDC_PROVIDERS.items()
    ]


def get_provider(name: str) -> Agreement:
    """Raises SocialProviderUnknownError."""
    try:
        told = settings.OIDC_PROVIDERS[name]
    except KeyError:
        raise SocialProviderUnknownError from None
    return Agreement(
        issuer=told["issuer"], client_id=told["client_id"], client_secret=told["client_secret"]
    )


def find_provider_of(issuer: str) -> SocialProvider | None:
    """None when it is not set up any more."""
    for name, each in settings.OIDC_PROVIDERS.items():
        if each["issuer"] == issuer:
            return SocialProvider(name=name, label=each["label"])
    return None


def list_identities(user_id: UUID) -> QuerySet[SocialIdentity]:
    """Those of the user, in no order."""
    return SocialIdentity.objects.filter(user_id=user_id)


def find_identity(*, issuer: str, subject: str) -> SocialIdentity | None:
    """With its user."""
    known = SocialIdentity.objects.select_related("user")
    return known.filter(issuer=issuer, subject=subject).first()


def ways_to_sign_in(user: User) -> int:
    """How many there are: the password, passkeys, and logins of providers that are set up."""
    issuers = [each["issuer"] for each in settings.OIDC_PROVIDERS.values()]
    return (
        int(user.has_usable_password())
        + list_passkeys(user.id).count()
        + list_identities(user.id).filter(issuer__in=issuers).count()
    )
