"""The signed protocol of docs/api/stream-server.md, over HTTP."""

import json
import socket
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.utils import timezone

from veza.integrations.bounded_http import BoundedClient
from veza.integrations.stream_server.port import Job, StreamServerUnavailableError
from veza.kit.signing import HEADER, Call, sign

PATH = "/v1/jobs"
TIMEOUT_S = 10.0
CHECK_TIMEOUT_S = 0.6  # /readyz asks for it
MAX_BYTES = 64 * 1024
PORTS = {"http": 80, "https": 443}


class SignedHttpStreamServer:
    """Each call has a new nonce, also one that is made again."""

    def __init__(self) -> None:
        self._client = BoundedClient(timeout_s=TIMEOUT_S, max_bytes=MAX_BYTES)

    def submit(self, job: Job) -> None:
        url = settings.STREAM_SERVER_URL.rstrip("/") + PATH
        body = json.dumps(
            {
                "track_id": str(job.track_id),
                "version": job.version,
                "source_url": job.source_url,
                "callback_url": job.callback_url,
            }
        ).encode()
        try:
            answer = self._client.send(
                "POST", url, content=body, headers=_headers(url, body), follow_redirects=False
            )
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise StreamServerUnavailableError from fault
        if not answer.is_success:
            raise StreamServerUnavailableError(f"The stream server answered {answer.status_code}.")

    def check(self) -> None:
        """The protocol has no call that changes nothing, so a connection has to do."""
        parts = urlsplit(settings.STREAM_SERVER_URL)
        place = (parts.hostname or "", parts.port or PORTS[parts.scheme])
        try:
            socket.create_connection(place, timeout=CHECK_TIMEOUT_S).close()
        except OSError as fault:
            raise StreamServerUnavailableError from fault


def _headers(url: str, body: bytes) -> dict[str, str]:
    call = Call(method="POST", target=httpx.URL(url).raw_path.decode(), body=body)
    secret = settings.INTERNAL_API_SECRETS[0]
    return {
        "Content-Type": "application/json",
        HEADER: sign(call, secret=secret, now=timezone.now()),
    }
