"""Tracks."""

from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.track import selectors
from apps.track.api.serializers.shown import (
    TOLD_OF_PEOPLE,
    TOLD_OF_TRACKS,
    caller_id,
    show_all,
    show_whole,
)
from apps.track.api.serializers.tracks import (
    ORDERINGS,
    RELEVANCE,
    CreateTrackInput,
    ListTracksInput,
    StatusOutput,
    TrackInListOutput,
    TrackOutput,
    UpdateTrackInput,
)
from apps.track.errors import TrackFileMissingError, TrackFilesTwoError, TrackTooLargeError
from apps.track.models import Track
from apps.track.selectors.access import access_to
from apps.track.selectors.status import get_status
from apps.track.services import likes, tracks
from apps.track.types import TrackTexts, Visibility
from veza.kit.api.caching import PublicAnswers, Until
from veza.kit.api.etags import check_if_match, etag_of, not_modified, set_etag
from veza.kit.api.idempotency import IdempotentMixin
from veza.kit.api.pagination import CursorPagination
from veza.kit.api.uploads import FIELD, FileFormParser, find_upload

MAX_BYTES = 100 * 1024**2
ABSENT = OpenApiResponse(description="`track_not_found`")
GONE_ON = OpenApiResponse(description="`precondition_failed`: it is not what If-Match names.")


