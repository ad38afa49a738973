"""Tokens that nobody was given open nothing on any surface: REST, streams, pull, sockets."""

import base64
import hmac
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from apps.auth.services.tokens import _backend
from tests.apps.realtime.centrifugo.sockets import opened
from tests.apps.realtime.live import Live, Web
from tests.patience import PATIENCE_S, PATIENT

HS256 = {"alg": "HS256", "typ": "JWT"}
ABSENT = "00000000-0000-7000-8000-000000000000"
CLAIMS: list[dict[str, Any]] = [
    {"aud": "veza-chat"}, {"aud": ["veza-api", "x"]}, {"aud": None}, {"iss": "evil"},
    {"iss": None}, {"exp": None}, {"exp": "9999999999"}, {"exp": 10**30}, {"iat": True},
    {"iat": 10**11}, {"nbf": 10**11}, {"jti": None}, {"jti": 7}, {"sub": None}, {"sub": ABSENT},
    {"user_id": ABSENT}, {"sid": None}, {"sid": "x"}, {"sid": ABSENT}, {"ver": 2}, {"ver": "1"},
    {"ver": True}, {"roles": "admin"}, {"roles": [1]}, {"token_type": "refresh"},
    {"token_type": None}, {"token_type": ["access"]},
]  # fmt: skip
HEADERS: list[object] = [
    {"alg": "none", "typ": "JWT"}, {"alg": "nOnE", "typ": "JWT"}, {"alg": "HS384", "typ": "JWT"},
    {"alg": "RS256", "typ": "JWT"}, HS256 | {"kid": "../../dev/null"}, HS256 | {"kid": ["a"]},
    HS256 | {"jku": "https://evil.example/"}, HS256 | {"jwk": {"kty": "oct", "k": "AA"}},
    HS256 | {"crit": ["exp"]}, HS256 | {"b64": False}, [], "x",
]  # fmt: skip


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _signed(header: object, claims: object, key: bytes) -> str:
    text = f"{_segment(header)}.{_segment(claims)}"
    mac = hmac.new(key, text.encode(), "sha256").digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@pytest.fixture(scope="module")
def forged(live: Live) -> dict[str, str]:
    """By what is wrong with them; all but the last few are signed with the server's own key."""
    web = live.web
    account = web.register()
    secret = json.loads((live.folder / "secrets.json").read_text())["SECRET_KEY"]
    key = str(_backend(secret).signing_key).encode()
    claims: dict[str, Any] = jwt.decode(account.access, options={"verify_signature": False})
    assert _signed(HS256, claims, key)
    tokens = {}
    for change in CLAIMS:
        changed = {name: value for name, value in (claims | change).items() if value is not None}
        tokens[str(change)] = _signed(HS256, changed, key)
    tokens |= {str(header): _signed(header, claims, key) for header in HEADERS}
    head, body, mac = account.access.split(".")
    return_to = {
        "no signature": f"{head}.{body}.",
        "half a signature": f"{head}.{body}.{mac[:20]}",
        "another key": _signed(HS256, claims, b"x" * 64),
        "another payload": f"{head}.{_segment(claims | {'roles': ['admin']})}.{mac}",
        "a refresh token": account.refresh,
        "100 kB": f"{head}.{'A' * 100_000}.{mac}",
        "no token": "x",
        "no access token": "veza_pat_" + "A" * 43,
    }
    genuine = httpx.get(f"{web.base_url}/api/v1/users/me", headers=account.headers)
    assert genuine.status_code == 200
    return tokens | return_to


@pytest.mark.parametrize(
    "path", ["/api/v1/users/me", "/api/v1/events/watch", "/api/v1/events", "/api/v1/auth/sessions"]
)
def test_over_http(web: Web, forged: dict[str, str], path: str) -> None:
    with httpx.Client(base_url=web.base_url, timeout=PATIENCE_S) as client:
        for wrong, token in forged.items():
            answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, wrong) in [(401, wrong), (431, "100 kB")]
            if answer.status_code == 401:
                assert answer.json()["code"] == "token_invalid", wrong


async def test_on_the_application_socket(web: Web, forged: dict[str, str]) -> None:
    for wrong, token in forged.items():
        async with opened(web) as socket:
            await socket.send({"id": 1, "connect": {"token": token}})
            code = await socket.closed()
            assert (code, wrong) in [(3500, wrong), (1009, "100 kB")]


@pytest.mark.parametrize("path", ["/ws", "/ws/ingest"])
async def test_on_the_backbone(web: Web, forged: dict[str, str], path: str) -> None:
    for wrong, token in forged.items():
        code = await _backbone(web, path, token)
        assert (code, wrong) in [(401, wrong), (3500, wrong), (431, "100 kB")]


async def _backbone(web: Web, path: str, token: str) -> int | None:
    """The status with which it is refused, or the code with which it is closed."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with connect(
            f"{web.ws_url}{path}", additional_headers=headers, proxy=None, **PATIENT
        ) as socket:
            deadline = time.monotonic() + PATIENCE_S
            while time.monotonic() < deadline:
                await socket.recv()
    except InvalidStatus as refused:
        return refused.response.status_code
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None
    return None
