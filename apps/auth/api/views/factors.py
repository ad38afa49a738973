"""The second factor, and step-up."""

from typing import cast

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth.api.permissions import HasSession, SteppedUp
from apps.auth.api.serializers.factors import (
    ConfirmInput,
    RecoveryCodesOutput,
    SetupOutput,
    StepUpInput,
    TurnOffInput,
)
from apps.auth.api.views.sign_in import SECRET
from apps.auth.models import User
from apps.auth.services import limits, recovery_codes, second_factor, step_up
from apps.auth.types import Claims

STEP_UP = OpenApiResponse(description="`step_up_required`: prove first that it is you.")
BAD_CODE = OpenApiResponse(description="`otp_invalid`: a wrong code, or one that was used.")
BAD_PROOF = OpenApiResponse(description="`invalid_credentials`, `otp_invalid`.")
BAD_STEP_UP = OpenApiResponse(
    description=(
        "`invalid_credentials`, `otp_required` (a password is not enough here), `otp_invalid`,"
        " `passkey_invalid`."
    )
)
IS_ON = OpenApiResponse(description="`two_factor_on`")
IS_OFF = OpenApiResponse(description="`two_factor_off`")


class SetupView(APIView):
    """Nothing is on before a code was confirmed."""

    permission_classes = (IsAuthenticated, SteppedUp)

    @extend_schema(
        operation_id="auth_2fa_setup",
        tags=["auth"],
        summary="Begin to set up a second factor",
        description="Each call makes a new secret; the one before can no longer be confirmed.",
        request=None,
        responses={200: SetupOutput, 403: STEP_UP, 409: IS_ON},
    )
    def post(self, request: Request) -> Response:
        setup = second_factor.begin_setup(user=cast(User, request.user))
        return Response(SetupOutput(setup).data, headers=SECRET)


class ConfirmView(APIView):
    """By a first code."""

    permission_classes = (HasSession,)

    @extend_schema(
        operation_id="auth_2fa_confirm",
        tags=["auth"],
        summary="Turn the second factor on",
        description="All other sessions of the account end.",
        request=ConfirmInput,
        responses={200: RecoveryCodesOutput, 401: BAD_CODE, 409: IS_OFF},
    )
    def post(self, request: Request) -> Response:
        form = ConfirmInput(data=request.data)
        form.is_valid(raise_exception=True)
        user, claims = _caller(request)
        limits.spend_proof(user_id=user.id)
        codes = second_factor.confirm_setup(
            user=user, session_id=claims.session_id, now=timezone.now(), **form.validated_data
        )
        return _codes(codes)


class TwoFactorView(APIView):
    """For who still has both factors."""

    permission_classes = (IsAuthenticated, SteppedUp)

    @extend_schema(
        operation_id="auth_2fa_delete",
        tags=["auth"],
        summary="Turn the second factor off",
        description="All other sessions of the account end.",
        request=TurnOffInput,
        responses={
            204: OpenApiResponse(description="It is off, and the recovery codes are gone."),
            401: BAD_PROOF,
            403: STEP_UP,
            409: IS_OFF,
        },
    )
    def delete(self, request: Request) -> Response:
        form = TurnOffInput(data=request.data)
        form.is_valid(raise_exception=True)
        user, claims = _caller(request)
        limits.spend_proof(user_id=user.id)
        second_factor.turn_off(
            user=user, session_id=claims.session_id, now=timezone.now(), **form.validated_data
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class RecoveryCodesView(APIView):
    """They are never shown again."""

    permission_classes = (IsAuthenticated, SteppedUp)

    @extend_schema(
        operation_id="auth_2fa_recovery_codes",
        tags=["auth"],
        summary="Make new recovery codes",
        description="Those made before stop working.",
        request=None,
        responses={200: RecoveryCodesOutput, 403: STEP_UP, 409: IS_OFF},
    )
    def post(self, request: Request) -> Response:
        user = cast(User, request.user)
        return _codes(recovery_codes.replace_codes(user=user, now=timezone.now()))


class StepUpView(APIView):
    """For ten minutes, for this session alone."""

    permission_classes = (HasSession,)

    @extend_schema(
        operation_id="auth_step_up",
        tags=["auth"],
        summary="Prove that it is you",
        description=(
            "Allows this session dangerous actions for 10 minutes, as signing in does. With a"
            " second factor on, send a code or the answer of a passkey; else the password."
        ),
        request=StepUpInput,
        responses={
            204: OpenApiResponse(description="Proven."),
            401: BAD_STEP_UP,
            409: IS_OFF,
        },
    )
    def post(self, request: Request) -> Response:
        form = StepUpInput(data=request.data)
        form.is_valid(raise_exception=True)
        user, claims = _caller(request)
        limits.spend_proof(user_id=user.id)
        proof, now = form.validated_data, timezone.now()
        session_id = claims.session_id
        if "password" in proof:
            step_up.by_password(
                user=user, session_id=session_id, password=proof["password"], now=now
            )
        elif "otp" in proof:
            step_up.by_code(user=user, session_id=session_id, code=proof["otp"], now=now)
        else:
            step_up.by_passkey(
                user=user, session_id=session_id, credential=proof["credential"], now=now
            )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _caller(request: Request) -> tuple[User, Claims]:
    return cast(User, request.user), cast(Claims, request.auth)


def _codes(codes: list[str]) -> Response:
    return Response(RecoveryCodesOutput({"recovery_codes": codes}).data, headers=SECRET)
