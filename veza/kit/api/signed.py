"""Routes for other servers: `authentication_classes = (SignedCalls,)`, no user, no token."""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from veza.kit.signing import HEADER, SCHEME, Call, check

SIGNED = "signed"


class SignedCalls(BaseAuthentication):
    """Takes a call whose X-Veza-Signature is right, once; refuses every other with 401."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, str]:
        """Raises SignatureInvalidError, SignatureExpiredError, SignatureReplayedError."""
        call = Call(
            method=str(request.method),
            target=request.get_full_path(),
            body=request._request.body,  # noqa: SLF001 - the bytes as sent; DRF offers them parsed
        )
        header = request.headers.get(HEADER, "")
        check(header, call, secrets=settings.INTERNAL_API_SECRETS, now=timezone.now())
        return AnonymousUser(), SIGNED

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class IsSigned(BasePermission):
    """The call came by SignedCalls."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.auth == SIGNED


class SignedCallsScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema tells of SignedCalls."""

    target_class = SignedCalls
    name = "signature"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": HEADER,
            "description": (
                "`t=<unix>,n=<nonce>,v1=<hex>`: HMAC-SHA256 with `INTERNAL_API_SECRET` over"
                " `t.n.METHOD.path?query.body`; every call has a new nonce."
            ),
        }
