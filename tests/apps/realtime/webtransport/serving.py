"""`manage.py webtransport` beside the web process of an installation."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.apps.realtime.live import Live, Program
from veza.embedded.ports import udp_port


@dataclass(kw_only=True)
class WebTransportProgram(Program):
    """On a UDP port that it keeps over restarts."""

    port: int


@contextmanager
def serving(live: Live) -> Iterator[WebTransportProgram]:
    """Running; ended afterwards."""
    port = udp_port(4433)
    told = live.folder / "webtransport" / "listening.json"
    program = WebTransportProgram(
        arguments=["webtransport", "--port", str(port)], environment=live.environment(),
        log=live.folder / "webtransport.log", is_ready=told.exists, port=port,
    )  # fmt: skip
    program.start()
    try:
        yield program
    finally:
        program.kill()
        told.unlink(missing_ok=True)
