"""What people see: the documentation of the API and the admin."""

from typing import Any

from django.templatetags.static import static

from veza.config import config

# The client at `/`: its page and files are looked for as static files, another build's first.
WEB_CLIENT = config.web_client != "off"
STATICFILES_DIRS = (
    [("veza/web", config.web_client)] if config.web_client not in ("builtin", "off") else []
)

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "veza.kit.api.schema.move_methods",
    ],
    "TITLE": "Veza",
    "DESCRIPTION": "The API of a collaborative audio streaming platform.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v\d+",
    "ENUM_NAME_OVERRIDES": {
        "TrackStatusEnum": "apps.track.types.TrackStatus",
        "ExportStatusEnum": "apps.auth.types.ExportStatus",
    },
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "metricsToken": {
                "type": "http",
                "scheme": "bearer",
                "description": "METRICS_TOKEN; requests from the same machine need none.",
            }
        }
    },
    "TAGS": [
        {"name": "operations", "description": "For monitors: health, readiness, metrics."},
    ],
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Veza",
    "SITE_HEADER": "Veza",
    "SITE_SUBHEADER": "Administration",
    "SITE_URL": "/",
    "SITE_ICON": lambda request: static("veza/icon.svg"),
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("veza/icon.svg"),
        }
    ],
    "ENVIRONMENT": "veza.admin.environment",
    "DASHBOARD_CALLBACK": "veza.admin.dashboard.add_charts",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": True, "show_all_applications": True},
}
