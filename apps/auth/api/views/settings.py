"""What the caller has chosen for himself, and what the platform holds on him."""

from typing import cast

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth import selectors
from apps.auth.api.permissions import HasSession
from apps.auth.api.serializers.settings import (
    CompletionOutput,
    ExportOutput,
    SettingsOutput,
    UpdateSettingsInput,
)
from apps.auth.models import User, UserSettings
from apps.auth.selectors.exports import get_export
from apps.auth.selectors.settings import get_settings, profile_completion
from apps.auth.services import exports, limits, preferences
from veza.kit.api.etags import check_if_match, etag_of, not_modified, set_etag


class SettingsView(APIView):
    """The caller's own."""

    is_conditional = True

    @extend_schema(
        operation_id="users_me_settings_get",
        tags=["users"],
        summary="My settings",
        responses={200: SettingsOutput},
    )
    def get(self, request: Request) -> Response:
        chosen = get_settings(cast(User, request.user).id)
        if not_modified(request, _etag(chosen)):
            return _answer(Response(status=status.HTTP_304_NOT_MODIFIED), chosen)
        return _answer(Response(SettingsOutput(chosen).data), chosen)

    @extend_schema(
        operation_id="users_me_settings_update",
        tags=["users"],
        summary="Change my settings",
        request=UpdateSettingsInput,
        responses={200: SettingsOutput},
    )
    def patch(self, request: Request) -> Response:
        form = UpdateSettingsInput(data=request.data)
        form.is_valid(raise_exception=True)
        chosen = preferences.update_settings(
            user_id=cast(User, request.user).id,
            changes=form.validated_data,
            check=lambda current: check_if_match(request, _etag(current)),
        )
        return _answer(Response(SettingsOutput(chosen).data), chosen)


class CompletionView(APIView):
    """For a hint to the caller."""

    @extend_schema(
        operation_id="users_me_profile_completion",
        tags=["users"],
        summary="How much of my profile is filled in",
        responses={200: CompletionOutput},
    )
    def get(self, request: Request) -> Response:
        user = selectors.get_user(cast(User, request.user).id)
        return Response(CompletionOutput(profile_completion(user)._asdict()).data)


class ExportView(APIView):
    """A zip, made in the background."""

    permission_classes = (HasSession,)

    @extend_schema(
        operation_id="users_me_export_get",
        tags=["users"],
        summary="Where the copy of my data is",
        responses={200: ExportOutput},
    )
    def get(self, request: Request) -> Response:
        state = get_export(cast(User, request.user).id, now=timezone.now())
        return Response(ExportOutput(state).data, headers={"Cache-Control": "no-store"})

    @extend_schema(
        operation_id="users_me_export_create",
        tags=["users"],
        summary="Have a copy of my data made",
        description="Nothing more happens while one is being made.",
        request=None,
        responses={202: OpenApiResponse(ExportOutput, description="It is being made.")},
    )
    def post(self, request: Request) -> Response:
        user_id, now = cast(User, request.user).id, timezone.now()
        limits.spend_proof(user_id=user_id)
        exports.request_export(user_id=user_id, now=now)
        return Response(ExportOutput(get_export(user_id, now=now)).data, status.HTTP_202_ACCEPTED)


def _etag(chosen: UserSettings) -> str:
    return etag_of(*SettingsOutput(chosen).data.values())


def _answer(response: Response, chosen: UserSettings) -> Response:
    set_etag(response, _etag(chosen))
    response["Cache-Control"] = "private, no-cache"
    return response
