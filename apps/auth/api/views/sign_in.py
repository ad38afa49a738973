"""Registering, signing in and out."""

from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth.api.permissions import HasSession
from apps.auth.api.serializers.profile import OwnUserOutput
from apps.auth.api.serializers.sign_in import (
    LoginInput,
    RefreshInput,
    RegisterInput,
    SignInOutput,
    TokensOutput,
)
from apps.auth.services import accounts, limits, passwords, sessions, sign_in
from apps.auth.types import Claims, RevokedReason
from apps.events.types import Actor
from veza.kit.api.idempotency import HEADER as IDEMPOTENCY_KEY
from veza.kit.api.idempotency import IdempotentMixin
from veza.kit.api.requests import client_of

OWN_ADDRESS = "/api/v1/users/me"
SECRET = {"Cache-Control": "no-store"}  # RFC 6749, section 5.1
BAD_CREDENTIALS = OpenApiResponse(
    description=(
        "`invalid_credentials`, whether or not there is such an account. With the right password:"
        " `otp_required` and `otp_invalid`, where a second factor is on."
    )
)
BAD_REFRESH = OpenApiResponse(
    description="`token_invalid`, `token_expired`, or `refresh_reused`: the session has ended."
)


class RegisterView(IdempotentMixin, APIView):
    """Open to everyone; a token that is sent along is not looked at."""

    authentication_classes = ()
    permission_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """With an idempotency key all that follows is one transaction, in which nobody is asked."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and IDEMPOTENCY_KEY in request.headers:
            form = RegisterInput(data=request.data)
            if form.is_valid():
                passwords.look_up_breaches(form.validated_data["password"])

    @extend_schema(
        operation_id="auth_register",
        tags=["auth"],
        summary="Make an account",
        description="Opens a session, and gives the roles `listener` and `creator`.",
        request=RegisterInput,
        responses={201: SignInOutput},
        auth=[],
        examples=[
            OpenApiExample(
                "A musician",
                value={
                    "username": "ada",
                    "email": "ada@example.org",
                    "password": "violet tape under rain",
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        form = RegisterInput(data=request.data)
        form.is_valid(raise_exception=True)
        client = client_of(request)
        limits.spend_registration(email=form.validated_data["email"], address=client.address)
        signed_in = accounts.register(**form.validated_data, client=client, now=timezone.now())
        return Response(
            sign_in_body(signed_in),
            status.HTTP_201_CREATED,
            headers={"Location": OWN_ADDRESS} | SECRET,
        )


class LoginView(APIView):
    """Open to everyone, as often as `limits` allows."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="auth_login",
        tags=["auth"],
        summary="Sign in",
        request=LoginInput,
        responses={200: SignInOutput, 401: BAD_CREDENTIALS},
        auth=[],
        examples=[
            OpenApiExample(
                "By user name",
                value={"login": "ada", "password": "violet tape under rain"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        form = LoginInput(data=request.data)
        form.is_valid(raise_exception=True)
        client = client_of(request)
        limits.spend_login(login=form.validated_data["login"], address=client.address)
        signed_in = sign_in.log_in(**form.validated_data, client=client, now=timezone.now())
        return Response(sign_in_body(signed_in), headers=SECRET)


class RefreshView(APIView):
    """Open to everyone: the refresh token is the credential."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="auth_refresh",
        tags=["auth"],
        summary="Exchange a refresh token for new tokens",
        description=(
            "A refresh token works once. For a few seconds the same client (same `User-Agent`)"
            " that presents it again gets the same answer; later, or from another client, the"
            " session ends with 401 `refresh_reused`."
        ),
        request=RefreshInput,
        responses={200: TokensOutput, 401: BAD_REFRESH},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        form = RefreshInput(data=request.data)
        form.is_valid(raise_exception=True)
        tokens = sessions.refresh(
            token=form.validated_data["refresh"], client=client_of(request), now=timezone.now()
        )
        return Response(TokensOutput(tokens).data, headers=SECRET)


class LogoutView(APIView):
    """For the session of the token that is sent."""

    permission_classes = (HasSession,)

    @extend_schema(
        operation_id="auth_logout",
        tags=["auth"],
        summary="End this session",
        description="Its access and refresh tokens stop working at once.",
        request=None,
        responses={204: OpenApiResponse(description="The session has ended.")},
    )
    def post(self, request: Request) -> Response:
        claims = cast(Claims, request.auth)
        sessions.revoke_session(
            session_id=claims.session_id,
            reason=RevokedReason.LOGOUT,
            now=timezone.now(),
            actor=Actor(type="user", id=claims.user_id),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def sign_in_body(signed_in: sessions.SignIn) -> dict[str, object]:
    """Who has signed in, and his tokens."""
    return {"user": OwnUserOutput(signed_in.user).data, **TokensOutput(signed_in.tokens).data}
