"""Playlists."""

from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.auth.selectors import list_cards
from apps.track.api.serializers.playlists import (
    AddItemInput,
    CreatePlaylistInput,
    ListPlaylistsInput,
    MoveItemInput,
    PlaylistItemOutput,
    PlaylistOutput,
    UpdatePlaylistInput,
    told_after,
)
from apps.track.api.serializers.shown import (
    TOLD_OF_PEOPLE,
    TOLD_OF_TRACKS,
    caller_id,
    show_all,
)
from apps.track.models import Playlist, PlaylistItem, Track
from apps.track.selectors.playlists import (
    get_playlist,
    list_items,
    list_playlists,
    show_playlists,
)
from apps.track.selectors.smart import list_smart_tracks, smart_ordering
from apps.track.services import playlists
from veza.kit.api.caching import PublicAnswers, Until
from veza.kit.api.etags import check_if_match, etag_of, not_modified, set_etag
from veza.kit.api.idempotency import IdempotentMixin

ABSENT = OpenApiResponse(description="`playlist_not_found`")
ITEM_ABSENT = OpenApiResponse(description="`playlist_not_found`, `playlist_item_not_found`")
TOLD_OF_PLAYLISTS = (
    "playlist.created", "playlist.updated", "playlist.deleted", "playlist.item_added",
    "playlist.item_moved", "playlist.item_removed",
)  # fmt: skip
OF_ONE = Until(subjects=("playlist:{playlist_id}",), facts=(*TOLD_OF_TRACKS, *TOLD_OF_PEOPLE))
FIXED = OpenApiResponse(description="`playlist_is_smart`, `playlist_full`")
NOT_EMPTY = OpenApiResponse(description="`playlist_not_empty`")
DONE = OpenApiResponse(description="Done.")


