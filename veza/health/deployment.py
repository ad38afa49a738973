"""What `manage.py check --deploy` says of an installation besides Django's own."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - Django's name

from veza.integrations.antivirus import antivirus


@register(Tags.security, deploy=True)
def check_scanner(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:
    """Files of strangers are scanned by something that knows real threats."""
    if antivirus().knows_real_threats:
        return []
    effect = (
        "uploads wait, and none becomes a track"
        if settings.ANTIVIRUS_REQUIRED
        else "only the EICAR test file is recognised, and real malware is served"
    )
    return [
        Warning(
            f"CLAMD_URL is not set: {effect}.",
            hint="Run clamd and set CLAMD_URL; see docs/operations/deploy.md, Files.",
            id="veza.W001",
        )
    ]
