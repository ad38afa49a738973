"""A provider that says whatever a test wants it to say."""

import json
import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.apps.auth.oidc.pages import query_of
from tests.apps.auth.oidc.provider import CLIENT_ID

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
CURVE_KEY = ECKey.generate_key("P-256", {"kid": "two", "use": "sig"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


class Forger:
    """Honest until an attribute says otherwise."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.issuer = server.url_for("").rstrip("/")
        self.document: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/me",
        }
        self.keys: list[Key] = [KEY, CURVE_KEY]
        self.key: Any = KEY
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.claims: dict[str, Any] = {}
        self.left_out: set[str] = set()
        self.userinfo: Any = {"sub": "somebody", "email": "some@example.org"}
        self.raw_token: str | None = None
        self.token_status = 200
        self.forms: list[dict[str, str]] = []
        self.authorizations: list[str | None] = []
        self.nonce = ""  # of the newest browser that came by
        path = server.expect_request
        path("/.well-known/openid-configuration").respond_with_handler(
            lambda _: _json(self.document)
        )
        path("/keys").respond_with_handler(
            lambda _: _json({"keys": [key.as_dict(private=False) for key in self.keys]})
        )
        path("/token", method="POST").respond_with_handler(self._token)
        path("/me").respond_with_handler(lambda _: _json(self.userinfo))

    def authorize(self, url: str) -> dict[str, str]:
        """The browser came by; what it takes back."""
        asked = query_of(url)
        self.nonce = asked["nonce"]
        return {"state": asked["state"], "code": f"for {self.nonce}", "iss": self.issuer}

    def _token(self, request: Request) -> Response:
        self.forms.append(request.form.to_dict())
        self.authorizations.append(request.headers.get("Authorization"))
        if self.token_status != 200:
            return _json({"error": "invalid_grant"}, status=self.token_status)
        nonce = request.form["code"].removeprefix("for ")
        token = self.raw_token if self.raw_token is not None else self.id_token(nonce)
        return _json({"access_token": "opaque", "token_type": "Bearer", "id_token": token})

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "somebody",
            "aud": CLIENT_ID,
            "nonce": nonce,
            "iat": now,
            "exp": now + 300,
            "email": "some@example.org",
            "email_verified": True,
        } | self.claims
        claims = {name: value for name, value in claims.items() if name not in self.left_out}
        algorithms = [self.header["alg"]]
        return jwt.encode(self.header, claims, self.key, algorithms=algorithms)


def _json(body: Any, *, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")
