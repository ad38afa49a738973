"""From which pages a browser may open a socket."""

import re
from urllib.parse import urlsplit

from django.conf import settings


def is_allowed(headers: list[tuple[bytes, bytes]]) -> bool:
    """True without `Origin` (programs), for our own origin, and for those that CORS allows."""
    found = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    if not found:
        return True
    if len(found) > 1:
        return False
    origin = found[0]
    if origin == settings.PUBLIC_URL or _is_same_host(origin, headers):
        return True
    return any(re.match(form, origin) for form in settings.CORS_ALLOWED_ORIGIN_REGEXES)


def _is_same_host(origin: str, headers: list[tuple[bytes, bytes]]) -> bool:
    """The page came from the host that is asked now; ALLOWED_HOSTS says which hosts are ours."""
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    parts = urlsplit(origin)
    if len(hosts) != 1 or parts.scheme not in ("http", "https"):
        return False
    return origin == f"{parts.scheme}://{hosts[0]}" and not settings.LINK_BASE
