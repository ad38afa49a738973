"""Mistakes in publishing. They are bugs of the caller, not failures to show to a client."""

from django.db.transaction import TransactionManagementError


class OutsideTransactionError(TransactionManagementError):
    """A fact was published without the transaction of the change that it reports."""


class FactError(TypeError):
    """The declaration of a fact breaks a rule of the registry."""


class UnregisteredFactError(LookupError):
    """A fact was published that no app's `events.py` declares."""


class UndeclaredRoomError(ValueError):
    """A fact was published to a room that its declaration does not name."""
