"""Every address that Django answers. Declared without a trailing slash: the guard strips it."""

from django.contrib import admin
from django.urls import include, path, re_path

from veza import pages
from veza.health import views as health

handler400 = "veza.kit.api.problems.bad_request"
handler403 = "veza.kit.api.problems.permission_denied"
handler404 = "veza.kit.api.problems.page_not_found"
handler500 = "veza.kit.api.problems.server_error"

urlpatterns = [
    path("", pages.LandingView.as_view(), name="landing"),
    path("robots.txt", pages.robots, name="robots"),
    path("favicon.ico", pages.favicon, name="favicon"),
    path("healthz", health.LivenessView.as_view(), name="healthz"),
    path("readyz", health.ReadinessView.as_view(), name="readyz"),
    path("metrics", health.MetricsView.as_view(), name="metrics"),
    path("api/schema", pages.SchemaView.as_view(), name="schema"),
    path("api/docs", pages.SwaggerView.as_view(), name="docs"),
    path("api/redoc", pages.RedocView.as_view(), name="redoc"),
    path("api/redoc/bundle.js", pages.redoc_bundle, name="redoc-bundle"),
    re_path(r"^admin$", pages.to_admin),
    path("admin/", admin.site.urls),
    path("api/v1/", include("apps.auth.api.urls")),
    path("api/v1/", include("apps.datastream.api.urls")),
    path("", include("apps.realtime.api.urls")),
]
