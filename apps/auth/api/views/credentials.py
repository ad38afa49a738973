"""Proving an address, and choosing another password."""

from typing import cast

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth.api.permissions import HasSession
from apps.auth.api.serializers.credentials import (
    ChangePasswordInput,
    KeyInput,
    ResetConfirmInput,
    ResetInput,
)
from apps.auth.models import User
from apps.auth.services import credentials, limits
from apps.auth.types import Claims
from veza.kit.api.requests import client_of

BAD_KEY = OpenApiResponse(description="`key_invalid`: used, too old, or of another state.")


class VerifyEmailView(APIView):
    """Open to everyone: the key is the credential."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="auth_email_verify",
        tags=["auth"],
        summary="Verify my e-mail address",
        request=KeyInput,
        responses={204: OpenApiResponse(description="It is verified."), 400: BAD_KEY},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        form = KeyInput(data=request.data)
        form.is_valid(raise_exception=True)
        limits.spend_key(address=client_of(request).address)
        credentials.verify_email(**form.validated_data, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResendView(APIView):
    """To the caller's own address."""

    permission_classes = (HasSession,)

    @extend_schema(
        operation_id="auth_email_resend",
        tags=["auth"],
        summary="Send the verification mail again",
        description="Nothing is sent to an address that is verified.",
        request=None,
        responses={202: OpenApiResponse(description="It is on its way.")},
    )
    def post(self, request: Request) -> Response:
        user = cast(User, request.user)
        limits.spend_proof(user_id=user.id)
        credentials.request_verification(user_id=user.id)
        return Response(status=status.HTTP_202_ACCEPTED)


class ResetPasswordView(APIView):
    """Open to everyone; the answer does not tell who has an account."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="auth_password_reset",
        tags=["auth"],
        summary="Ask for a new password",
        description="A mail with a key goes to the address, if it has an account.",
        request=ResetInput,
        responses={202: OpenApiResponse(description="Whether or not there is such an account.")},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        form = ResetInput(data=request.data)
        form.is_valid(raise_exception=True)
        email = form.validated_data["email"]
        limits.spend_reset(email=email, address=client_of(request).address)
        credentials.request_password_reset(email=email, now=timezone.now())
        return Response(status=status.HTTP_202_ACCEPTED)


class ConfirmResetView(APIView):
    """Open to everyone: the key is the credential."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="auth_password_reset_confirm",
        tags=["auth"],
        summary="Choose a new password",
        description="Ends all sessions of the account. A second factor stays on.",
        request=ResetConfirmInput,
        responses={204: OpenApiResponse(description="Sign in with it."), 400: BAD_KEY},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        form = ResetConfirmInput(data=request.data)
        form.is_valid(raise_exception=True)
        limits.spend_key(address=client_of(request).address)
        credentials.reset_password(**form.validated_data, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChangePasswordView(APIView):
    """For who knows the present one."""

    permission_classes = (HasSession,)

    @extend_schema(
        operation_id="auth_password_change",
        tags=["auth"],
        summary="Change my password",
        description=(
            "All other sessions of the account end. With a second factor on, the session has to"
            " be stepped up."
        ),
        request=ChangePasswordInput,
        responses={
            204: OpenApiResponse(description="It is changed."),
            401: OpenApiResponse(description="`invalid_credentials`"),
            403: OpenApiResponse(description="`step_up_required`"),
        },
    )
    def post(self, request: Request) -> Response:
        form = ChangePasswordInput(data=request.data)
        form.is_valid(raise_exception=True)
        claims = cast(Claims, request.auth)
        limits.spend_proof(user_id=claims.user_id)
        credentials.change_password(
            user_id=claims.user_id,
            session_id=claims.session_id,
            now=timezone.now(),
            **form.validated_data,
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
