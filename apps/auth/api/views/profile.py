"""The caller as he sees himself."""

from typing import cast

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth import selectors
from apps.auth.api.serializers.profile import (
    OwnUserOutput,
    PublicUserOutput,
    UpdateProfileInput,
)
from apps.auth.api.serializers.settings import EraseInput, EraseOutput
from apps.auth.errors import StepUpRequiredError
from apps.auth.models import User
from apps.auth.selectors.profiles import get_public_profile, profile_counts
from apps.auth.services import accounts, erasure, limits
from apps.auth.types import Claims
from veza.kit.api.caching import PublicAnswers, Until
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
        user = selectors.get_user(cast(User, request.user).id)
        etag = user_etag(user)
        if not_modified(request, etag):
            return with_etag(Response(status=status.HTTP_304_NOT_MODIFIED), etag)
        return with_etag(Response(OwnUserOutput(user).data), etag)

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
        return with_etag(Response(OwnUserOutput(user).data), user_etag(user))

    @extend_schema(
        operation_id="users_me_delete",
        tags=["users"],
        summary="Erase my account",
        description=(
            "In 14 days; signing in before then cancels it. All sessions end now. The second"
            " factor is asked for, too; an account without a password needs step-up instead."
        ),
        request=EraseInput,
        responses={
            202: EraseOutput,
            401: OpenApiResponse(
                description="`invalid_credentials`, `otp_required`, `otp_invalid`"
            ),
            403: OpenApiResponse(description="`step_up_required`"),
            409: OpenApiResponse(description="`last_admin`"),
        },
    )
    def delete(self, request: Request) -> Response:
        form = EraseInput(data=request.data)
        form.is_valid(raise_exception=True)
        if not isinstance(request.auth, Claims):
            raise StepUpRequiredError
        claims = request.auth
        limits.spend_proof(user_id=claims.user_id)
        erase_at = erasure.request_erasure(
            user_id=claims.user_id,
            session_id=claims.session_id,
            now=timezone.now(),
            **form.validated_data,
        )
        return Response(EraseOutput({"erase_at": erase_at}).data, status.HTTP_202_ACCEPTED)


class PublicUserView(PublicAnswers, APIView):
    """Open to everyone. Its counters may be behind by CACHE_TTL_S."""

    kept_until = Until(facts=("user.updated", "user.deleted"))
    is_conditional = True
    permission_classes = ()

    @extend_schema(
        operation_id="users_get",
        tags=["users"],
        summary="Somebody's profile",
        responses={200: PublicUserOutput, 404: OpenApiResponse(description="`user_not_found`")},
    )
    def get(self, request: Request, username: str) -> Response:
        user = get_public_profile(username)
        output = PublicUserOutput(user, context={"counts": profile_counts(user.id)})
        etag = etag_of(*output.data.values())
        if not_modified(request, etag):
            return with_etag(Response(status=status.HTTP_304_NOT_MODIFIED), etag)
        return with_etag(Response(output.data), etag)


def user_etag(user: User) -> str:
    """Of what the user sees, so that it changes when that does and at no other time."""
    return etag_of(*OwnUserOutput(user).data.values())


def with_etag(response: Response, etag: str) -> Response:
    """The answer about this version of the user."""
    set_etag(response, etag)
    response["Cache-Control"] = "private, no-cache"
    return response
