"""Plain Channels on uvicorn, from the product's own environment (channels_app.py)."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.load.bench.processes import running
from deploy.load.bench.target import MESSAGE, ROOT, MissingError, Options, Place, Server
from veza.embedded.ports import free_port

_OPTIONS: Options = {"path": "/", "join": '{"join":"{room}"}', "message": MESSAGE}


def prepare_memory(place: Place) -> None:
    """All it needs is installed."""


def prepare_redis(place: Place) -> None:
    """It needs a server."""
    if not place.environ.get("REDIS_URL"):
        raise MissingError("set REDIS_URL")


@contextmanager
def serve(place: Place, *, layer: str) -> Iterator[Server]:
    """The layer is memory or redis."""
    port = free_port()
    argv = place.pinned([sys.executable, "-m", "deploy.load.peers.channels_app", str(port)])
    environ = {**place.environ, "VEZA_LOAD_LAYER": layer}
    with running(argv, port=port, cwd=ROOT, env=environ, name=f"channels-{layer}") as pid:
        yield Server(pid=pid, port=port, options=_OPTIONS)
