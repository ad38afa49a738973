"""The caller's own avatar and banner."""

from collections.abc import Callable
from typing import IO, ClassVar, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth.api.serializers.pictures import PictureForm
from apps.auth.api.serializers.profile import OwnUserOutput
from apps.auth.api.views.profile import user_etag, with_etag
from apps.auth.models import User
from apps.auth.services import pictures
from apps.auth.types import PictureKind
from veza.kit.api.etags import check_if_match
from veza.kit.api.uploads import FIELD, FileFormParser, ImageParser, find_upload
from veza.kit.errors import FieldError
from veza.kit.pictures import MAX_BYTES, PictureInvalidError, PictureTooLargeError

BODY = {
    "multipart/form-data": PictureForm,
    "image/jpeg": OpenApiTypes.BINARY,
    "image/png": OpenApiTypes.BINARY,
    "image/webp": OpenApiTypes.BINARY,
}
INVALID = OpenApiResponse(description="`image_invalid`: no complete JPEG, PNG or WebP picture.")
TOO_LARGE = OpenApiResponse(
    description="`image_too_large`: more than 10 MiB or 40 megapixels. `body_too_large`: so much"
    " that it was not read."
)
FULL = OpenApiResponse(description="`storage_full`: there is no room left.")


class PictureView(APIView):
    """One picture of the caller; If-Match names the version of `/users/me`."""

    is_conditional = True
    parser_classes = (FileFormParser, ImageParser)
    kind: ClassVar[PictureKind]

    def put(self, request: Request) -> Response:
        user = pictures.set_picture(
            user_id=cast(User, request.user).id,
            kind=self.kind,
            source=_picture(request),
            check=lambda current: check_if_match(request, user_etag(current)),
        )
        return with_etag(Response(OwnUserOutput(user).data), user_etag(user))

    def delete(self, request: Request) -> Response:
        pictures.remove_picture(
            user_id=cast(User, request.user).id,
            kind=self.kind,
            check=lambda current: check_if_match(request, user_etag(current)),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _picture(request: Request) -> IO[bytes]:
    upload = find_upload(request, max_bytes=MAX_BYTES, too_large=PictureTooLargeError)
    if upload is None:
        missing = FieldError(field=FIELD, code="required", detail="Send the picture as `file`.")
        raise PictureInvalidError(fields=[missing])
    return upload


def _described(noun: str, sizes: str) -> Callable[[type[PictureView]], type[PictureView]]:
    return extend_schema_view(
        put=extend_schema(
            operation_id=f"users_me_{noun}_put",
            tags=["users"],
            summary=f"Upload my {noun}",
            description=(
                "JPEG, PNG or WebP, judged by its content; at most 10 MiB and 40 megapixels. It is"
                f" drawn anew as WebP in the sizes {sizes}, upright, cut to fit from its middle,"
                " without any metadata; of an animation the first frame."
            ),
            request=BODY,
            responses={200: OwnUserOutput, 400: INVALID, 413: TOO_LARGE, 507: FULL},
        ),
        delete=extend_schema(
            operation_id=f"users_me_{noun}_delete",
            tags=["users"],
            summary=f"Remove my {noun}",
            description="Whether it was uploaded or lies elsewhere. A repeat changes nothing.",
            responses={204: None},
        ),
    )


@_described("avatar", "64x64, 256x256 and 512x512")
class AvatarView(PictureView):
    kind = PictureKind.AVATAR


@_described("banner", "600x200 and 1500x500")
class BannerView(PictureView):
    kind = PictureKind.BANNER
