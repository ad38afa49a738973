"""Serves the files of the installed packages, without a copy of them made beforehand.

ServeStatic's own middleware is asynchronous only: in Django's synchronous handler it would cost
every request an event loop and two hops between threads. This one does the same synchronously.
The files are found once in a process, at the start (about 200 of them, 40 ms).
"""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from servestatic.base import ServeStaticBase  # type: ignore[import-untyped]


class _FileResponse(FileResponse):
    def set_headers(self, filelike: Any) -> None:
        """ServeStatic has set them all."""


class _Files(ServeStaticBase):  # type: ignore[misc]
    """Every file that Django's finders know, by its URL."""

    def initialize(self) -> None:
        for finder in finders.get_finders():
            for path, storage in finder.list(None):
                self._add(path, storage)

    def _add(self, path: str, storage: Any) -> None:
        prefix = (getattr(storage, "prefix", None) or "").strip("/")
        url = "/".join(part for part in (settings.STATIC_URL.rstrip("/"), prefix, path) if part)
        if url not in self.files:  # the first finder wins, as in Django
            self.insert_directory(storage.location, settings.STATIC_URL)
            self.add_file_to_dictionary(url, storage.path(path), root=storage.location)


@cache
def _found(*, max_age_s: int, never_changes: str) -> _Files:
    """The same for every handler that a process makes."""
    return _Files(None, max_age=max_age_s, immutable_file_test=never_changes)


class StaticFilesMiddleware(MiddlewareMixin):
    """Answers GET and HEAD under STATIC_URL, with ETag, Last-Modified and ranges."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.files = _found(
            max_age_s=settings.STATIC_MAX_AGE_S, never_changes=settings.STATIC_NEVER_CHANGES
        )

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        static_file = self.files.files.get(request.path_info)
        if static_file is None:
            return None
        answer = static_file.get_response(request.method or "GET", request.META)
        if answer.file is None:
            response: HttpResponseBase = HttpResponse(status=int(answer.status))
        else:
            response = _FileResponse(answer.file, status=int(answer.status))
        response.headers.pop("Content-Type", None)
        for name, value in answer.headers:
            if value is not None:
                response[name] = value
        return response
