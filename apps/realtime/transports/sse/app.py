"""`GET /api/v1/events/watch`: an ASGI application.

Everything about who may watch what is settled before the stream opens, so that it can be told by
a status. From then on the server's task of the request only waits for the client to go: the hub,
the heartbeat and the end write to the port by plain calls.
"""

from weakref import WeakKeyDictionary

from django.conf import settings

from apps.realtime.errors import LogUnavailableError
from apps.realtime.limits import End
from apps.realtime.logs import log_of
from apps.realtime.node import Node, node
from apps.realtime.transports import admission
from apps.realtime.transports.sse.answers import NOT_ALLOWED, Answer
from apps.realtime.transports.sse.client import Client
from apps.realtime.transports.sse.heartbeat import Heartbeat
from apps.realtime.transports.sse.query import Query, read_query
from apps.realtime.transports.sse.replay import catch_up
from apps.realtime.transports.sse.warm import join_with_last_values
from apps.realtime.transports.sse.wire import CONNECTED, DATA, ENVELOPE, goodbye
from apps.realtime.types import Viewer
from veza.kit.api.native import spend
from veza.kit.asgi import lifecycle
from veza.kit.asgi.port import port_of
from veza.kit.asgi.refusals import Receive, Scope, Send
from veza.kit.errors import ThrottledError

PATHS = ("/api/v1/events/watch", "/events/watch")

_heartbeats: "WeakKeyDictionary[Node, Heartbeat]" = WeakKeyDictionary()


async def watch(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request: a stream that lasts, or a problem document."""
    answer = Answer(scope=scope, send=send)
    if scope["method"] == "OPTIONS":
        await answer.send_options()
        return
    try:
        await _spend(scope, answer)
        if scope["method"] != "GET":
            await answer.send_problem(NOT_ALLOWED)
            return
        query, viewer = await _admit(scope)
    except Exception as exc:
        await answer.refuse(exc)
        return
    await answer.begin()
    await _stream(scope, receive, send, query=query, viewer=viewer)


async def _spend(scope: Scope, answer: Answer) -> None:
    decision = await spend(scope)
    answer.limits = decision.headers()
    if not decision.is_allowed:
        raise ThrottledError(retry_after_s=decision.retry_after_s)


async def _admit(scope: Scope) -> tuple[Query, Viewer]:
    query = read_query(scope["query_string"], scope["headers"])
    viewer = await admission.identify(scope["headers"])
    await admission.check_rooms(query.rooms, viewer)
    log_of(query.rooms)  # one place cannot be resumed from in two
    return query, viewer


async def _stream(
    scope: Scope, receive: Receive, send: Send, *, query: Query, viewer: Viewer
) -> None:
    here = node()
    port = port_of(scope, send)
    if here.is_draining or lifecycle.is_stopping():
        # Told by a status it would never come back: EventSource gives up on any but 200.
        port.write(goodbye(End.SHUTDOWN))
        port.close()
        return
    wire = ENVELOPE if query.is_whole else DATA
    log = here.log_of(*query.rooms)
    client = Client(node=here, log=log, port=port, viewer=viewer, wire=wire)
    heartbeat = _heartbeat_of(here)
    client.write(CONNECTED)
    here.connections.add(client)
    heartbeat.add(client)
    try:
        await join_with_last_values(client, wire=wire, node=here, rooms=query.rooms)
        await catch_up(client, wire=wire, node=here, rooms=query.rooms, after=query.after)
        while client.is_open and (await receive())["type"] != "http.disconnect":
            pass
    except LogUnavailableError:
        client.end(End.INTERNAL)  # it comes back by itself, with the id that it has
    finally:
        heartbeat.discard(client)
        here.connections.discard(client)


def _heartbeat_of(here: Node) -> Heartbeat:
    heartbeat = _heartbeats.get(here)
    if heartbeat is None:
        heartbeat = _heartbeats[here] = Heartbeat(
            loop=here.loop, interval_s=settings.SSE_HEARTBEAT_S
        )
    return heartbeat
