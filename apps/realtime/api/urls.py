"""Addresses of realtime, relative to the root: two for the stream of events, the second short."""

from django.urls import path

from apps.realtime.api.views import WatchView

urlpatterns = [
    path("api/v1/events/watch", WatchView.as_view(), name="events-watch"),
    path("events/watch", WatchView.as_view(schema=None)),
]
