"""A stream server for tests: it takes jobs over real HTTP, checks who asks, and reports."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils import timezone
from pytest_httpserver import HTTPServer
from rest_framework.test import APIClient
from werkzeug import Request, Response

from veza.kit.signing import Call, sign

SIGNATURE = re.compile(r"t=(\d+),n=([A-Za-z0-9_-]{16,64}),v1=([0-9a-f]{64})")
MASTER = "https://streams.example.org/a/master.m3u8"


@dataclass
class OwnStreamServer:
    """Answers with the `answers` in turn, then 202."""

    server: HTTPServer
    answers: list[int] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    nonces: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.expect_request("/media/v1/jobs", method="POST").respond_with_handler(self._take)

    @property
    def url(self) -> str:
        return self.server.url_for("/media")

    def _take(self, request: Request) -> Response:
        body = request.get_data()
        match = SIGNATURE.fullmatch(request.headers["X-Veza-Signature"])
        assert match is not None
        at, nonce, given = match.groups()
        signed = f"{at}.{nonce}.POST.{request.full_path.rstrip('?')}.".encode() + body
        secret = settings.INTERNAL_API_SECRETS[0].encode()
        assert hmac.new(secret, signed, hashlib.sha256).hexdigest() == given
        self.nonces.append(nonce)
        self.jobs.append(json.loads(body))
        return Response(status=self.answers.pop(0) if self.answers else 202)


def path_of(track_id: object) -> str:
    return f"/api/v1/internal/tracks/{track_id}/stream-ready"


def signed(path: str, body: bytes, *, secret: str = "", nonce: str | None = None) -> str:
    """The header of a call."""
    call = Call(method="POST", target=path, body=body)
    secret = secret or settings.INTERNAL_API_SECRETS[0]
    return sign(call, secret=secret, now=timezone.now(), nonce=nonce)


def report(track_id: object, *, signature: str | None = None, **told: Any) -> Any:
    """The answer to a report, signed unless a `signature` is given."""
    path = path_of(track_id)
    body = json.dumps({"version": 1, "status": "ready", "master_url": MASTER, **told}).encode()
    header = signed(path, body) if signature is None else signature
    headers = {"X-Veza-Signature": header} if header else {}
    return APIClient().post(path, body, content_type="application/json", headers=headers)
