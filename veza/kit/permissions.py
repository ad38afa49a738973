"""Permissions: what only some may do, by names such as `audit.read`.

Each app declares the names that it asks for; roles hold them, in tables of apps.auth. Code asks
`user.has_perm(name)`, `requires(name)` in the API, or `name in viewer.permissions` on a socket.
"""

from collections.abc import Mapping

from django.db.models import TextChoices

_declared: dict[str, str] = {}


def declare(names: type[TextChoices]) -> None:
    """Make permissions known: each value is a name, each label says what it allows.

    Raises ValueError for a name that another app has declared otherwise.
    """
    for name, about in names.choices:
        if _declared.setdefault(name, str(about)) != about:
            raise ValueError(f"Two apps declare the permission {name}.")


def declared() -> Mapping[str, str]:
    """All permissions that code asks for, and what each allows."""
    return dict(sorted(_declared.items()))
