"""HTTP to servers that the operator has named: small answers, soon, and no redirects."""

import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx


class BoundedClient:
    """Threads may share one. Raises httpx.HTTPError when there is no whole answer in time."""

    def __init__(self, *, timeout_s: float, max_bytes: int) -> None:
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._client = httpx.Client(
            timeout=timeout_s,
            limits=httpx.Limits(max_keepalive_connections=0),  # calls are few, peers close early
            headers={"User-Agent": "Veza", "Accept-Encoding": "identity"},
        )
        # A cookie that was set while one person was served is not sent for the next.
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.send("GET", url, **options)

    def send(self, method: str, url: str, **options: Any) -> httpx.Response:
        """httpx limits each step alone, so what drips is ended here. Nothing is unpacked: a small
        answer could become a large one.
        """
        ends_at = time.monotonic() + self._timeout_s
        body = bytearray()
        with self._client.stream(method, url, **options) as response:
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > self._max_bytes:
                    raise httpx.ReadError("the answer is too large", request=response.request)
                if time.monotonic() > ends_at:
                    raise httpx.ReadTimeout("the answer takes too long", request=response.request)
        return httpx.Response(response.status_code, content=bytes(body), request=response.request)
