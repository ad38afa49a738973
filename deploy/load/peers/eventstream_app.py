"""django-eventstream on uvicorn. Runs in an environment of its own, which eventstream.py makes.

python eventstream_app.py PORT
"""

import json
import sys

import django
import uvicorn
from django.conf import settings
from django.http import HttpRequest, HttpResponse

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_eventstream"],
    LOGGING_CONFIG=None,
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for measurements",  # noqa: S106
    USE_TZ=True,
)
django.setup()

# What follows needs the settings above.
import django_eventstream  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import path  # noqa: E402


def publish(request: HttpRequest) -> HttpResponse:
    """One event to the room that the body names."""
    message = json.loads(request.body)
    django_eventstream.send_event(message["room"], "message", message)
    return HttpResponse(status=204)


urlpatterns = [
    path("publish", publish),
    path("rooms/<room>", django_eventstream.views.events, {"format-channels": ["{room}"]}),
]

if __name__ == "__main__":
    uvicorn.run(
        get_asgi_application(),
        port=int(sys.argv[1]),
        loop="uvloop",
        lifespan="off",
        log_level="error",
        access_log=False,
        backlog=4096,
    )
