"""`/wt` and `/wt/games/{slug}`: one session, from its request to its end."""

import re
from urllib.parse import parse_qs

from apps.realtime import rooms
from apps.realtime.limits import End
from apps.realtime.node import Node, node
from apps.realtime.transports import admission
from apps.realtime.transports.backbone.connection import NOT_JSON
from apps.realtime.transports.backbone.frames import RefusedError
from apps.realtime.transports.webtransport.client import WebTransportClient
from veza.kit.asgi.refusals import RefusalError, Scope
from veza.kit.webtransport.address import PATH
from veza.kit.webtransport.session import Session

COMMANDS_IN_A_ROW = 16
"""So many of one client are done before others get their turn."""
MAX_FIELDS = 16
_GAME = re.compile(re.escape(PATH) + "/games/([^/]+)/?")
_NOT_FOUND = RefusalError(
    status=404, code="not_found", detail=f"Sessions are at {PATH} and {PATH}/games/{{slug}}."
)
_NO_ROOM = RefusalError(status=404, code="room_not_found", detail="There is no such room.")


async def serve(session: Session) -> None:
    """Admit it, and do what it asks for, until a side closes."""
    here = node()
    try:
        game = _game_in(session.scope)
        await admission.admit_socket(session.scope, here)
    except RefusalError as refusal:
        session.refuse(refusal)
        return
    viewer, failure = await admission.identify_socket(session.scope)
    if game is not None and not await rooms.may_join(game[0], viewer):
        session.refuse(_NO_ROOM)
        return
    session.accept()
    client = WebTransportClient(session=session, node=here, viewer=viewer)
    here.connections.add(client)
    if failure is not None:
        client.end(failure)
    try:
        if game is not None:
            await _subscribe(client, *game)
        await _take_all(client, session, here)
        await session.gone.wait()
    finally:
        client.forget()


async def _take_all(client: WebTransportClient, session: Session, here: Node) -> None:
    taken = 0
    while (line := await session.lines.next()) is not None:
        if not client.is_open:
            return
        try:
            waits = client.take(line.decode())
        except UnicodeDecodeError:
            client.close(NOT_JSON, "not UTF-8")
            return
        if waits is not None:
            await waits
        taken += 1
        if taken % COMMANDS_IN_A_ROW == 0:
            await client.give_way()


async def _subscribe(client: WebTransportClient, room: str, after: str | None) -> None:
    try:
        await client.subscribe(room, after)
    except RefusedError:
        client.end(End.INTERNAL)


def _game_in(scope: Scope) -> tuple[str, str | None] | None:
    """The room that is subscribed from the beginning, and after what. Raises RefusalError."""
    if scope["path"].rstrip("/") == PATH:
        return None
    match = _GAME.fullmatch(scope["path"])
    if match is None:
        raise _NOT_FOUND
    try:
        query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=MAX_FIELDS)
    except ValueError:
        raise _NOT_FOUND from None
    return f"game:{match[1]}", query.get("after", [""])[-1] or None
