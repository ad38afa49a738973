"""To which domain passkeys belong, and from which pages they are taken."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit


def relying_party(
    *, public_url: str, domain: str, other_origins: Sequence[str]
) -> tuple[str, list[str]]:
    """The relying party id and the origins (WebAuthn level 3, section 5.1.3).

    Browsers make no passkeys for IP addresses: an installation on one has those of localhost.
    """
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if _is_address(host):
        host = "localhost"
    port = f":{parts.port}" if parts.port else ""
    origins = [f"{parts.scheme}://{host}{port}", *other_origins]
    return domain or host, list(dict.fromkeys(origins))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
