"""Who else may edit a track."""

from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth.selectors import list_cards
from apps.track.api.serializers.collaborators import CollaboratorOutput
from apps.track.api.serializers.shown import caller_id
from apps.track.selectors.collaborators import list_collaborators
from apps.track.services import collaborators

ABSENT = OpenApiResponse(description="`track_not_found`")
DONE = OpenApiResponse(description="Done.")


class CollaboratorList(GenericAPIView):
    """A list of collaborators, whatever they work on."""

    permission_classes = (IsAuthenticated,)
    serializer_class = CollaboratorOutput
    ordering_fields = ("created_at",)
    ordering = "created_at"

    def show(self, found: QuerySet[Any]) -> Response:
        """A page of these rows, each of a `user_id`."""
        rows = list(self.paginate_queryset(found) or ())
        cards = list_cards(row.user_id for row in rows)
        told = [{"user": cards.get(row.user_id), "added_at": row.created_at} for row in rows]
        return self.get_paginated_response(CollaboratorOutput(told, many=True).data)


class CollaboratorsView(CollaboratorList):
    """For the owner and who may edit the track."""

    @extend_schema(
        operation_id="tracks_collaborators_list",
        tags=["tracks"],
        summary="Who else may edit a track",
        responses={200: CollaboratorOutput(many=True), 404: ABSENT},
    )
    def get(self, request: Request, track_id: UUID) -> Response:
        return self.show(list_collaborators(track_id, user_id=_user_id(request)))


class CollaboratorView(APIView):
    """Somebody who may edit the track."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="tracks_collaborators_add",
        tags=["tracks"],
        summary="Let somebody edit a track",
        request=None,
        responses={204: DONE, 404: OpenApiResponse(description="`user_not_found` or the track")},
    )
    def put(self, request: Request, track_id: UUID, username: str) -> Response:
        collaborators.add_collaborator(
            track_id=track_id, user_id=_user_id(request), username=username
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="tracks_collaborators_remove",
        tags=["tracks"],
        summary="Let somebody edit a track no more",
        description="By the owner, or by the collaborator who leaves.",
        responses={204: DONE, 404: ABSENT},
    )
    def delete(self, request: Request, track_id: UUID, username: str) -> Response:
        collaborators.remove_collaborator(
            track_id=track_id, user_id=_user_id(request), username=username
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _user_id(request: Request) -> UUID:
    return cast(UUID, caller_id(request))
