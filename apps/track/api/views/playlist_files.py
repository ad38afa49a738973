"""Playlists as files."""

from typing import cast
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.track.api.serializers.playlists import (
    ExportInput,
    ImportForm,
    ImportOutput,
    ImportTexts,
    MissingOutput,
)
from apps.track.api.serializers.shown import address_for, caller_id
from apps.track.api.views.playlists import ABSENT, playlist_bodies
from apps.track.api.views.streams import AnyAccept
from apps.track.errors import PlaylistFileInvalidError, PlaylistFileTooLargeError
from apps.track.rules.playlist_files import MAX_BYTES, as_jspf, as_m3u
from apps.track.selectors.playlist_files import export_playlist
from apps.track.selectors.playlists import get_playlist
from apps.track.services.playlist_imports import import_playlist, read_file
from veza.kit.api.idempotency import IdempotentMixin
from veza.kit.api.parsers import read_json
from veza.kit.api.renderers import JSONRenderer
from veza.kit.api.uploads import FIELD, FileFormParser, FileParser, find_upload
from veza.kit.errors import FieldError

M3U, HLS, JSPF = "audio/x-mpegurl", "application/vnd.apple.mpegurl", "application/jspf+json"


class AudioListParser(FileParser):
    """`audio/mpegurl`, `audio/x-mpegurl`."""

    media_type = "audio/*"


class AppleListParser(FileParser):
    media_type = HLS


class JspfParser(FileParser):
    media_type = JSPF


class ExportView(APIView):
    """For everyone who may see the playlist."""

    permission_classes = (IsAuthenticatedOrReadOnly,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="playlists_export",
        tags=["playlists"],
        summary="A playlist as a file",
        description="Extended M3U or JSPF, with the tracks that the caller may see. The addresses"
        " are not signed: they work for everyone where a track is public, else with a token.",
        parameters=[ExportInput],
        responses={
            (200, M3U): OpenApiTypes.STR,
            (200, JSPF): OpenApiTypes.OBJECT,
            404: ABSENT,
        },
    )
    def get(self, request: Request, playlist_id: UUID) -> HttpResponseBase:
        wanted = ExportInput(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        playlist = export_playlist(
            playlist_id,
            user_id=caller_id(request),
            address=address_for(request),
            now=timezone.now(),
        )
        form = wanted.validated_data["form"]
        content: str | bytes = as_m3u(playlist)
        if form == "jspf":
            content = JSONRenderer().render(as_jspf(playlist))
        name = content_disposition_header(as_attachment=True, filename=f"{playlist.title}.{form}")
        return HttpResponse(
            content,
            content_type=JSPF if form == "jspf" else f"{M3U}; charset=utf-8",
            headers={
                "Content-Disposition": name or "attachment",
                "Cache-Control": "private, no-cache",
                "X-Content-Type-Options": "nosniff",
            },
        )


class ImportView(IdempotentMixin, APIView):
    """For everyone who is signed in."""

    permission_classes = (IsAuthenticated,)
    parser_classes = (FileFormParser, AudioListParser, AppleListParser, JspfParser)

    @extend_schema(
        operation_id="playlists_import",
        tags=["playlists"],
        summary="Make a playlist of a file",
        description="M3U8, M3U or JSPF, judged by its content; at most 2 MiB and 10,000 entries. An"
        " entry is one of our tracks by our address or id, else by its title and artist. With the"
        " file as the body, `title` and `visibility` are parameters of the address.",
        parameters=[ImportTexts],
        request={
            "multipart/form-data": ImportForm,
            M3U: OpenApiTypes.BINARY,
            HLS: OpenApiTypes.BINARY,
            JSPF: OpenApiTypes.BINARY,
        },
        responses={
            201: ImportOutput,
            400: OpenApiResponse(description="`playlist_file_invalid`"),
            413: OpenApiResponse(description="`playlist_file_too_large`, `body_too_large`"),
        },
    )
    def post(self, request: Request) -> Response:
        file = find_upload(request, max_bytes=MAX_BYTES, too_large=PlaylistFileTooLargeError)
        if file is None:
            detail = "Send the playlist as `file`."
            raise PlaylistFileInvalidError(
                fields=[FieldError(field=FIELD, code="required", detail=detail)]
            )
        form = ImportTexts(
            data={**request.query_params.dict(), **cast(QueryDict, request.data).dict()}
        )
        form.is_valid(raise_exception=True)
        user_id = cast(UUID, caller_id(request))
        read = read_file(file.read(), read_json=read_json)
        made = import_playlist(user_id=user_id, told=form.validated_data, read=read)
        [body] = playlist_bodies([get_playlist(made.playlist.id, user_id=user_id)])
        location = f"{request.path.rstrip('/').removesuffix('/import')}/{made.playlist.id}"
        missing = MissingOutput(made.not_found, many=True).data
        return Response(
            {"playlist": body, "added": made.added, "not_found": missing},
            status.HTTP_201_CREATED,
            headers={"Location": location},
        )
