"""The picture of a playlist."""

from typing import IO, cast
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.track.api.serializers.playlists import ArtworkForm, PlaylistOutput
from apps.track.api.serializers.shown import caller_id
from apps.track.api.views.playlists import ABSENT, DONE, playlist_bodies, playlist_etag, with_etag
from apps.track.selectors.playlists import get_playlist
from apps.track.services import artwork
from veza.kit.api.etags import check_if_match
from veza.kit.api.uploads import FIELD, FileFormParser, ImageParser, find_upload
from veza.kit.errors import FieldError
from veza.kit.pictures import MAX_BYTES, PictureInvalidError, PictureTooLargeError


class ArtworkView(APIView):
    """For the owner."""

    is_conditional = True
    permission_classes = (IsAuthenticated,)
    parser_classes = (FileFormParser, ImageParser)

    @extend_schema(
        operation_id="playlists_artwork_put",
        tags=["playlists"],
        summary="Upload the picture of a playlist",
        description=(
            "JPEG, PNG or WebP, judged by its content; at most 10 MiB and 40 megapixels. It is"
            " drawn anew as WebP of 160x160 and 640x640, cut to fit from its middle. Without one"
            " the playlist shows that of its first public track."
        ),
        request={
            "multipart/form-data": ArtworkForm,
            "image/jpeg": OpenApiTypes.BINARY,
            "image/png": OpenApiTypes.BINARY,
            "image/webp": OpenApiTypes.BINARY,
        },
        responses={
            200: PlaylistOutput,
            400: OpenApiResponse(description="`image_invalid`"),
            404: ABSENT,
            413: OpenApiResponse(description="`image_too_large`, `body_too_large`"),
            507: OpenApiResponse(description="`storage_full`"),
        },
    )
    def put(self, request: Request, playlist_id: UUID) -> Response:
        user_id = cast(UUID, caller_id(request))
        changed = artwork.set_artwork(
            playlist_id=playlist_id,
            user_id=user_id,
            source=_picture(request),
            check=lambda current: check_if_match(request, playlist_etag(current)),
        )
        [body] = playlist_bodies([get_playlist(playlist_id, user_id=user_id)])
        return with_etag(Response(body), playlist_etag(changed))

    @extend_schema(
        operation_id="playlists_artwork_delete",
        tags=["playlists"],
        summary="Remove the picture of a playlist",
        responses={204: DONE, 404: ABSENT},
    )
    def delete(self, request: Request, playlist_id: UUID) -> Response:
        artwork.remove_artwork(
            playlist_id=playlist_id,
            user_id=cast(UUID, caller_id(request)),
            check=lambda current: check_if_match(request, playlist_etag(current)),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _picture(request: Request) -> IO[bytes]:
    upload = find_upload(request, max_bytes=MAX_BYTES, too_large=PictureTooLargeError)
    if upload is None:
        missing = FieldError(field=FIELD, code="required", detail="Send the picture as `file`.")
        raise PictureInvalidError(fields=[missing])
    return upload
