"""The web application with one more address, `/tracked`: what the collector of garbage looks at.

    python -m tests.apps.realtime.counted FD

serves on an inherited socket. From the start on nothing is collected: what is freed is freed
because nobody holds it.
"""

import gc
import json
import socket
import sys

from veza.asgi import application
from veza.kit.asgi.refusals import Message, Receive, Scope, Send
from veza.kit.asgi.server import web_server

PARTS_OF = {"_asyncio", "apps", "asyncio", "httptools", "uvicorn", "uvloop", "veza", "websockets"}
"""Whose objects hold a connection together; what asks the database makes circles of its own."""


async def counted(scope: Scope, receive: Receive, send: Send) -> None:
    """Veza, or the numbers."""
    if scope["type"] == "lifespan":
        await application(scope, receive, _without_collector(send))
    elif scope["path"] == "/tracked":
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(_numbers()).encode()})
    else:
        await application(scope, receive, send)


def _without_collector(send: Send) -> Send:
    async def send_first(message: Message) -> None:
        gc.disable()
        await send(message)

    return send_first


def _numbers() -> dict[str, object]:
    # Tuples of texts and numbers are let go by the collector when it sees them first.
    tracked = [each for each in gc.get_objects() if type(each) is not tuple]
    return {
        "tracked": len(tracked),
        "spared": gc.get_freeze_count(),
        "parts": sum(type(each).__module__.partition(".")[0] in PARTS_OF for each in tracked),
    }


if __name__ == "__main__":
    web_server(counted, stop_timeout_s=5).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