class TracksView(PublicAnswers, IdempotentMixin, GenericAPIView):
    """Anyone reads public tracks; any signed-in user uploads."""

    kept_until = Until(facts=(*TOLD_OF_TRACKS, *TOLD_OF_PEOPLE))
    permission_classes = (IsAuthenticatedOrReadOnly,)
    parser_classes = (JSONParser, FileFormParser)
    serializer_class = TrackInListOutput
    ordering_fields = ORDERINGS
    ordering = "-created_at"

    def get_queryset(self) -> QuerySet[Track]:
        return self._list(self._filters())

    def _filters(self) -> dict[str, Any]:
        form = ListTracksInput(data=self.request.query_params)
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)

    def _list(self, filters: dict[str, Any]) -> QuerySet[Track]:
        user_id = caller_id(self.request)
        if filters.get("uploader") == "me" and user_id is not None:
            others = {name: value for name, value in filters.items() if name != "uploader"}
            return selectors.list_own_tracks(user_id, others)
        return selectors.list_public_tracks(filters)

    def _page(self, filters: dict[str, Any]) -> list[Track]:
        """Where nothing holds the words of a search, what holds words that are alike."""
        if filters.get("search"):
            self.ordering_fields = {**ORDERINGS, RELEVANCE: RELEVANCE}
            self.ordering = f"-{RELEVANCE}"
        page = self.paginate_queryset(self._list(filters)) or []
        is_later = "cursor" in self.request.query_params
        if page or is_later or not filters.get("search") or filters["similar"]:
            return list(page)
        pages = cast(CursorPagination, self.paginator)
        pages.linked = {"similar": "true"}
        return list(self.paginate_queryset(self._list({**filters, "similar": True})) or [])

    @extend_schema(
        operation_id="tracks_list",
        tags=["tracks"],
        summary="Public tracks, or one's own",
        parameters=[ListTracksInput],
        responses={200: TrackInListOutput(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self._page(self._filters())
        shown = show_all(page, request=request, now=timezone.now())
        return self.get_paginated_response(TrackInListOutput(shown, many=True).data)

    @extend_schema(
        operation_id="tracks_create",
        tags=["tracks"],
        summary="Upload a track",
        description="The file itself as a form, up to 100 MiB, or a finished resumable upload.",
        request={"multipart/form-data": CreateTrackInput, "application/json": CreateTrackInput},
        responses={
            202: TrackOutput,
            400: OpenApiResponse(description="`upload_not_found`, `upload_empty` on `upload_id`"),
            409: OpenApiResponse(description="`upload_incomplete`, `upload_used`"),
            413: OpenApiResponse(description="`track_too_large`, `body_too_large`"),
        },
    )
    def post(self, request: Request) -> Response:
        file = find_upload(request, max_bytes=MAX_BYTES, too_large=TrackTooLargeError)
        form = CreateTrackInput(data=request.data)
        form.is_valid(raise_exception=True)
        told = dict(form.validated_data)
        upload_id = told.pop("upload_id", None)
        if upload_id and file is not None:
            raise TrackFilesTwoError
        if upload_id:
            made = tracks.create_from_upload(
                user_id=cast(UUID, caller_id(request)),
                texts=_texts(told),
                upload_id=upload_id,
                now=timezone.now(),
            )
            return _accepted(made, request)
        if file is None:
            raise TrackFileMissingError
        sent = request.FILES[FIELD]
        track = tracks.upload_track(
            user_id=cast(UUID, caller_id(request)),
            texts=_texts(told),
            file=file,
            filename=str(sent.name or ""),
            size_bytes=int(sent.size or 0),
        )
        return _accepted(track, request)


class TrackView(PublicAnswers, APIView):
    """One track."""

    kept_until = Until(subjects=("track:{track_id}",), facts=TOLD_OF_PEOPLE)
    is_conditional = True
    permission_classes = (IsAuthenticatedOrReadOnly,)

    @extend_schema(
        operation_id="tracks_get",
        tags=["tracks"],
        summary="A track",
        responses={200: TrackOutput, 404: ABSENT},
    )
    def get(self, request: Request, track_id: UUID) -> Response:
        track = selectors.get_track(track_id, user_id=caller_id(request))
        etag = _etag(track, request)
        if not_modified(request, etag):
            return _with_etag(Response(status=status.HTTP_304_NOT_MODIFIED), etag)
        return _with_etag(Response(_body(track, request)), etag)

    @extend_schema(
        operation_id="tracks_update",
        tags=["tracks"],
        summary="Change what is told of a track",
        request=UpdateTrackInput,
        responses={200: TrackOutput, 404: ABSENT, 412: GONE_ON},
    )
    def patch(self, request: Request, track_id: UUID) -> Response:
        form = UpdateTrackInput(data=request.data)
        form.is_valid(raise_exception=True)
        track = tracks.update_track(
            track_id=track_id,
            user_id=cast(UUID, caller_id(request)),
            changes=form.validated_data,
            now=timezone.now(),
            check=lambda current: check_if_match(request, _etag(current, request)),
        )
        return _with_etag(Response(_body(track, request)), _etag(track, request))

    @extend_schema(
        operation_id="tracks_delete",
        tags=["tracks"],
        summary="Delete a track",
        description="It can be restored for 30 days.",
        responses={204: OpenApiResponse(description="It is gone."), 404: ABSENT, 412: GONE_ON},
    )
    def delete(self, request: Request, track_id: UUID) -> Response:
        tracks.delete_track(
            track_id=track_id,
            user_id=cast(UUID, caller_id(request)),
            now=timezone.now(),
            check=lambda current: check_if_match(request, _etag(current, request)),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class RestoreView(APIView):
    """For the owner, within 30 days."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="tracks_restore",
        tags=["tracks"],
        summary="Take a deletion back",
        request=None,
        responses={200: TrackOutput, 404: ABSENT},
    )
    def post(self, request: Request, track_id: UUID) -> Response:
        track = tracks.restore_track(
            track_id=track_id, user_id=cast(UUID, caller_id(request)), now=timezone.now()
        )
        return Response(_body(track, request))


class StatusView(APIView):
    """How far the newest version is."""

    permission_classes = ()

    @extend_schema(
        operation_id="tracks_status",
        tags=["tracks"],
        summary="How far a track is",
        responses={200: StatusOutput, 404: ABSENT},
    )
    def get(self, request: Request, track_id: UUID) -> Response:
        state = get_status(track_id, user_id=caller_id(request))
        return Response(StatusOutput(state).data, headers={"Cache-Control": "no-store"})


class LikeView(APIView):
    """The caller's own; a repeat changes nothing."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="tracks_like",
        tags=["tracks"],
        summary="Like a track",
        request=None,
        responses={204: OpenApiResponse(description="Liked."), 404: ABSENT},
    )
    def put(self, request: Request, track_id: UUID) -> Response:
        likes.like(track_id=track_id, user_id=cast(UUID, caller_id(request)))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="tracks_unlike",
        tags=["tracks"],
        summary="Like a track no more",
        responses={204: OpenApiResponse(description="Not liked."), 404: ABSENT},
    )
    def delete(self, request: Request, track_id: UUID) -> Response:
        likes.unlike(track_id=track_id, user_id=cast(UUID, caller_id(request)))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _accepted(track: Track, request: Request) -> Response:
    location = f"{request.path.rstrip('/')}/{track.id}"
    body = _body(track, request)
    return Response(body, status.HTTP_202_ACCEPTED, headers={"Location": location})


def _texts(told: dict[str, Any]) -> TrackTexts:
    told["tags"] = tuple(told.get("tags", ()))
    told["visibility"] = Visibility(told.get("visibility", Visibility.PRIVATE))
    return TrackTexts(**told)


def _body(track: Track, request: Request) -> dict[str, Any]:
    return dict(TrackOutput(show_whole(track, request=request, now=timezone.now())).data)


def _etag(track: Track, request: Request) -> str:
    """It changes also where the caller may hear more or less than before."""
    access = access_to([track], user_id=caller_id(request))[track.id]
    return etag_of(
        track.id, track.updated_at, track.status, track.like_count, track.play_count, access.state
    )


def _with_etag(response: Response, etag: str) -> Response:
    set_etag(response, etag)
    response["Cache-Control"] = "private, no-cache"
    return response
