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


class HandlerError(TypeError):
    """The declaration of a handler breaks a rule."""


class UnknownHandlerError(LookupError):
    """A delivery names a handler, or a fact, that this process does not know."""

    def __init__(self, what: str) -> None:
        super().__init__(f"This process knows no {what}; start it with the code that declares it.")


class BrokerError(Exception):
    """The broker did not take a message, or cannot be reached. Nothing is lost: try again."""
