"""All servers, ours first."""

from functools import partial

from deploy.load.bench.target import Target
from deploy.load.peers import channels, eventstream, golang, nchan, node, veza

TARGETS: tuple[Target, ...] = (
    Target(
        name="veza",
        kind="ws",
        about="Veza, /ws (the event backbone)",
        prepare=veza.prepare,
        serve=partial(veza.serve_whole, transport="backbone"),
    ),
    Target(
        name="veza-alone",
        kind="ws",
        about="Veza, /ws, one process without Redis, as the peers",
        prepare=veza.prepare,
        serve=partial(veza.serve, transport="backbone", is_alone=True),
    ),
    Target(
        name="veza-centrifugo",
        kind="ws",
        about="Veza, /connection/websocket (Centrifugo protocol, JSON)",
        prepare=veza.prepare,
        serve=partial(veza.serve_whole, transport="centrifugo"),
    ),
    Target(
        name="go-hub",
        kind="ws",
        about="Go, chat example of gorilla/websocket",
        prepare=golang.prepare,
        serve=partial(golang.serve, kind="hub"),
    ),
    Target(
        name="go-direct",
        kind="ws",
        about="Go, prepared message written under a lock",
        prepare=golang.prepare,
        serve=partial(golang.serve, kind="direct"),
    ),
    Target(
        name="nchan",
        kind="ws",
        about="nginx with nchan",
        prepare=nchan.prepare,
        serve=partial(nchan.serve, kind="ws"),
    ),
    Target(
        name="node-ws",
        kind="ws",
        about="Node, ws",
        prepare=node.prepare,
        serve=partial(node.serve, kind="ws"),
    ),
    Target(
        name="socketio",
        kind="ws",
        about="Node, Socket.IO",
        prepare=node.prepare,
        serve=partial(node.serve, kind="socketio"),
    ),
    Target(
        name="channels-memory",
        kind="ws",
        about="Channels group_send, in-memory layer",
        prepare=channels.prepare_memory,
        serve=partial(channels.serve, layer="memory"),
        most=1000,
    ),
    Target(
        name="channels-redis",
        kind="ws",
        about="Channels group_send, Redis pub/sub layer",
        prepare=channels.prepare_redis,
        serve=partial(channels.serve, layer="redis"),
        most=1000,
    ),
    Target(
        name="veza-sse",
        kind="sse",
        about="Veza, /api/v1/events/watch",
        prepare=veza.prepare,
        serve=partial(veza.serve_whole, transport="sse"),
    ),
    Target(
        name="go-sse",
        kind="sse",
        about="Go, net/http, a goroutine per client",
        prepare=golang.prepare,
        serve=partial(golang.serve, kind="sse"),
    ),
    Target(
        name="nchan-sse",
        kind="sse",
        about="nginx with nchan, EventSource",
        prepare=nchan.prepare,
        serve=partial(nchan.serve, kind="sse"),
    ),
    Target(
        name="node-sse",
        kind="sse",
        about="Node, http",
        prepare=node.prepare,
        serve=partial(node.serve, kind="sse"),
    ),
    Target(
        name="eventstream",
        kind="sse",
        about="django-eventstream on uvicorn",
        prepare=eventstream.prepare,
        serve=eventstream.serve,
        most=1000,
    ),
)
