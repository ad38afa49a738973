"""The application that is measured: one empty Django view, one list of rows by DRF.

    python -m deploy.load.subject SERVER PORT THREADS

No middleware: what differs between two runs is the server. VEZA_LOAD_CONNECTIONS says how Django
gets at PostgreSQL: `pool` (psycopg's), `kept` (one connection per thread), `fresh` (one a request).
"""

import os
import sys
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import django
import uvicorn
from django.conf import settings
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from granian.constants import HTTPModes, Interfaces
from granian.server.mp import MPServer

TABLE = "veza_load_rows"
TIMEOUT_S = 30


def _database() -> dict[str, Any]:
    url = urlsplit(os.environ["DATABASE_URL"])
    how = os.environ.get("VEZA_LOAD_CONNECTIONS", "pool")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": url.hostname or "",
        "PORT": url.port or "",
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "NAME": unquote(url.path.lstrip("/")),
        "CONN_MAX_AGE": None if how == "kept" else 0,
        "OPTIONS": {"pool": {"min_size": 2, "max_size": 20}} if how == "pool" else {},
    }


settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": _database()},
    INSTALLED_APPS=["rest_framework"],
    LOGGING_CONFIG=None,
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
    ROOT_URLCONF="deploy.load.subject",
    SECRET_KEY="only for measurements",  # noqa: S106
    USE_TZ=True,
)
django.setup()

# What follows needs the settings above.
from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import serializers  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from veza.kit.asgi.bridge import WSGIBridge  # noqa: E402


class Row(models.Model):
    """As wide as a track in a list."""

    title = models.TextField()
    owner = models.TextField()
    plays = models.IntegerField()
    created_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        app_label = "load"
        db_table = TABLE
        managed = False

    def __str__(self) -> str:
        return self.title


class RowOutput(serializers.ModelSerializer):
    class Meta:
        model = Row
        fields = ["id", "title", "owner", "plays", "created_at"]
        read_only_fields = fields


class RowsView(APIView):
    """20 rows."""

    def get(self, request: Request) -> Response:
        return Response({"results": RowOutput(Row.objects.order_by("id")[:20], many=True).data})


def empty(request: HttpRequest) -> HttpResponse:
    """As little as Django can answer."""
    return HttpResponse(b"{}", content_type="application/json")


urlpatterns = [path("empty", empty), path("rows", RowsView.as_view())]
wsgi = get_wsgi_application()
asgi = get_asgi_application()


def serve(server: str, *, port: int, threads: int) -> None:
    """Until killed."""
    if server == "daphne":
        argv = ["-v", "0", "-b", "127.0.0.1", "-p", str(port), "deploy.load.subject:asgi"]
        import_string("daphne.cli.CommandLineInterface")().run(argv)
    elif server == "granian":
        _serve_by_granian(port=port, threads=threads)
    else:
        bridge = WSGIBridge(wsgi, threads=threads, timeout_s=TIMEOUT_S)
        uvicorn.run(
            asgi if server == "asgi" else bridge,
            port=port,
            loop="uvloop",
            http="veza.kit.asgi.protocols:HttpProtocol",
            ws="none",
            lifespan="off",
            log_level="error",
            access_log=False,
        )


def _serve_by_granian(*, port: int, threads: int) -> None:
    MPServer(
        "deploy.load.subject:wsgi",
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        blocking_threads=threads,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    sys.modules["deploy.load.subject"] = sys.modules["__main__"]  # or servers would load it twice
    serve(sys.argv[1], port=int(sys.argv[2]), threads=int(sys.argv[3]))
