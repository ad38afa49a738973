"""What the OpenAPI document says of streams, and what a process says that serves none."""

from base64 import b64encode

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.realtime import selectors
from apps.realtime.api.serializers import EventsOutput, WebTransportOutput
from apps.realtime.listing import DEFAULT_LIMIT, MAX_LIMIT, page_of_facts
from apps.realtime.rooms import DEFAULTS
from veza.kit.api.problems import problem_response

STREAM = "text/event-stream"
EXAMPLE = """data: connected

id: 01936f2e-8c00-7b5a-9d3e-4f1a2b3c4d51
event: metric_created
data: {"id":"01936f2e-8bff-7c11-8a07-1d9e3f5a7b20","name":"temperature","input_frequency":500000000}

:

"""
DESCRIPTION = """Server-sent events: the facts of the rooms as they happen, until a side closes.

The first event is `data: connected`. Each fact then has `id:` (a UUIDv7), `event:` (its type) and
`data:` (one line of JSON). What is no fact comes without `id:`. A comment line comes every 15 s.

A client that comes back names the last id that it has, and is first sent all that it missed, once
and in order. Where that cannot be told, `event: reset` comes with `epoch`, `position` and `reason`
(`expired`, `unknown`, `epoch`, `invalid`, `too_many`) and with the id of the newest fact, and the
stream goes on after that. `data: disconnected` comes before the server ends a stream; when it
shuts down, with `retry:`."""

LIST_DESCRIPTION = """The same facts, ids and order as on the streams, oldest first.

Ask again with `after` set to `cursor`, which is also given when there are no results. Without
`after` the list begins with the oldest fact that is held. When it cannot be told what followed
`after`, the answer is 410 `cursor_lost` with `reason` (`expired`, `unknown` or `invalid`), and with
the `epoch` and the `position` of the newest fact: read anew what you show, and begin without
`after`."""

WEBTRANSPORT_DESCRIPTION = """The address of the sessions, and the hashes of the certificates that
may be met there: `new WebTransport(url, {serverCertificateHashes})`, with each value as bytes. Ask
again when a connection fails: certificates are replaced every few days."""


class WatchView(APIView):
    """Streams live in the ASGI process, which answers this address before Django is asked.

    So a GET reaches this view only in a process that cannot hold streams (`manage.py api`).
    """

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(
        operation_id="events_watch",
        tags=["realtime"],
        summary="Watch rooms",
        description=DESCRIPTION,
        parameters=[
            OpenApiParameter(
                "rooms",
                str,
                description="Names of at most 128 rooms, separated by commas.",
                default="public,metrics",
            ),
            OpenApiParameter(
                "last_event_id",
                str,
                description="The last id that the client has; the header is looked at first.",
            ),
            OpenApiParameter(
                "Last-Event-ID",
                str,
                OpenApiParameter.HEADER,
                description="The same, as EventSource sends it.",
            ),
            OpenApiParameter(
                "envelope",
                str,
                enum=["0", "1"],
                description="`1`: `data:` holds the whole envelope.",
            ),
        ],
        responses={
            (200, STREAM): OpenApiTypes.STR,
            401: OpenApiResponse(description="`token_invalid` or `token_expired`"),
            404: OpenApiResponse(
                description="`room_not_found`: there is no such room, or you may not join it."
            ),
            421: OpenApiResponse(
                description="`not_a_stream_server`: this process serves no streams."
            ),
        },
        examples=[
            OpenApiExample("A metric is made", value=EXAMPLE, media_type=STREAM, status_codes=[200])
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        return problem_response(
            request,
            status=421,
            code="not_a_stream_server",
            detail="This process serves no streams. Send the request to one of `manage.py web`.",
        )


class EventsView(APIView):
    """The log as a list; rooms are open to whom they are open on the streams."""

    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="list_events",
        tags=["realtime"],
        summary="List facts",
        description=LIST_DESCRIPTION,
        parameters=[
            OpenApiParameter("after", str, description="The id of the last fact that you have."),
            OpenApiParameter(
                "rooms",
                str,
                description="Names of at most 128 rooms, separated by commas.",
                default=",".join(DEFAULTS),
            ),
            OpenApiParameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
                default=DEFAULT_LIMIT,
            ),
        ],
        responses={
            200: EventsOutput,
            404: OpenApiResponse(
                description="`room_not_found`: there is no such room, or you may not join it."
            ),
            410: OpenApiResponse(
                description="`cursor_lost`: what followed `after` is not known any more."
            ),
        },
    )
    def get(self, request: Request) -> Response:
        return Response(page_of_facts(request), headers={"Cache-Control": "no-store"})


class WebTransportView(APIView):
    """What a page needs before it can connect."""

    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="get_webtransport",
        tags=["realtime"],
        summary="Where WebTransport is",
        description=WEBTRANSPORT_DESCRIPTION,
        responses={
            200: WebTransportOutput,
            503: OpenApiResponse(
                description="`webtransport_unavailable`: it is not served here now."
            ),
        },
    )
    def get(self, request: Request) -> Response:
        server = selectors.webtransport_server(now=timezone.now())
        hashes = [
            {"algorithm": "sha-256", "value": b64encode(value).decode("ascii")}
            for value in server.hashes
        ]
        body = {"url": server.url, "certificate_hashes": hashes}
        return Response(body, headers={"Cache-Control": "no-store"})
