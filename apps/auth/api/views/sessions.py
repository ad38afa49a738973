"""Where the caller is signed in."""

from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth import selectors
from apps.auth.api.permissions import HasSession
from apps.auth.api.serializers.sessions import SessionOutput
from apps.auth.models import Session
from apps.auth.services import sessions
from apps.auth.types import Claims, RevokedReason
from apps.events.types import Actor


class SessionsView(ListAPIView):
    """All of the caller's."""

    permission_classes = (HasSession,)
    serializer_class = SessionOutput
    ordering_fields = ("last_used_at", "created_at")
    ordering = "-last_used_at"

    def get_queryset(self) -> QuerySet[Session]:
        return selectors.list_sessions(_claims(self.request).user_id, now=timezone.now())

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "session_id": _claims(self.request).session_id}

    @extend_schema(operation_id="auth_sessions_list", tags=["auth"], summary="Where I am signed in")
    def get(self, request: Request) -> Response:
        return self.list(request)

    @extend_schema(
        operation_id="auth_sessions_delete_others",
        tags=["auth"],
        summary="Sign out everywhere else",
        responses={204: OpenApiResponse(description="All sessions but this one have ended.")},
    )
    def delete(self, request: Request) -> Response:
        claims = _claims(request)
        sessions.revoke_sessions(
            user_id=claims.user_id,
            reason=RevokedReason.BY_OWNER,
            now=timezone.now(),
            actor=Actor(type="user", id=claims.user_id),
            keep_session_id=claims.session_id,
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionView(APIView):
    """One of the caller's."""

    permission_classes = (HasSession,)

    @extend_schema(
        operation_id="auth_sessions_delete",
        tags=["auth"],
        summary="Sign out there",
        description="Its tokens stop working, and what is open under it is closed.",
        responses={
            204: OpenApiResponse(description="The session has ended."),
            404: OpenApiResponse(description="`session_not_found`"),
        },
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        sessions.revoke_own_session(
            user_id=_claims(request).user_id, session_id=session_id, now=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _claims(request: Request) -> Claims:
    return cast(Claims, request.auth)
