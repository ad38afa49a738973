"""Tokens for programs."""

from typing import cast
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth import selectors
from apps.auth.api.permissions import HasSession, SteppedUp
from apps.auth.api.serializers.access_tokens import (
    AccessTokenInput,
    AccessTokenOutput,
    NewAccessTokenOutput,
)
from apps.auth.api.views.factors import STEP_UP
from apps.auth.api.views.sign_in import SECRET
from apps.auth.models import AccessToken
from apps.auth.services import access_tokens
from apps.auth.types import Claims

NOT_ALLOWED = OpenApiResponse(description="`step_up_required`, `email_not_verified`.")


class AccessTokensView(ListAPIView):
    """Those of the caller."""

    serializer_class = AccessTokenOutput
    ordering_fields = ("created_at", "expires_at")
    ordering = "-created_at"

    def get_permissions(self) -> list[BasePermission]:
        return [HasSession(), SteppedUp()] if self.request.method == "POST" else [HasSession()]

    def get_queryset(self) -> QuerySet[AccessToken]:
        return selectors.list_access_tokens(cast(Claims, self.request.auth).user_id)

    @extend_schema(operation_id="auth_tokens_list", tags=["auth"], summary="My access tokens")
    def get(self, request: Request) -> Response:
        return self.list(request)

    @extend_schema(
        operation_id="auth_tokens_create",
        tags=["auth"],
        summary="Make an access token for a program",
        description="Needs a verified e-mail address and step-up.",
        request=AccessTokenInput,
        responses={
            201: NewAccessTokenOutput,
            403: NOT_ALLOWED,
            409: OpenApiResponse(description="`access_token_limit`"),
        },
    )
    def post(self, request: Request) -> Response:
        form = AccessTokenInput(data=request.data)
        form.is_valid(raise_exception=True)
        made = access_tokens.create_token(
            user_id=cast(Claims, request.auth).user_id,
            purpose=access_tokens.TokenPurpose(**form.validated_data),
            now=timezone.now(),
        )
        body = {**AccessTokenOutput(made.row).data, "token": made.token}
        return Response(body, status.HTTP_201_CREATED, headers=SECRET)


class AccessTokenView(APIView):
    """One of the caller's."""

    permission_classes = (HasSession,)

    @extend_schema(
        operation_id="auth_tokens_delete",
        tags=["auth"],
        summary="Revoke an access token",
        responses={
            204: OpenApiResponse(description="It works no more."),
            403: STEP_UP,
            404: OpenApiResponse(description="`access_token_not_found`"),
        },
    )
    def delete(self, request: Request, token_id: UUID) -> Response:
        access_tokens.revoke_token(
            user_id=cast(Claims, request.auth).user_id, token_id=token_id, now=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
