"""What the OpenAPI document says of uploads, and what a process says that takes none."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.track.api.views.tus_requests import BYTES
from veza.kit.api.problems import problem_response
from veza.kit.api.schema import METHOD

VERSION = OpenApiParameter(
    "Tus-Resumable", str, OpenApiParameter.HEADER, required=True, enum=["1.0.0"]
)
CHECKSUM = OpenApiParameter(
    "Upload-Checksum",
    str,
    OpenApiParameter.HEADER,
    description="`sha256`, `sha1` or `md5`, a space, and the digest of this body in Base64.",
)
OFFSET = OpenApiParameter(
    "Upload-Offset", int, OpenApiParameter.HEADER, response=[200, 201, 204],
    description="How many bytes are stored.",
)  # fmt: skip
EXPIRES = OpenApiParameter(
    "Upload-Expires", str, OpenApiParameter.HEADER, response=[200, 201, 204],
    description="Until when the upload is kept, as an HTTP date.",
)  # fmt: skip
GONE = OpenApiResponse(description="`upload_expired`")
LOCKED = OpenApiResponse(description="`upload_locked` or `upload_interrupted`: try again.")
MISMATCH = OpenApiResponse(description="`checksum_mismatch`: nothing of this body is kept.")
TOO_LARGE = OpenApiResponse(
    description="`upload_too_large`, `upload_quota_exceeded` or `upload_length_exceeded`"
)
OLD = OpenApiResponse(description="`tus_version_unsupported`")
FULL = OpenApiResponse(description="`storage_full`")
ELSEWHERE = OpenApiResponse(description="`not_a_stream_server`: this process takes no uploads.")


class _NativeView(APIView):
    """Uploads are answered by the ASGI process before Django is asked.

    So a request reaches this view only in a process that cannot read bodies as they come.
    """

    def refuse(self, request: Request) -> HttpResponse:
        """421."""
        return problem_response(
            request,
            status=421,
            code="not_a_stream_server",
            detail="This process takes no uploads. Send the request to one of `manage.py web`.",
        )


class UploadsView(_NativeView):
    """Where uploads are made."""

    @extend_schema(
        operation_id="create_upload",
        tags=["uploads"],
        summary="Begin an upload",
        description="Creation of the tus protocol 1.0.0; the body may bring the first bytes.",
        parameters=[
            VERSION,
            OpenApiParameter("Upload-Length", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter(
                "Upload-Metadata",
                str,
                OpenApiParameter.HEADER,
                description="`filename <Base64>,filetype <Base64>`",
            ),
            CHECKSUM,
            OpenApiParameter(
                "Location", str, OpenApiParameter.HEADER, response=[201],
                description="The upload; its id is the last segment.",
            ),
            OFFSET,
            EXPIRES,
        ],
        request={BYTES: OpenApiTypes.BINARY},
        responses={
            201: None, 412: OLD, 413: TOO_LARGE, 421: ELSEWHERE, 460: MISMATCH, 507: FULL,
        },
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        return self.refuse(request)


class UploadView(_NativeView):
    """One upload."""

    @extend_schema(
        operation_id="describe_upload",
        tags=["uploads"],
        summary="Ask how far an upload has come",
        extensions={METHOD: "head"},
        parameters=[VERSION, OFFSET, EXPIRES],
        responses={200: None, 404: None, 410: GONE, 412: OLD, 421: ELSEWHERE},
    )
    def get(self, request: Request, upload_id: UUID) -> HttpResponse:
        return self.refuse(request)

    @extend_schema(
        operation_id="append_to_upload",
        tags=["uploads"],
        summary="Send bytes",
        parameters=[
            VERSION,
            OpenApiParameter(
                "Upload-Offset", int, OpenApiParameter.HEADER, required=True,
                description="Where the bytes begin: as many as are stored.",
            ),
            CHECKSUM,
            EXPIRES,
        ],
        request={BYTES: OpenApiTypes.BINARY},
        responses={
            204: None,
            409: OpenApiResponse(description="`upload_offset_conflict`: ask with HEAD."),
            410: GONE, 412: OLD, 413: TOO_LARGE, 421: ELSEWHERE, 423: LOCKED, 460: MISMATCH,
            507: FULL,
        },
    )  # fmt: skip
    def patch(self, request: Request, upload_id: UUID) -> HttpResponse:
        return self.refuse(request)

    @extend_schema(
        operation_id="terminate_upload",
        tags=["uploads"],
        summary="Give an upload up",
        parameters=[VERSION],
        responses={
            204: None,
            409: OpenApiResponse(description="`upload_used`: a track was made of it."),
            410: GONE, 412: OLD, 421: ELSEWHERE,
        },
    )  # fmt: skip
    def delete(self, request: Request, upload_id: UUID) -> HttpResponse:
        return self.refuse(request)
