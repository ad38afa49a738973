"""What a process does for all its connections alike: revocation, and the end."""

import signal
import time

from tests.apps.realtime.live import Live, Web
from tests.veza.asgi.sockets import CLOSE, RawSocket

SOCKETS = 100


def close_of(client: RawSocket) -> tuple[int, str]:
    """The close frame that comes after whatever comes before."""
    while (frame := client.frame()).opcode != CLOSE:
        pass
    return frame.code, frame.reason


def test_a_session_that_ends_on_one_process_ends_on_all(live: Live, web: Web) -> None:
    person, other = web.register(), web.register()
    with live.another_web() as second:
        sockets = [
            RawSocket(port, "/ws", f"Authorization: Bearer {account.access}").opened()
            for account in (person, other)
            for port in (web.port, second.port)
        ]
        began = time.monotonic()
        web.log_out(person)
        assert [close_of(client) for client in sockets[:2]] == [(3500, "token revoked")] * 2
        assert time.monotonic() - began < 5
        for client in sockets[2:]:
            client.say('{"type":"ping"}')
            assert b"pong" in client.frame().payload
        for client in sockets:
            client.socket.close()


def test_a_process_that_stops_says_so_to_everyone_and_waits_for_nobody(live: Live) -> None:
    with live.another_web(REQUEST_TIMEOUT_S=10) as web:
        quiet = [RawSocket(web.port, "/ws").opened() for _ in range(SOCKETS)]
        assert web.end(signal.SIGTERM) == 0
        assert [close_of(client) for client in quiet] == [(3001, "shutdown")] * SOCKETS
        for client in quiet:
            client.socket.close()
