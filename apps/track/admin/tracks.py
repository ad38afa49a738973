"""Tracks: whose they are, how they were made, why they do not move, and the button for that."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action  # type: ignore[import-untyped]

from apps.events.types import Actor
from apps.track.admin import showing
from apps.track.admin.filters import AgeFilter, OwnerFilter, StageFilter, read_id
from apps.track.models import Track, TrackVersion
from apps.track.rules.standing import span
from apps.track.selectors.streams import Heard, stream_key
from apps.track.services.again import try_again
from apps.track.types import TrackPermission, TrackStatus
from veza.integrations.file_answers import serve
from veza.kit.errors import VezaError
from veza.kit.operators import OperatorPage, Plan, ask, ask_about_rows, is_confirmed

EFFECTS = [
    "The newest version is scanned, measured and converted anew, from the file that was uploaded.",
    "What could be heard until now goes on meanwhile.",
    "It is written into the audit log with your name.",
]


@admin.register(Track)
class TrackAdmin(OperatorPage):
    """Tracks of everyone, the newest first; deleted ones too, until they are gone for good."""

    see = TrackPermission.READ
    list_display = ["title", "owner_name", "status", "stage", "waits", "visibility", "created_at"]
    list_filter = [
        "status", StageFilter, AgeFilter, OwnerFilter, "visibility",
        ("deleted_at", admin.EmptyFieldListFilter),
    ]  # fmt: skip
    search_fields = ["title", "artist", "=owner__username"]
    search_help_text = "A title, an artist, the whole name of an owner, or the id of a track"
    ordering = ["-created_at", "-id"]
    actions = ["try_rows_again"]
    actions_detail = ["try_one_again"]
    fieldsets: ClassVar = [
        (None, {"fields": ["title", "owner_name", "status", "standing"]}),
        ("Sound", {"fields": ["player"]}),
        ("Versions", {"fields": ["versions"]}),
        (
            "What is told of it",
            {"fields": ["artist", "album", "genre", "tags", "description", "license"]},
        ),
        (
            "What holds for it",
            {"fields": [
                "id", "visibility", "download", "play_count", "like_count", "created_at",
                "published_at", "deleted_at",
            ]},
        ),
    ]  # fmt: skip
    readonly_fields = ["owner_name", "standing", "player", "versions"]

    class Media:
        js = ["veza/player.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Track]:
        newest = TrackVersion.objects.filter(track=OuterRef("pk")).order_by("-n")
        tracks: QuerySet[Track] = super().get_queryset(request)
        annotated: QuerySet[Track] = tracks.select_related("owner", "active").annotate(
            newest_stage=Subquery(newest.values("stage")[:1]),
            newest_status=Subquery(newest.values("status")[:1]),
            newest_code=Subquery(newest.values("error_code")[:1]),
            queued_at=Subquery(newest.values("queued_at")[:1]),
        )
        return annotated

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        if track_id := read_id(search_term.strip()):
            return queryset.filter(pk=track_id), False
        return super().get_search_results(request, queryset, search_term)

    def get_urls(self) -> list[URLPattern]:
        sound = self.admin_site.admin_view(self.sound)
        own = path("<uuid:version_id>/sound/<path:name>", sound, name="track_track_sound")
        return [own, *super().get_urls()]

    def sound(self, request: HttpRequest, version_id: UUID, name: str) -> HttpResponseBase:
        """Playlists and segments of a version that is ready, for who may see these pages.

        The file as it was uploaded is served to nobody here, and what lies in quarantine never.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = TrackVersion.objects.filter(pk=version_id, status=TrackStatus.READY).first()
        if found is None:
            raise Http404
        try:
            heard = Heard(found, 0, is_preview=False)
            return serve(request, stream_key(heard, name), caching="private, no-store")
        except VezaError:
            raise Http404 from None

    @admin.display(description="owner", ordering="owner__username")
    def owner_name(self, track: Track) -> SafeString:
        return format_html('<a class="underline" href="{}">{}</a>', *showing.owner_link(track))

    @admin.display(description="stage", ordering=F("newest_stage"))
    def stage(self, track: Any) -> str:
        return track.newest_code or track.newest_stage or "no version"

    @admin.display(description="being made for", ordering=F("queued_at").desc())
    def waits(self, track: Any) -> str:
        if track.newest_status != TrackStatus.PROCESSING:
            return ""
        return span(timezone.now() - track.queued_at)

    @admin.display(description="why it stands where it stands")
    def standing(self, track: Track) -> str:
        return showing.standing_of(_newest(track), now=timezone.now())

    @admin.display(description="listen")
    def player(self, track: Track) -> SafeString | str:
        return showing.player_of(track.active)

    @admin.display(description="versions")
    def versions(self, track: Track) -> SafeString:
        return showing.versions_of(track)

    def has_manage_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return bool(request.user.has_perm(TrackPermission.MANAGE))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only where there is something to try again."""
        offered: list[Any] = super().get_actions_detail(request, object_id)  # type: ignore[misc] # the theme's
        track = _track(object_id)
        newest = _newest(track)
        is_open = track.deleted_at is None and newest is not None and _may_be_tried(newest)
        return offered if is_open else []

    @action(description="Try again", permissions=["manage"])  # type: ignore[untyped-decorator]
    def try_one_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        track = _track(object_id)
        back = reverse("admin:track_track_change", args=[track.pk])
        if not is_confirmed(request):
            plan = Plan(
                title="Try again", effects=EFFECTS, button="Try again", back=back,
                concerns=[track.title],
            )  # fmt: skip
            return ask(request, self, plan)
        if fault := _try(track, request):
            self.refused(request, fault)
        else:
            self.done(request, "It is being made again.")
        return redirect(back)

    @admin.action(description="Try again", permissions=["manage"])
    def try_rows_again(self, request: HttpRequest, tracks: QuerySet[Track]) -> HttpResponse | None:
        plan = Plan(title="Try again", effects=EFFECTS, button="Try again", back="")
        if page := ask_about_rows(request, self, tracks, plan):
            return page
        faults = [fault for track in tracks if (fault := _try(track, request))]
        if done := len(tracks) - len(faults):
            self.done(request, f"{done} are being made again.")
        if faults:
            self.refused(request, f"{len(faults)} left as they are: {faults[0]}")
        return None


def _try(track: Track, request: HttpRequest) -> str:
    """Why it was not done; empty when it was."""
    newest = _newest(track)
    if newest is None:
        return "It has no version."
    actor = Actor(type="user", id=str(request.user.pk))
    try:
        try_again(version_id=newest.pk, by=actor, now=timezone.now())
    except VezaError as error:
        return str(error)
    return ""


def _track(object_id: object) -> Track:
    track_id = read_id(str(object_id))
    track = Track.objects.filter(pk=track_id).first() if track_id else None
    if track is None:
        raise Http404
    return track


def _newest(track: Track) -> TrackVersion | None:
    return TrackVersion.objects.filter(track=track).order_by("-n").first()


def _may_be_tried(version: TrackVersion) -> bool:
    return version.status in (TrackStatus.FAILED, TrackStatus.PROCESSING)