class PlaylistsView(PublicAnswers, IdempotentMixin, GenericAPIView):
    """Anyone reads public playlists; any signed-in user begins one."""

    kept_until = Until(facts=(*TOLD_OF_PLAYLISTS, *TOLD_OF_TRACKS, *TOLD_OF_PEOPLE))
    permission_classes = (IsAuthenticatedOrReadOnly,)
    serializer_class = PlaylistOutput
    ordering_fields = ("created_at", "updated_at", "title")
    ordering = "-created_at"

    def get_queryset(self) -> QuerySet[Playlist]:
        form = ListPlaylistsInput(data=self.request.query_params)
        form.is_valid(raise_exception=True)
        return list_playlists(
            user_id=caller_id(self.request), owner=form.validated_data.get("owner")
        )

    @extend_schema(
        operation_id="playlists_list",
        tags=["playlists"],
        summary="Public playlists, and those one works on",
        parameters=[ListPlaylistsInput],
        responses={200: PlaylistOutput(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(playlist_bodies(page or ()))

    @extend_schema(
        operation_id="playlists_create",
        tags=["playlists"],
        summary="Begin a playlist",
        request=CreatePlaylistInput,
        responses={201: PlaylistOutput},
    )
    def post(self, request: Request) -> Response:
        form = CreatePlaylistInput(data=request.data)
        form.is_valid(raise_exception=True)
        user_id = _user_id(request)
        made = playlists.create_playlist(user_id=user_id, told=form.validated_data)
        body = _body(made.id, user_id=user_id)
        location = f"{request.path.rstrip('/')}/{made.id}"
        return Response(body, status.HTTP_201_CREATED, headers={"Location": location})


class PlaylistView(PublicAnswers, APIView):
    """One playlist."""

    kept_until = OF_ONE
    is_conditional = True
    permission_classes = (IsAuthenticatedOrReadOnly,)

    @extend_schema(
        operation_id="playlists_get",
        tags=["playlists"],
        summary="A playlist",
        responses={200: PlaylistOutput, 404: ABSENT},
    )
    def get(self, request: Request, playlist_id: UUID) -> Response:
        playlist = get_playlist(playlist_id, user_id=caller_id(request))
        etag = playlist_etag(playlist)
        if not_modified(request, etag):
            return with_etag(Response(status=status.HTTP_304_NOT_MODIFIED), etag)
        return with_etag(Response(playlist_bodies([playlist])[0]), etag)

    @extend_schema(
        operation_id="playlists_update",
        tags=["playlists"],
        summary="Change a playlist",
        description="`rules` make an empty playlist a smart one; null makes it a plain one again.",
        request=UpdatePlaylistInput,
        responses={200: PlaylistOutput, 404: ABSENT, 409: NOT_EMPTY},
    )
    def patch(self, request: Request, playlist_id: UUID) -> Response:
        form = UpdatePlaylistInput(data=request.data)
        form.is_valid(raise_exception=True)
        user_id = _user_id(request)
        changed = playlists.update_playlist(
            playlist_id=playlist_id,
            user_id=user_id,
            changes=form.validated_data,
            check=lambda current: check_if_match(request, playlist_etag(current)),
        )
        return with_etag(Response(_body(playlist_id, user_id=user_id)), playlist_etag(changed))

    @extend_schema(
        operation_id="playlists_delete",
        tags=["playlists"],
        summary="Delete a playlist",
        responses={204: DONE, 404: ABSENT},
    )
    def delete(self, request: Request, playlist_id: UUID) -> Response:
        playlists.delete_playlist(
            playlist_id=playlist_id,
            user_id=_user_id(request),
            check=lambda current: check_if_match(request, playlist_etag(current)),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class ItemsView(PublicAnswers, IdempotentMixin, GenericAPIView):
    """The tracks, in order."""

    kept_until = OF_ONE
    permission_classes = (IsAuthenticatedOrReadOnly,)
    serializer_class = PlaylistItemOutput
    ordering_fields = {"place": "place"}
    ordering = "place"

    @extend_schema(
        operation_id="playlists_items_list",
        tags=["playlists"],
        summary="The tracks of a playlist, in order",
        responses={200: PlaylistItemOutput(many=True), 404: ABSENT},
    )
    def get(self, request: Request, playlist_id: UUID) -> Response:
        user_id = caller_id(request)
        playlist = get_playlist(playlist_id, user_id=user_id)
        if playlist.is_smart:
            return self._smart(playlist, request)
        page = self.paginate_queryset(list_items(playlist, user_id=user_id))
        return self.get_paginated_response(_item_bodies(page or (), request=request))

    def _smart(self, playlist: Playlist, request: Request) -> Response:
        name, column, is_down = smart_ordering(playlist)
        self.ordering_fields = {name: column}
        self.ordering = f"-{name}" if is_down else name
        tracks = list_smart_tracks(playlist, user_id=caller_id(request), now=timezone.now())
        page = self.paginate_queryset(tracks)
        return self.get_paginated_response(_smart_bodies(page or (), request=request))

    @extend_schema(
        operation_id="playlists_items_create",
        tags=["playlists"],
        summary="Put a track into a playlist",
        description="For the owner and collaborators. `after` null: first; absent: last.",
        request=AddItemInput,
        responses={201: PlaylistItemOutput, 404: ABSENT, 409: FIXED},
    )
    def post(self, request: Request, playlist_id: UUID) -> Response:
        form = AddItemInput(data=request.data)
        form.is_valid(raise_exception=True)
        item = playlists.add_item(
            playlist_id=playlist_id,
            user_id=_user_id(request),
            track_id=form.validated_data["track_id"],
            after=told_after(form.validated_data, last=playlists.LAST),
        )
        return Response(_item_bodies([item], request=request)[0], status.HTTP_201_CREATED)


class ItemView(APIView):
    """One track of a playlist."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="playlists_items_move",
        tags=["playlists"],
        summary="Put a track of a playlist elsewhere",
        request=MoveItemInput,
        responses={200: PlaylistItemOutput, 404: ITEM_ABSENT, 409: FIXED},
    )
    def patch(self, request: Request, playlist_id: UUID, item_id: UUID) -> Response:
        form = MoveItemInput(data=request.data)
        form.is_valid(raise_exception=True)
        item = playlists.move_item(
            playlist_id=playlist_id,
            user_id=_user_id(request),
            item_id=item_id,
            after=form.validated_data["after"],
        )
        return Response(_item_bodies([item], request=request)[0])

    @extend_schema(
        operation_id="playlists_items_delete",
        tags=["playlists"],
        summary="Take a track out of a playlist",
        responses={204: DONE, 404: ITEM_ABSENT, 409: FIXED},
    )
    def delete(self, request: Request, playlist_id: UUID, item_id: UUID) -> Response:
        playlists.remove_item(playlist_id=playlist_id, user_id=_user_id(request), item_id=item_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _user_id(request: Request) -> UUID:
    return cast(UUID, caller_id(request))


def _body(playlist_id: UUID, *, user_id: UUID) -> dict[str, Any]:
    return playlist_bodies([get_playlist(playlist_id, user_id=user_id)])[0]


def playlist_bodies(found: Iterable[Playlist]) -> list[dict[str, Any]]:
    """Of playlists that selectors found."""
    shown = show_playlists(found, now=timezone.now())
    return [dict(PlaylistOutput(each).data) for each in shown]


def _item_bodies(items: Iterable[PlaylistItem], *, request: Request) -> list[dict[str, Any]]:
    rows = list(items)
    cards = list_cards(row.added_by_id for row in rows if row.added_by_id)
    tracks = show_all([row.track for row in rows], request=request, now=timezone.now())
    return [
        dict(
            PlaylistItemOutput(
                {
                    "id": row.id,
                    "track": track,
                    "added_by": cards.get(row.added_by_id) if row.added_by_id else None,
                    "added_at": row.created_at,
                }
            ).data
        )
        for row, track in zip(rows, tracks, strict=True)
    ]


def _smart_bodies(tracks: Iterable[Track], *, request: Request) -> list[dict[str, Any]]:
    shown = show_all(tracks, request=request, now=timezone.now())
    return [
        dict(
            PlaylistItemOutput(
                {"id": track.id, "track": track, "added_by": None, "added_at": track.created_at}
            ).data
        )
        for track in shown
    ]


def playlist_etag(playlist: Playlist) -> str:
    return etag_of(playlist.id, playlist.updated_at)


def with_etag(response: Response, etag: str) -> Response:
    """For who may keep it, but asks each time."""
    set_etag(response, etag)
    response["Cache-Control"] = "private, no-cache"
    return response
