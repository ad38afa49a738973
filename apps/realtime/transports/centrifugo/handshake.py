"""Before the socket opens: in which encoding it speaks."""

from urllib.parse import parse_qs

from apps.realtime.transports.centrifugo.wire import JSON_WIRE, PROTOBUF_WIRE, CentrifugoWire
from veza.kit.asgi.refusals import Scope


def chosen_wire(scope: Scope) -> tuple[CentrifugoWire, str | None]:
    """The encoding, and the subprotocol to confirm: only one that the client has offered."""
    offered = scope.get("subprotocols") or ()
    for wire in (PROTOBUF_WIRE, JSON_WIRE):
        if wire.subprotocol in offered:
            return wire, wire.subprotocol
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    if "protobuf" in query.get("format", []) + query.get("cf_protocol", []):
        return PROTOBUF_WIRE, None
    return JSON_WIRE, None
