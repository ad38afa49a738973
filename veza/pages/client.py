"""The client for browsers at `/`: the reference one, another build, or none (WEB_CLIENT).

It is one page whose script shows a view by the address, so each of its addresses is answered
with the same file. The sources of the reference client lie in docs/examples/web.
"""

from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONCE, SELF
from csp.decorators import csp
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.generic import View

from veza.pages.site import PAGE_POLICY, LandingView

ADDRESSES = (
    "search", "sign-in", "sign-up", "library", "upload", "settings", "playlists", "tracks",
    "people", "activity", "games",
)  # fmt: skip
"""How the addresses of its views begin."""
NONCE_PLACE = b'<meta name="csp-nonce" content="'


def _elsewhere() -> list[str]:
    """Origins that hand over sound and pictures in our stead."""
    configured = (
        settings.S3_ENDPOINT_URL, settings.S3_PUBLIC_URL, settings.CDN_URL,
        settings.STREAM_SERVER_URL,
    )  # fmt: skip
    return sorted({f"{u.scheme}://{u.netloc}" for u in map(urlsplit, configured) if u.netloc})


# A player feeds the browser from blobs; the waveform's styles are let in by a nonce; people may
# show a picture of another server as theirs.
CLIENT_POLICY = PAGE_POLICY | {
    "style-src": [SELF, NONCE],
    "connect-src": [SELF, *_elsewhere()],
    "media-src": [SELF, "blob:", *_elsewhere()],
    "img-src": [SELF, "data:", "https:", *_elsewhere()],
}


@method_decorator(csp(CLIENT_POLICY), name="dispatch")
class ClientView(View):
    """An address of a view of the client; 404 where there is none."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, view: str = "") -> HttpResponse:
        if not settings.WEB_CLIENT:
            raise Http404
        nonce = str(request.csp_nonce).encode()  # type: ignore[attr-defined]
        page = _page().replace(NONCE_PLACE, NONCE_PLACE + nonce)
        return HttpResponse(page, headers={"Cache-Control": "no-cache", "Vary": "Accept"})


class HomeView(View):
    """`/`: the client; without one, and as JSON for who asks for that, the landing page."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponseBase:
        wanted = request.get_preferred_type(["text/html", "application/json"])
        is_page = wanted != "application/json" and settings.WEB_CLIENT
        view = ClientView.as_view() if is_page else LandingView.as_view()
        return view(request)


class ClientAddress:
    """In a pattern: an address of a view of the client."""

    regex = rf"(?:{'|'.join(ADDRESSES)})(?:/[^/]+)?/?"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


@cache
def _page() -> bytes:
    path = finders.find("veza/web/index.html")
    return Path(str(path)).read_bytes()
