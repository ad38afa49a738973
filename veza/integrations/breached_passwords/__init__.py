"""Whether a password stands in a collection of breached ones, asked without telling it. The
adapter is BREACHED_PASSWORDS_BACKEND's.
"""

from veza.integrations.breached_passwords.port import BreachedPasswords, BreachesUnknownError
from veza.kit.backends import backend

__all__ = ["BreachedPasswords", "BreachesUnknownError", "breached_passwords"]


def breached_passwords() -> BreachedPasswords:
    """The collection that this process asks."""
    adapter: BreachedPasswords = backend("BREACHED_PASSWORDS_BACKEND")
    return adapter
