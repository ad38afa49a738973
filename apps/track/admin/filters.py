"""What the list of tracks is narrowed by."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.track.models import Track
from apps.track.types import Stage, TrackStatus

AGES = {"10min": timedelta(minutes=10), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
MOST_OWNERS = 20


class StageFilter(admin.SimpleListFilter):
    """By the stage that the newest version is at."""

    title = "stage"
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in Stage.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(newest_stage=self.value()) if self.value() else queryset


class AgeFilter(admin.SimpleListFilter):
    """Those whose newest version has been made for longer than this."""

    title = "being made for longer than"
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("10min", "10 minutes"), ("1h", "an hour"), ("1d", "a day")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        age = AGES.get(self.value() or "")
        if age is None:
            return queryset
        return queryset.filter(
            newest_status=TrackStatus.PROCESSING, queued_at__lt=timezone.now() - age
        )


class OwnerFilter(admin.SimpleListFilter):
    """Those whose tracks are not ready, and whoever is chosen; all others by the search."""

    title = "owner"
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Track.objects.exclude(status=TrackStatus.READY).values("owner_id", "owner__username")
        counted = rows.annotate(count=Count("pk")).order_by("-count", "owner__username")
        found = {str(row["owner_id"]): row["owner__username"] for row in counted[:MOST_OWNERS]}
        chosen = read_id(request.GET.get(self.parameter_name, ""))
        if chosen is not None and str(chosen) not in found:
            track = Track.objects.filter(owner_id=chosen).select_related("owner").first()
            found[str(chosen)] = cast(Any, track).owner.username if track else "nobody"
        return list(found.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        owner_id = read_id(self.value() or "")
        return queryset.filter(owner_id=owner_id) if owner_id else queryset.none()


def read_id(text: str) -> UUID | None:
    """None for what is no id."""
    try:
        return UUID(text)
    except ValueError:
        return None
