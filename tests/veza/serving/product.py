"""The product as it runs, with tracks that can be heard."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.apps.realtime.live import Account, Live, Web
from tests.factories.sounds import wav

_PROCESS = """
from django.utils import timezone
from apps.track.models import TrackVersion
from apps.track.services import processing
for version in TrackVersion.objects.filter(track_id="{}", status="processing"):
    assert processing.process(version_id=version.id, now=timezone.now())
"""


@dataclass(frozen=True, kw_only=True)
class Product:
    live: Live

    @property
    def web(self) -> Web:
        return self.live.web

    def track(self, account: Account, **told: Any) -> dict[str, Any]:
        """A track of this account, ready, as its owner sees it."""
        form = {"visibility": "public", "title": "First light", **told}
        answer = self.web.call(
            "POST", "/api/v1/tracks", headers=account.headers, data=form,
            files={"file": ("first light.wav", wav())},
        )  # fmt: skip
        track_id = answer.raise_for_status().json()["id"]
        self.live.shell.run(_PROCESS.format(track_id))  # what a worker would do
        found: dict[str, Any] = self.web.call(
            "GET", f"/api/v1/tracks/{track_id}", headers=account.headers
        ).json()
        assert found["status"] == "ready"
        return found


def segments(playlist: httpx.Response) -> list[str]:
    """The addresses in a playlist, as it names them, that of the initialisation first."""
    lines = playlist.raise_for_status().text.splitlines()
    first = [
        line.partition('URI="')[2].rstrip('"') for line in lines if line.startswith("#EXT-X-MAP")
    ]
    return first + [line for line in lines if line and not line.startswith("#")]
