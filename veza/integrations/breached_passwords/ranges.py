"""The range API of Pwned Passwords: five digits of a SHA-1 go out, all that begin so come back."""

import threading
import time
from collections import OrderedDict
from hashlib import sha1

import httpx
from django.conf import settings

from veza.integrations.bounded_http import BoundedClient
from veza.integrations.breached_passwords.port import BreachesUnknownError

TIMEOUT_S = 2.0
MAX_BYTES = 1024 * 1024
PREFIX = 5
OK = 200
KEPT_S = 300.0
KEPT_RANGES = 50  # of about a thousand lines each

Range = frozenset[str]


class RangeService:
    """Padded, so that the size of an answer tells nothing either; padding has a count of 0."""

    def __init__(self) -> None:
        self._client = BoundedClient(timeout_s=TIMEOUT_S, max_bytes=MAX_BYTES)
        self._kept: OrderedDict[str, tuple[float, Range]] = OrderedDict()
        self._lock = threading.Lock()

    def is_known(self, password: str, *, may_ask: bool = True) -> bool:
        base = settings.BREACHED_PASSWORDS_URL
        if not base:
            return False
        data = password.encode("utf-8", "surrogatepass")
        digest = sha1(data, usedforsecurity=False).hexdigest().upper()
        url = f"{base}/{digest[:PREFIX]}"
        return digest[PREFIX:] in self._range(url, may_ask=may_ask)

    def _range(self, url: str, *, may_ask: bool) -> Range:
        with self._lock:
            kept = self._kept.get(url)
        if kept and time.monotonic() - kept[0] < KEPT_S:
            return kept[1]
        if not may_ask:
            raise BreachesUnknownError("not asked in a transaction")
        found = self._ask(url)
        with self._lock:
            self._kept[url] = (time.monotonic(), found)
            self._kept.move_to_end(url)
            while len(self._kept) > KEPT_RANGES:
                self._kept.popitem(last=False)
        return found

    def _ask(self, url: str) -> Range:
        try:
            answer = self._client.get(url, headers={"Add-Padding": "true"})
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise BreachesUnknownError(type(fault).__name__) from fault
        if answer.status_code != OK:
            raise BreachesUnknownError(f"status {answer.status_code}")
        return _known(answer.text)


def _known(text: str) -> Range:
    """The ends of digests that were seen at least once."""
    lines = (line.strip().partition(":") for line in text.splitlines())
    return frozenset(end.upper() for end, _, count in lines if count.isdecimal() and int(count) > 0)
