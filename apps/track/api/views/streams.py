"""What players ask for. Who may listen, the address says, or who calls."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.track.api.serializers.shown import caller_id
from apps.track.errors import PurchaseRequiredError, TrackNotFoundError
from apps.track.selectors.shown import MASTER
from apps.track.selectors.streams import (
    Heard,
    get_downloadable,
    get_heard,
    read_playlist,
    stream_key,
)
from veza.integrations.file_answers import FOREVER, serve, spread
from veza.integrations.object_storage import ObjectNotFoundError, object_storage
from veza.kit.api.renderers import JSONRenderer

PLAYLIST = "application/vnd.apple.mpegurl"
PLAYLIST_S = 60
WAVEFORM_S = 300
DOWNLOAD_S = 300
NOT_HEARD = OpenApiResponse(description="`track_not_found`")
NOT_READY = OpenApiResponse(description="`track_not_ready`, for who may edit it.")


class AnyAccept(BaseContentNegotiation):
    """Players ask for what they like and get what there is."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class StreamPart(APIView):
    """For everyone who may listen."""

    permission_classes = ()
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AnyAccept

    def heard(self, request: Request, track_id: UUID) -> Heard:
        return get_heard(
            track_id,
            query=request.query_params.dict(),
            user_id=caller_id(request),
            now=timezone.now(),
        )


class StreamView(StreamPart):
    """Playlists and segments."""

    @extend_schema(
        operation_id="tracks_stream",
        tags=["tracks"],
        summary="HLS: playlists and segments",
        description=(
            "Of a track that has to be bought, the first 30 seconds. Streams of an external stream"
            " server are found by a redirect."
        ),
        responses={
            (200, PLAYLIST): OpenApiTypes.BINARY,
            302: OpenApiResponse(description="To the playlist at the stream server."),
            403: OpenApiResponse(description="`purchase_required`: there is no preview."),
            404: NOT_HEARD,
            409: NOT_READY,
        },
    )
    def get(self, request: Request, track_id: UUID, name: str) -> HttpResponseBase:
        heard = self.heard(request, track_id)
        if heard.version.master_url:
            return _elsewhere(heard, name)
        key = stream_key(heard, name)
        if not name.endswith(".m3u8"):
            response = serve(request, key, caching=_caching(heard, public=FOREVER))
            return spread(response, _folder(request, heard), left_s=heard.left_s)
        text = read_playlist(heard, key, query=_passed_on(request))
        return HttpResponse(
            text,
            content_type=PLAYLIST,
            headers={
                "Cache-Control": _caching(heard, public=f"public, max-age={PLAYLIST_S}"),
                "X-Content-Type-Options": "nosniff",
            },
        )


class WaveformView(StreamPart):
    """In audiowaveform's format."""

    @extend_schema(
        operation_id="tracks_waveform",
        tags=["tracks"],
        summary="The waveform of a track",
        responses={200: OpenApiTypes.OBJECT, 404: NOT_HEARD, 409: NOT_READY},
    )
    def get(self, request: Request, track_id: UUID) -> HttpResponseBase:
        heard = self.heard(request, track_id)
        if not heard.version.waveform_key:
            raise ObjectNotFoundError
        return serve(
            request,
            heard.version.waveform_key,
            caching=_caching(heard, public="public, max-age=300"),
        )


class DownloadView(APIView):
    """For the owner, who may edit it, and where the owner allows it everyone."""

    permission_classes = ()

    @extend_schema(
        operation_id="tracks_download",
        tags=["tracks"],
        summary="The original file",
        responses={
            302: OpenApiResponse(description="To an address that is good for five minutes."),
            403: OpenApiResponse(description="`download_not_allowed`"),
            404: NOT_HEARD,
            409: NOT_READY,
        },
    )
    def get(self, request: Request, track_id: UUID) -> Response:
        version, filename = get_downloadable(track_id, user_id=caller_id(request))
        url = object_storage().signed_url(
            version.source_key, now=timezone.now(), lifetime_s=DOWNLOAD_S, filename=filename
        )
        return Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})


def _elsewhere(heard: Heard, name: str) -> HttpResponseBase:
    """The one address of a stream that an external server serves; who may hear it is told.

    Raises TrackNotFoundError, PurchaseRequiredError.
    """
    if name != MASTER:
        raise TrackNotFoundError
    if heard.is_preview:
        raise PurchaseRequiredError
    # Another version may be active soon, however long the address is good.
    soon = heard._replace(left_s=None if heard.left_s is None else min(heard.left_s, PLAYLIST_S))
    headers = {
        "Location": heard.version.master_url,
        "Cache-Control": _caching(soon, public=f"public, max-age={PLAYLIST_S}"),
    }
    return HttpResponse(status=302, headers=headers)


def _folder(request: Request, heard: Heard) -> str:
    """What the address alone, without a caller, gives a right to all of; empty for nothing."""
    is_anyones = heard.left_s is None or "signature" in request.query_params
    return heard.version.hls_prefix if is_anyones and not heard.is_preview else ""


def _caching(heard: Heard, *, public: str) -> str:
    return public if heard.left_s is None else f"private, max-age={heard.left_s}"


def _passed_on(request: Request) -> str:
    """The right to hear, for the addresses of a playlist."""
    query = request.query_params
    if "signature" not in query:
        return ""
    return urlencode(
        {name: query[name] for name in ("expires", "part", "signature") if name in query}
    )
