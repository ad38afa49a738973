"""Every address that Django answers. Declared without a trailing slash: the guard strips it."""

from django.contrib import admin
from django.urls import include, path, re_path, register_converter

from veza import files
from veza.health import views as health
from veza.pages import account, client, dev_mail, events
from veza.pages import site as pages

handler400 = "veza.kit.api.problems.bad_request"
handler403 = "veza.kit.api.problems.permission_denied"
handler404 = "veza.kit.api.problems.page_not_found"
handler500 = "veza.kit.api.problems.server_error"

register_converter(client.ClientAddress, "client")

urlpatterns = [
    path("", client.HomeView.as_view(), name="home"),
    path("<client:view>", client.ClientView.as_view(), name="client"),
    path("about", pages.LandingView.as_view(), name="about"),
    path("robots.txt", pages.robots, name="robots"),
    path("favicon.ico", pages.favicon, name="favicon"),
    path("account/verify-email", account.VerifyEmailView.as_view(), name="verify-email"),
    path("account/reset-password", account.ResetPasswordView.as_view(), name="reset-password"),
    path("dev/mail", dev_mail.MailsView.as_view(), name="dev-mail"),
    path("dev/mail/<str:name>", dev_mail.MailView.as_view(), name="dev-mail-one"),
    path("healthz", health.LivenessView.as_view(), name="healthz"),
    path("readyz", health.ReadinessView.as_view(), name="readyz"),
    path("metrics", health.MetricsView.as_view(), name="metrics"),
    path("api/schema", pages.SchemaView.as_view(), name="schema"),
    path("api/asyncapi.json", pages.asyncapi_document, name="asyncapi"),
    path("api/docs", pages.SwaggerView.as_view(), name="docs"),
    path("api/redoc", pages.RedocView.as_view(), name="redoc"),
    path("api/redoc/bundle.js", pages.redoc_bundle, name="redoc-bundle"),
    path("files/<path:key>", files.FileView.as_view(), name="files"),
    re_path(r"^admin$", pages.to_admin),
    path("admin/", admin.site.urls),
    path("api/v1/events", events.EventsView.as_view(), name="events"),
    path("api/v1/", include("apps.analytics.api.urls")),
    path("api/v1/", include("apps.auth.api.urls")),
    path("api/v1/", include("apps.chat.api.urls")),
    path("api/v1/", include("apps.discovery.api.urls")),
    path("api/v1/", include("apps.track.api.urls")),
    path("api/v1/", include("apps.datastream.api.urls")),
    path("", include("apps.realtime.api.urls")),
]
