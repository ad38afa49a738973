"""Signing in at a provider, and the logins that are linked to an account."""

from typing import cast
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth import selectors
from apps.auth.api.permissions import HasSession, SteppedUp, SteppedUpToLink
from apps.auth.api.serializers.sign_in import SignInOutput
from apps.auth.api.serializers.social import (
    SocialBeginInput,
    SocialBeginOutput,
    SocialFinishInput,
    SocialIdentityOutput,
    SocialProviderOutput,
    SocialProvidersOutput,
)
from apps.auth.api.views.factors import STEP_UP
from apps.auth.api.views.sign_in import OWN_ADDRESS, SECRET, sign_in_body
from apps.auth.models import User
from apps.auth.services import limits, social, social_accounts
from apps.auth.types import Claims
from veza.kit.api.requests import client_of

IDENTITIES = "/api/v1/auth/social/identities"
UNKNOWN = OpenApiResponse(description="`social_provider_unknown`")
AWAY = OpenApiResponse(description="`social_provider_away`")
NOT_SIGNED_IN = OpenApiResponse(
    description=(
        "`social_state_invalid`, `social_refused`, `invalid_credentials`; with a second factor on,"
        " `otp_required` and `otp_invalid`: send the same again with `otp`."
    )
)
EXISTS = OpenApiResponse(
    description="`account_exists`: the address, or the login, belongs to an account. Link it."
)
SIGNED_IN_OR_LINKED = PolymorphicProxySerializer(
    component_name="SocialFinishOutput",
    serializers=[SignInOutput, SocialIdentityOutput],
    resource_type_field_name=None,
)


class ProvidersView(APIView):
    """Open to everyone, for the buttons of a sign-in page."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="auth_social_providers",
        tags=["auth"],
        summary="Providers to sign in by",
        responses={200: SocialProvidersOutput},
        auth=[],
    )
    def get(self, request: Request) -> Response:
        providers = SocialProviderOutput(selectors.list_providers(), many=True).data
        return Response({"results": providers, "next": None, "previous": None})


class BeginView(APIView):
    """Open to everyone; with a token it links."""

    permission_classes = (AllowAny, SteppedUpToLink)

    @extend_schema(
        operation_id="auth_social_begin",
        tags=["auth"],
        summary="Begin to sign in at a provider",
        description=(
            "Good for ten minutes and one answer. With `Authorization` the login is linked to the"
            " caller's account instead, which needs step-up."
        ),
        request=SocialBeginInput,
        responses={200: SocialBeginOutput, 403: STEP_UP, 404: UNKNOWN, 503: AWAY},
    )
    def post(self, request: Request, name: str) -> Response:
        form = SocialBeginInput(data=request.data)
        form.is_valid(raise_exception=True)
        limits.spend_social(address=client_of(request).address)
        begun = social.begin(
            provider=name,
            redirect_uri=form.validated_data["redirect_uri"],
            user=cast(User, request.user) if request.auth else None,
            session_id=_session_id(request),
            now=timezone.now(),
        )
        return Response(SocialBeginOutput(begun).data, headers=SECRET)


class FinishView(APIView):
    """Open to everyone: state, code and secret say who it is. Who links sends his token, too."""

    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="auth_social_finish",
        tags=["auth"],
        summary="Finish signing in at a provider",
        description=(
            "200 signed in, 201 with a new account. After a `begin` with `Authorization` it is"
            " needed here too, and the answer is the linked login: 201, or 200 when it was linked"
            " already; all other sessions end."
        ),
        request=SocialFinishInput,
        responses={
            200: SIGNED_IN_OR_LINKED,
            201: SIGNED_IN_OR_LINKED,
            401: NOT_SIGNED_IN,
            404: UNKNOWN,
            409: EXISTS,
            503: AWAY,
        },
    )
    def post(self, request: Request, name: str) -> Response:
        form = SocialFinishInput(data=request.data)
        form.is_valid(raise_exception=True)
        client = client_of(request)
        limits.spend_social(address=client.address)
        finished = social.finish(
            provider=name,
            answer=form.to_answer(),
            session_id=_session_id(request),
            client=client,
            now=timezone.now(),
        )
        return _finished(finished)


class IdentitiesView(GenericAPIView):
    """Those of the caller."""

    permission_classes = (HasSession,)
    serializer_class = SocialIdentityOutput

    @extend_schema(
        operation_id="auth_social_identities_list",
        tags=["auth"],
        summary="Logins of providers that open my account",
        responses={200: SocialIdentityOutput(many=True), 403: STEP_UP},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(selectors.list_identities(cast(User, request.user).id))
        return self.get_paginated_response(SocialIdentityOutput(page, many=True).data)


class IdentityView(APIView):
    """One of the caller's."""

    permission_classes = (IsAuthenticated, SteppedUp)

    @extend_schema(
        operation_id="auth_social_identities_delete",
        tags=["auth"],
        summary="Unlink a login",
        description="All other sessions of the account end.",
        responses={
            204: OpenApiResponse(description="It opens the account no more."),
            403: STEP_UP,
            404: OpenApiResponse(description="`social_identity_not_found`"),
            409: OpenApiResponse(description="`last_credential`: nothing else signs in."),
        },
    )
    def delete(self, request: Request, identity_id: UUID) -> Response:
        social_accounts.unlink(
            user=cast(User, request.user),
            session_id=cast(Claims, request.auth).session_id,
            identity_id=identity_id,
            now=timezone.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _session_id(request: Request) -> UUID | None:
    return request.auth.session_id if isinstance(request.auth, Claims) else None


def _finished(finished: social.Finished) -> Response:
    code = status.HTTP_201_CREATED if finished.is_new else status.HTTP_200_OK
    if finished.signed_in:
        body, address = sign_in_body(finished.signed_in), OWN_ADDRESS
    else:
        assert finished.linked is not None  # noqa: S101 - it is one or the other
        body = dict(SocialIdentityOutput(finished.linked).data)
        address = f"{IDENTITIES}/{finished.linked.id}"
    headers = SECRET | ({"Location": address} if finished.is_new else {})
    return Response(body, code, headers=headers)
