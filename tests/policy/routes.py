"""What the URL conf answers: every address with its methods, as the resolver has them."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ADMIN = "/admin/"
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")


def declared() -> dict[str, tuple[str, ...]]:
    """Address -> methods, such as `/api/v1/metrics/{metric_id}`: GET. HEAD and OPTIONS follow.

    The admin's pages stand as one address: they are Django's, and its permissions are tested
    with it.
    """
    found: dict[str, tuple[str, ...]] = {}
    for address, pattern in walk(get_resolver().url_patterns):
        if address.startswith(ADMIN):
            found[ADMIN] = ("GET", "POST")
        else:
            found[address] = methods_of(pattern.callback)
    return found


def walk(
    patterns: Sequence[URLPattern | URLResolver], prefix: str = "/"
) -> Iterator[tuple[str, URLPattern]]:
    """Every pattern with its whole address."""
    for pattern in patterns:
        address = prefix + _written(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, address)
        else:
            yield address, pattern


def methods_of(view: Any) -> tuple[str, ...]:
    """Those of a class-based view; a plain function here takes GET alone."""
    cls = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if cls is None:
        return ("GET",)
    return tuple(
        method
        for method in METHODS
        if method.lower() in cls.http_method_names and hasattr(cls, method.lower())
    )


def parameters(address: str) -> list[str]:
    """The names in braces."""
    return re.findall(r"\{(\w+)\}", address)


def _written(pattern: str) -> str:
    return _PARAMETER.sub(r"{\2}", pattern).removeprefix("^").removesuffix("$")
