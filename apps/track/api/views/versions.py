"""Versions of a track."""

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

from apps.track.api.serializers.shown import caller_id
from apps.track.api.serializers.versions import AddVersionInput, VersionOutput
from apps.track.selectors.status import list_versions
from apps.track.services import versions
from veza.kit.api.idempotency import IdempotentMixin

ABSENT = OpenApiResponse(description="`track_not_found`, `version_not_found`")


class VersionsView(IdempotentMixin, GenericAPIView):
    """For the owner and who may edit the track."""

    permission_classes = (IsAuthenticated,)
    serializer_class = VersionOutput
    ordering_fields = ("n", "created_at")
    ordering = "-n"

    @extend_schema(
        operation_id="tracks_versions_list",
        tags=["tracks"],
        summary="The versions of a track",
        responses={200: VersionOutput(many=True), 404: ABSENT},
    )
    def get(self, request: Request, track_id: UUID) -> Response:
        found = list_versions(track_id, user_id=cast(UUID, caller_id(request)))
        page = self.paginate_queryset(found)
        return self.get_paginated_response(VersionOutput(page, many=True).data)

    @extend_schema(
        operation_id="tracks_versions_create",
        tags=["tracks"],
        summary="Upload a new version of a track",
        request=AddVersionInput,
        responses={202: VersionOutput, 404: ABSENT},
    )
    def post(self, request: Request, track_id: UUID) -> Response:
        form = AddVersionInput(data=request.data)
        form.is_valid(raise_exception=True)
        user_id = cast(UUID, caller_id(request))
        made = versions.add_version(
            track_id=track_id,
            user_id=user_id,
            upload_id=form.validated_data["upload_id"],
            note=form.validated_data.get("note", ""),
            now=timezone.now(),
        )
        row = list_versions(track_id, user_id=user_id).get(pk=made.pk)
        return Response(VersionOutput(row).data, status.HTTP_202_ACCEPTED)


class ActivateView(APIView):
    """For the owner and who may edit the track."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="tracks_versions_activate",
        tags=["tracks"],
        summary="Make a version the one that is heard",
        request=None,
        responses={
            200: VersionOutput,
            404: ABSENT,
            409: OpenApiResponse(description="`version_not_ready`"),
        },
    )
    def post(self, request: Request, track_id: UUID, n: int) -> Response:
        user_id = cast(UUID, caller_id(request))
        chosen = versions.activate_version(
            track_id=track_id, user_id=user_id, n=n, now=timezone.now()
        )
        row = list_versions(track_id, user_id=user_id).get(pk=chosen.pk)
        return Response(VersionOutput(row).data)
