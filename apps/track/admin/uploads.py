"""Files on their way to us."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from apps.track.admin.filters import read_id
from apps.track.models import Upload
from apps.track.types import TrackPermission
from veza.kit.operators import OperatorPage


@admin.register(Upload)
class UploadAdmin(OperatorPage):
    """Uploads of everyone: how far each has come, and when it is let go of."""

    see = TrackPermission.READ
    list_display = ["id", "user", "filename", "state", "arrived", "updated_at", "expires_at"]
    list_filter = ["state", "created_at"]
    list_select_related = ["user"]
    search_fields = ["=user__username", "=sha256"]
    search_help_text = "The whole name of a user, a SHA-256, or the id of an upload"
    ordering = ["-created_at", "-id"]
    actions: list[str] = []
    fieldsets: ClassVar = [
        (None, {"fields": ["id", "user", "state", "arrived"]}),
        ("File", {"fields": ["filename", "content_type", "size_bytes", "offset_bytes", "sha256"]}),
        ("Writing", {"fields": ["writer", "lease_until", "wanted_at"]}),
        ("Times", {"fields": ["created_at", "updated_at", "expires_at", "finished_at"]}),
    ]
    readonly_fields = ["arrived"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        if upload_id := read_id(search_term.strip()):
            return queryset.filter(pk=upload_id), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="arrived")
    def arrived(self, upload: Upload) -> str:
        if not upload.size_bytes:
            return "nothing of nothing"
        part = 100 * upload.offset_bytes // upload.size_bytes
        return f"{part} % of {filesizeformat(upload.size_bytes)}"
