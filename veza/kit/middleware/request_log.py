"""One line in the log for each request."""

from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware


class RequestLogMiddleware(RequestMiddleware):
    """django-structlog's, but a file stays one that the server may send by itself."""

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        file = getattr(response, "file_to_stream", None)
        super().handle_response(request, response)
        if file is not None:  # the wrapper around streams has taken it away
            response.__dict__["file_to_stream"] = file
