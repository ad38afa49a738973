"""The WSGI application: what granian serves, behind a proxy."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from veza.kit.asgi.lengths import LengthRequired

application: Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]] = LengthRequired(
    get_wsgi_application(), larger_bodies=settings.LARGER_BODIES
)
