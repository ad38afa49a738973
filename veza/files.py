"""`/files/<key>`: objects of the storage, public ones openly, others by a signed link."""

from datetime import datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views import View

from veza.integrations.file_answers import FOREVER, serve
from veza.integrations.object_storage import check_link, is_public


class FileView(View):
    """GET and HEAD with ETag, Last-Modified and one range."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, key: str) -> HttpResponseBase:
        """Raises ObjectNotFoundError, LinkInvalidError, LinkExpiredError."""
        caching, filename = _permission(request, key, now=timezone.now())
        return serve(request, key, caching=caching, filename=filename)


def _permission(request: HttpRequest, key: str, *, now: datetime) -> tuple[str, str]:
    """How long the answer may be kept and by whom, and the name that the link gives the file."""
    if is_public(key) and "signature" not in request.GET:
        return FOREVER, ""
    left_s = check_link(key, request.GET, now=now)
    return f"private, max-age={left_s}", request.GET.get("filename", "")
