"""The operators' view of facts, of their deliveries, and of how far everything has come.

Nothing can be changed here but the fate of dead letters.
"""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import BigIntegerField, Count, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.events import dead_letters, handling, registry, selectors
from apps.events.dead_letters import OPEN, Choice
from apps.events.models import (
    DeadLetter,
    Delivery,
    HandlerCursor,
    LoggedFact,
    OutboxFact,
    RelayBeat,
    UnreadableChange,
)
from apps.events.types import EventsPermission
from veza.kit.operators import OperatorPage

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


class HandlerFilter(admin.SimpleListFilter):
    """By the name of the handler, of those that this process knows."""

    title = "handler"
    parameter_name = "handler"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(handler.name, handler.name) for handler in handling.registered()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(handler=self.value()) if self.value() else queryset


class FactAdmin(OperatorPage):
    """What these pages have in common: they are read, and never counted whole."""

    see = EventsPermission.READ
    list_filter = [TypeFilter]
    list_per_page = 100
    paginator = BoundedPaginator
    search_fields = ["event_id"]
    search_help_text = "The id of a fact, in full"
    actions: list[str] = []

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
    readonly_fields = ["deliveries"]

    @admin.display(description="deliveries")
    def deliveries(self, fact: LoggedFact) -> SafeString | str:
        """What has become of it at each handler."""
        rows = Delivery.objects.filter(event_id=fact.event_id).order_by("handler")
        lines = [
            (row.handler, row.get_state_display(), row.tries, row.changed_at, row.fault)
            for row in rows
        ]
        if not lines:
            return "none"
        body = format_html_join(
            "", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", lines
        )
        return format_html(
            "<table><tr><th>handler</th><th>state</th><th>tries</th><th>since</th>"
            "<th>last fault</th></tr>{}</table>",
            body,
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        if not search_term:
            queryset = queryset.filter(position__gt=selectors.log_head() - WINDOW)
        return super().get_search_results(request, queryset, search_term)


@admin.register(Delivery)
class DeliveryAdmin(FactAdmin):
    """What is owed to handlers, and what has been done."""

    list_display = ["event_id", "handler", "type", "state", "tries", "due_at", "changed_at"]
    list_filter = ["state", HandlerFilter, TypeFilter]
    ordering = ["-id"]


@admin.register(DeadLetter)
class DeadLetterAdmin(FactAdmin):
    """What was given up. Send it again when its cause is repaired, or delete it."""

    list_display = ["died_at", "handler", "task", "type", "event_id", "reason", "redriven_at"]
    list_filter = [("redriven_at", admin.EmptyFieldListFilter), HandlerFilter, TypeFilter]
    ordering = ["-died_at"]
    actions = ["redrive"]

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return bool(request.user.has_perm(EventsPermission.REDRIVE))

    def has_redrive_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(EventsPermission.REDRIVE))

    @admin.action(description="Send again", permissions=["redrive"])
    def redrive(self, request: HttpRequest, queryset: QuerySet) -> None:
        sent = sum(len(dead_letters.redrive(Choice(id=letter.pk))) for letter in queryset)
        self.message_user(request, f"{sent} sent again.")


@admin.register(HandlerCursor)
class HandlerCursorAdmin(FactAdmin):
    """How far each handler is behind the log, and how much it is owed."""

    list_display = ["handler", "position", "behind", "outstanding", "moved_at"]
    list_filter = []
    search_fields = []
    ordering = ["handler"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        owed = Delivery.objects.filter(handler=OuterRef("handler"), state__in=OPEN)
        count = owed.order_by().values("handler").annotate(number=Count("pk")).values("number")
        rows: QuerySet = super().get_queryset(request)
        head = Value(selectors.log_head(), output_field=BigIntegerField())
        annotated: QuerySet = rows.annotate(
            behind=head - F("position"), outstanding=Coalesce(Subquery(count), 0)
        )
        return annotated

    @admin.display(description="facts behind the log")
    def behind(self, row: Any) -> int:
        return int(row.behind)

    @admin.display(description="deliveries owed")
    def outstanding(self, row: Any) -> int:
        return int(row.outstanding)


@admin.register(RelayBeat)
class RelayBeatAdmin(FactAdmin):
    """The relays that have reported in the last minute, and how long facts waited for them."""

    list_display = ["relay", "beat_at", "lag_s"]
    list_filter = []
    search_fields = []
    ordering = ["relay"]


@admin.register(UnreadableChange)
class UnreadableChangeAdmin(OperatorPage):
    """What capture could not decode, and whether it was skipped; `capture --skip` does that."""

    see = EventsPermission.READ
    list_display = ["change", "found_at", "skipped_at", "skips_transaction"]
    ordering = ["-found_at"]
    actions: list[str] = []

    @admin.display(description="change")
    def change(self, row: UnreadableChange) -> str:
        """As `capture --status` shows it."""
        return selectors.shown_change(row)
