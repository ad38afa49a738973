"""Addresses of counting, relative to /api/v1/; `events` is shared, and stands in veza.urls."""

from django.urls import path

from apps.analytics.api import views

urlpatterns = [
    path("analytics/me", views.OwnReportView.as_view(), name="analytics-me"),
    path("analytics/platform", views.PlatformReportView.as_view(), name="analytics-platform"),
    path(
        "analytics/tracks/<uuid:track_id>",
        views.TrackReportView.as_view(),
        name="analytics-track",
    ),
]
