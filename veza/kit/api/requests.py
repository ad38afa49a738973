"""Who asks, from where, and under which address we are known to him."""

import ipaddress
from collections.abc import Sequence
from functools import cache
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from veza.kit.context import Client

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FORWARDED_KEY = "veza.forwarded"


def client_address(request: HttpRequest | Request) -> str:
    """The address of the client; what proxies say counts only if TRUSTED_PROXIES names them."""
    return str(request.META.get("REMOTE_ADDR", "") or "")


def client_of(request: HttpRequest | Request) -> Client:
    """The program behind the request."""
    address = client_address(request).partition("%")[0]
    try:
        address = str(ipaddress.ip_address(address))
    except ValueError:
        address = ""
    return Client(user_agent=str(request.META.get("HTTP_USER_AGENT", "")), address=address)


def was_forwarded(request: HttpRequest | Request) -> bool:
    """Whether anything between the client and us claims to have passed the request on."""
    return FORWARDED_KEY in request.META


def is_local(request: HttpRequest | Request) -> bool:
    """From this machine itself. What any proxy passed on is not: the proxy may stand here too."""
    try:
        address = ipaddress.ip_address(client_address(request))
    except ValueError:
        return False
    return address.is_loopback and not was_forwarded(request)


def absolute_url(request: HttpRequest | Request, path_and_query: str) -> str:
    """An address that this client can follow: below PUBLIC_URL where that is set, else by Host."""
    if not settings.LINK_BASE:
        return request.build_absolute_uri(path_and_query)
    base = urlsplit(settings.LINK_BASE)
    parts = urlsplit(path_and_query)
    return urlunsplit((base.scheme, base.netloc, parts.path, parts.query, ""))


def resolve_client(*, peer: str, forwarded_for: str, proxies: Sequence[str]) -> str:
    """Walk X-Forwarded-For from the right and stop at the first address that is no proxy of ours.

    Anything left of it was written by someone whom we do not trust.
    """
    if not is_trusted(peer, proxies=proxies):
        return peer
    client = peer
    for part in reversed(forwarded_for.split(",")):
        address = _parse(part)
        if address is None:
            break
        client = str(address)
        if not is_trusted(client, proxies=proxies):
            break
    return client


def is_trusted(address: str, *, proxies: Sequence[str]) -> bool:
    """Whether `address` lies in one of `proxies` (addresses or networks)."""
    networks = _networks(tuple(proxies))
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in networks)


def address_group(address: str) -> str:
    """What one subscriber surely owns: an IPv4 address, or the /64 of an IPv6 address."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed) if parsed else "unknown"


@cache
def _networks(proxies: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(proxy, strict=False) for proxy in proxies)


def _parse(text: str) -> Address | None:
    text = text.strip().partition("%")[0]  # without the zone of a link-local address
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
