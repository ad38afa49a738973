"""The caller as he sees himself."""

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth.api.serializers.profile import OwnUserOutput, UpdateProfileInput
from apps.auth.models import User
from apps.auth.services import accounts
from veza.kit.api.etags import check_if_match, etag_of, not_modified, set_etag


class OwnUserView(APIView):
    """The caller as he sees himself; his address is changed elsewhere, his name never."""

    is_conditional = True

    @extend_schema(
        operation_id="users_me_get",
        tags=["users"],
        summary="My profile",
        responses={200: OwnUserOutput},
    )
    def get(self, request: Request) -> Response:
        user = cast(User, request.user)
        etag = user_etag(user)
        if not_modified(request, etag):
            return _with_etag(Response(status=status.HTTP_304_NOT_MODIFIED), etag)
        return _with_etag(Response(OwnUserOutput(user).data), etag)

    @extend_schema(
        operation_id="users_me_update",
        tags=["users"],
        summary="Change my profile",
        request=UpdateProfileInput,
        responses={200: OwnUserOutput},
    )
    def patch(self, request: Request) -> Response:
        form = UpdateProfileInput(data=request.data)
        form.is_valid(raise_exception=True)
        user = accounts.update_profile(
            user_id=cast(User, request.user).id,
            changes=form.validated_data,
            check=lambda current: check_if_match(request, user_etag(current)),
        )
        return _with_etag(Response(OwnUserOutput(user).data), user_etag(user))


def user_etag(user: User) -> str:
    """Of what the user sees, so that it changes when that does and at no other time."""
    return etag_of(*OwnUserOutput(user).data.values())


def _with_etag(response: Response, etag: str) -> Response:
    set_etag(response, etag)
    response["Cache-Control"] = "private, no-cache"
    return response
