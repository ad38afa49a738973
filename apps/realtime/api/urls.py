"""Addresses of realtime, relative to the root: the stream of events has a second, short one."""

from django.urls import path

from apps.realtime.api.views import WatchView, WebTransportView

urlpatterns = [
    path("api/v1/events/watch", WatchView.as_view(), name="events-watch"),
    path("api/v1/webtransport", WebTransportView.as_view(), name="webtransport"),
    path("events/watch", WatchView.as_view(schema=None)),
]
