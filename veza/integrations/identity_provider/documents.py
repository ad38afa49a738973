"""What a provider publishes: its endpoints (OpenID Connect Discovery 1.0), and its keys."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from veza.integrations.bounded_http import BoundedClient
from veza.integrations.identity_provider.port import ProviderAwayError

KEPT = timedelta(hours=1)
KEYS_AGAIN_AFTER = timedelta(minutes=1)
PAUSE = timedelta(seconds=5)
KEY_TYPES = ("RSA", "EC")
OK = 200
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Of a discovery document, as far as we need it."""

    authorization: str
    token: str
    userinfo: str
    keys: str
    client_auth: Literal["basic", "post"]


class Kept(Generic[T]):
    """What was read last from each address. Two threads may both read; the later one stays.

    A provider that is away is not asked again at once: each question holds a thread for seconds.
    """

    def __init__(self, read: Callable[[str], T]) -> None:
        self._read = read
        self._kept: dict[str, tuple[datetime, T]] = {}
        self._failed: dict[str, datetime] = {}

    def get(self, address: str, *, now: datetime, kept: timedelta = KEPT) -> T:
        known = self._kept.get(address)
        if known and now - kept < known[0] <= now:
            return known[1]
        failed_at = self._failed.get(address)
        if failed_at and failed_at <= now < failed_at + PAUSE:
            raise ProviderAwayError
        try:
            value = self._read(address)
        except ProviderAwayError:
            self._failed[address] = now
            raise
        self._kept[address] = (now, value)
        return value


class Documents:
    """Kept for an hour in each process; keys are read again for one that is not among them."""

    def __init__(self, client: BoundedClient) -> None:
        self._client = client
        self._endpoints = Kept(self._read_endpoints)
        self._keys = Kept(self._read_keys)

    def endpoints(self, issuer: str, *, now: datetime) -> Endpoints:
        """Raises ProviderAwayError."""
        return self._endpoints.get(issuer, now=now)

    def keys(self, url: str, *, now: datetime, again: bool = False) -> KeySet:
        """`again` when a key was missing: then nothing counts that is older than a minute.

        Raises ProviderAwayError.
        """
        return self._keys.get(url, now=now, kept=KEYS_AGAIN_AFTER if again else KEPT)

    def _read_endpoints(self, issuer: str) -> Endpoints:
        document = self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise ProviderAwayError("The provider calls itself by another name.")
        allowed = ("https://", "http://") if issuer.startswith("http://") else ("https://",)

        def endpoint(name: str) -> str:
            value = document.get(name)
            return value if isinstance(value, str) and value.startswith(allowed) else ""

        methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        found = Endpoints(
            authorization=endpoint("authorization_endpoint"),
            token=endpoint("token_endpoint"),
            userinfo=endpoint("userinfo_endpoint"),
            keys=endpoint("jwks_uri"),
            client_auth="basic" if "client_secret_basic" in methods else "post",
        )
        if not (found.authorization and found.token and found.keys):
            raise ProviderAwayError("The provider does not tell its endpoints.")
        return found

    def _read_keys(self, url: str) -> KeySet:
        told = self._get(url).get("keys")
        keys = [key for each in (told if isinstance(told, list) else []) if (key := _key(each))]
        return KeySet(keys)

    def _get(self, url: str) -> dict[str, Any]:
        try:
            response = self._client.get(url)
            document = response.json() if response.status_code == OK else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as fault:
            raise ProviderAwayError from fault
        if not isinstance(document, dict):
            raise ProviderAwayError
        return document


def _key(told: object) -> Key | None:
    """One that may sign; what we cannot read does no harm to the others."""
    if not isinstance(told, dict) or told.get("use", "sig") != "sig":
        return None
    if told.get("kty") not in KEY_TYPES:
        return None
    try:
        return JWKRegistry.import_key(told)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
