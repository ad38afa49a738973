"""Signing in at OpenID providers. The adapter is IDENTITY_PROVIDER_BACKEND's."""

from veza.integrations.identity_provider.port import (
    Agreement,
    Answer,
    Identity,
    IdentityProvider,
    IdentityRefusedError,
    ProviderAwayError,
    Question,
)
from veza.kit.backends import backend

__all__ = [
    "Agreement",
    "Answer",
    "Identity",
    "IdentityProvider",
    "IdentityRefusedError",
    "ProviderAwayError",
    "Question",
    "identity_provider",
]


def identity_provider() -> IdentityProvider:
    """The one that this process speaks to providers by."""
    adapter: IdentityProvider = backend("IDENTITY_PROVIDER_BACKEND")
    return adapter
