"""Uploads whose bytes go to the bucket and not through us."""

from typing import cast
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.track.api.serializers.shown import caller_id
from apps.track.api.serializers.uploads import (
    CompleteUploadInput,
    DirectUploadInput,
    DirectUploadOutput,
    UploadOutput,
)
from apps.track.rules.parts import sizes_of_parts
from apps.track.services import direct_uploads


class DirectUploadsView(APIView):
    """Where files lie in a bucket."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="create_direct_upload",
        tags=["uploads"],
        summary="Begin an upload straight to the storage",
        description=(
            "Send each part with PUT to its address, and keep the ETag of each answer. DELETE of"
            " the upload gives it up."
        ),
        request=DirectUploadInput,
        responses={
            201: DirectUploadOutput,
            409: OpenApiResponse(description="`direct_upload_unavailable`"),
            413: OpenApiResponse(description="`upload_too_large` or `upload_quota_exceeded`"),
        },
    )
    def post(self, request: Request) -> Response:
        form = DirectUploadInput(data=request.data)
        form.is_valid(raise_exception=True)
        begun = direct_uploads.begin_direct_upload(
            user_id=cast(UUID, caller_id(request)),
            filename=form.validated_data["filename"],
            size_bytes=form.validated_data["size_bytes"],
            part_size_bytes=form.validated_data.get("part_size_bytes"),
            now=timezone.now(),
        )
        row = begun.row
        part_size_bytes = row.part_size_bytes or row.size_bytes
        sizes = sizes_of_parts(row.size_bytes, part_size_bytes=part_size_bytes)
        body = {
            "upload_id": row.id,
            "part_size_bytes": part_size_bytes,
            "parts": [
                {"n": n, "size_bytes": size, "url": begun.urls[n]}
                for n, size in enumerate(sizes, start=1)
            ],
            "expires_at": row.expires_at,
        }
        location = f"{request.path.rpartition('/')[0]}/{row.id}"
        return Response(
            DirectUploadOutput(body).data, status.HTTP_201_CREATED, headers={"Location": location}
        )


class CompleteUploadView(APIView):
    """Its owner has sent all parts."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="complete_direct_upload",
        tags=["uploads"],
        summary="Put the parts of an upload together",
        description="A repeat answers the same.",
        request=CompleteUploadInput,
        responses={
            200: UploadOutput,
            400: OpenApiResponse(description="`upload_parts_mismatch` on `parts`"),
            409: OpenApiResponse(
                description="`upload_incomplete`, `upload_not_direct`, `upload_used`"
            ),
            410: OpenApiResponse(description="`upload_expired`"),
            423: OpenApiResponse(description="`upload_locked`: another call is at it."),
        },
    )
    def post(self, request: Request, upload_id: UUID) -> Response:
        form = CompleteUploadInput(data=request.data)
        form.is_valid(raise_exception=True)
        row = direct_uploads.complete_direct_upload(
            upload_id=upload_id,
            user_id=cast(UUID, caller_id(request)),
            told=form.validated_data["parts"],
            now=timezone.now(),
        )
        return Response(UploadOutput(row).data)
