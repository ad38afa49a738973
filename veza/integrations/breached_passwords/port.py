"""A collection of breached passwords."""

from typing import Protocol


class BreachesUnknownError(Exception):
    """The collection does not answer."""


class BreachedPasswords(Protocol):
    """Blocking calls of a few seconds at most. Never let one ask in a transaction."""

    def is_known(self, password: str, *, may_ask: bool = True) -> bool:
        """Whether the password stands there; False without a collection. Without `may_ask` it is
        known only for a few minutes after it was asked. Raises BreachesUnknownError.
        """
        ...
