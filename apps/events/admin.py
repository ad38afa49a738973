"""The operators' view of the outbox and the log. Nothing can be changed here."""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin  # type: ignore[import-untyped]

from apps.events import registry, selectors
from apps.events.models import LoggedFact, OutboxFact

WINDOW = 100_000
COUNTED = 10_000


class BoundedPaginator(Paginator):
    """Counts up to COUNTED rows: the log is too large to be counted for a page."""

    @cached_property
    def count(self) -> int:
        rows = cast(QuerySet, self.object_list)
        return rows.values("pk")[:COUNTED].count()


class TypeFilter(admin.SimpleListFilter):
    """By the name of the fact; the names come from the registry, not from the table."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted({fact.name for fact in registry.registered()})]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(type=self.value()) if self.value() else queryset


class FactAdmin(ModelAdmin):  # type: ignore[misc]
    """What the pages of the outbox and of the log have in common."""

    list_filter = [TypeFilter]
    list_per_page = 100
    paginator = BoundedPaginator
    show_full_result_count = False
    search_fields = ["event_id"]
    search_help_text = "The id of a fact, in full"
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        if not search_term:
            return queryset, False
        try:
            return queryset.filter(event_id=UUID(search_term.strip())), False
        except ValueError:
            return queryset.none(), False


@admin.register(OutboxFact)
class OutboxFactAdmin(FactAdmin):
    """Facts that wait for a relay; normally none."""

    list_display = ["seq", "type", "version", "aggregatetype", "aggregateid", "occurred_at"]
    ordering = ["seq"]


@admin.register(LoggedFact)
class LoggedFactAdmin(FactAdmin):
    """The newest facts of the log; older ones are found by their id."""

    list_display = ["position", "type", "version", "aggregatetype", "aggregateid", "occurred_at"]
    ordering = ["-position"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        if not search_term:
            queryset = queryset.filter(position__gt=selectors.log_head() - WINDOW)
        return super().get_search_results(request, queryset, search_term)
