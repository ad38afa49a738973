"""Who else may change the items of a playlist."""

from typing import cast
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.track.api.serializers.collaborators import CollaboratorOutput
from apps.track.api.serializers.shown import caller_id
from apps.track.api.views.collaborators import CollaboratorList
from apps.track.api.views.playlists import ABSENT, DONE
from apps.track.selectors.playlists import list_collaborators
from apps.track.services import playlists


class CollaboratorsView(CollaboratorList):
    """For the owner and who may change the items."""

    @extend_schema(
        operation_id="playlists_collaborators_list",
        tags=["playlists"],
        summary="Who else may change the items",
        responses={200: CollaboratorOutput(many=True), 404: ABSENT},
    )
    def get(self, request: Request, playlist_id: UUID) -> Response:
        return self.show(list_collaborators(playlist_id, user_id=_user_id(request)))


class CollaboratorView(APIView):
    """Somebody who may change the items."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="playlists_collaborators_add",
        tags=["playlists"],
        summary="Let somebody change the items",
        request=None,
        responses={204: DONE, 404: OpenApiResponse(description="`user_not_found` or the playlist")},
    )
    def put(self, request: Request, playlist_id: UUID, username: str) -> Response:
        playlists.add_collaborator(
            playlist_id=playlist_id, user_id=_user_id(request), username=username
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="playlists_collaborators_remove",
        tags=["playlists"],
        summary="Let somebody change the items no more",
        description="By the owner, or by the collaborator who leaves.",
        responses={204: DONE, 404: ABSENT},
    )
    def delete(self, request: Request, playlist_id: UUID, username: str) -> Response:
        playlists.remove_collaborator(
            playlist_id=playlist_id, user_id=_user_id(request), username=username
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _user_id(request: Request) -> UUID:
    return cast(UUID, caller_id(request))
