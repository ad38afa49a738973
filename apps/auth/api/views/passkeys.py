"""Passkeys."""

from typing import cast
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth import selectors
from apps.auth.api.permissions import HasSession, SteppedUp
from apps.auth.api.serializers.factors import PasskeyInput, PasskeyLoginInput, PasskeyOutput
from apps.auth.api.serializers.sign_in import SignInOutput
from apps.auth.api.views.factors import STEP_UP
from apps.auth.api.views.sign_in import SECRET, sign_in_body
from apps.auth.models import User
from apps.auth.services import limits, passkeys
from apps.auth.types import Claims
from veza.kit.api.requests import client_of

OPTIONS = {"type": "object", "additionalProperties": True}
CREATION = OpenApiResponse(
    OPTIONS, description="For `PublicKeyCredential.parseCreationOptionsFromJSON`."
)
REQUEST = OpenApiResponse(
    OPTIONS, description="For `PublicKeyCredential.parseRequestOptionsFromJSON`."
)
BAD_PASSKEY = OpenApiResponse(description="`passkey_invalid`, whatever is wrong with it.")


class PasskeysView(GenericAPIView):
    """Those of the caller."""

    permission_classes = (HasSession,)
    serializer_class = PasskeyOutput

    @extend_schema(
        operation_id="auth_passkeys_list",
        tags=["auth"],
        summary="My passkeys",
        responses={200: PasskeyOutput(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(selectors.list_passkeys(cast(User, request.user).id))
        return self.get_paginated_response(PasskeyOutput(page, many=True).data)


class PasskeyView(APIView):
    """One of the caller's."""

    permission_classes = (IsAuthenticated, SteppedUp)

    @extend_schema(
        operation_id="auth_passkeys_delete",
        tags=["auth"],
        summary="Remove a passkey",
        description="All other sessions of the account end.",
        responses={
            204: OpenApiResponse(description="It works no more."),
            403: STEP_UP,
            404: OpenApiResponse(description="`passkey_not_found`"),
            409: OpenApiResponse(description="`last_credential`: nothing else signs in."),
        },
    )
    def delete(self, request: Request, passkey_id: UUID) -> Response:
        passkeys.remove(
            user=cast(User, request.user),
            session_id=cast(Claims, request.auth).session_id,
            passkey_id=passkey_id,
            now=timezone.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class RegisterOptionsView(APIView):
    """Good for five minutes and one answer."""

    permission_classes = (IsAuthenticated, SteppedUp)

    @extend_schema(
        operation_id="auth_passkeys_register_options",
        tags=["auth"],
        summary="Begin to register a passkey",
        request=None,
        responses={
            200: CREATION,
            403: STEP_UP,
            409: OpenApiResponse(description="`passkey_limit`"),
        },
    )
    def post(self, request: Request) -> Response:
        options = passkeys.registration_options(user=cast(User, request.user), now=timezone.now())
        return Response(options, headers=SECRET)


class RegisterView(APIView):
    """The private half never leaves the authenticator."""

    permission_classes = (IsAuthenticated, SteppedUp)

    @extend_schema(
        operation_id="auth_passkeys_register",
        tags=["auth"],
        summary="Register a passkey",
        description="All other sessions of the account end.",
        request=PasskeyInput,
        responses={
            201: PasskeyOutput,
            400: OpenApiResponse(description="`passkey_refused`, `invalid`"),
            403: STEP_UP,
            409: OpenApiResponse(description="`passkey_exists`, `passkey_limit`"),
        },
    )
    def post(self, request: Request) -> Response:
        form = PasskeyInput(data=request.data)
        form.is_valid(raise_exception=True)
        passkey = passkeys.register(
            user=cast(User, request.user),
            session_id=cast(Claims, request.auth).session_id,
            now=timezone.now(),
            **form.validated_data,
        )
        return Response(PasskeyOutput(passkey).data, status.HTTP_201_CREATED)


class LoginOptionsView(APIView):
    """Open to everyone; also for step-up. Good for five minutes and one answer."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="auth_passkeys_login_options",
        tags=["auth"],
        summary="Begin to sign in by a passkey",
        request=None,
        responses={200: REQUEST},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        limits.spend_passkey(address=client_of(request).address)
        return Response(passkeys.sign_in_options(now=timezone.now()), headers=SECRET)


class LoginView(APIView):
    """Open to everyone: the passkey says who it is, and is both factors."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="auth_passkeys_login",
        tags=["auth"],
        summary="Sign in by a passkey",
        request=PasskeyLoginInput,
        responses={200: SignInOutput, 401: BAD_PASSKEY},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        form = PasskeyLoginInput(data=request.data)
        form.is_valid(raise_exception=True)
        client = client_of(request)
        limits.spend_passkey(address=client.address)
        signed_in = passkeys.log_in(client=client, now=timezone.now(), **form.validated_data)
        return Response(sign_in_body(signed_in), headers=SECRET)
