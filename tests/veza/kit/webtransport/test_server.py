"""The QUIC server without an application: how many it takes, and what it does with garbage."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.apps.realtime.webtransport.client import connected, opened
from tests.patience import PATIENCE_S
from veza.kit.asgi.listening import PortError
from veza.kit.webtransport.certificates import OwnCertificates
from veza.kit.webtransport.server import listen, udp_socket
from veza.kit.webtransport.session import Session


async def serve(session: Session) -> None:
    session.accept()
    await session.gone.wait()


async def test_takes_so_many_of_one_address(tmp_path: Path) -> None:
    listener = udp_socket(host="127.0.0.1", port=0)
    port = listener.getsockname()[1]
    server, keeping = await listen(
        listener, certificates=OwnCertificates(tmp_path, names=["localhost"]), serve=serve,
        most_of_one_address=2,
    )  # fmt: skip
    try:
        async with AsyncExitStack() as stack:
            for _ in range(2):
                client = await stack.enter_async_context(opened(port))
                assert client.status == 200
            assert len(server) == 2
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5), connected(port):
                    pass
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
                for _ in range(200):
                    wire.sendto(os.urandom(1200), ("127.0.0.1", port))
                wire.sendto(b"", ("127.0.0.1", port))
        async with asyncio.timeout(PATIENCE_S):
            while len(server):
                await asyncio.sleep(0.05)
        async with opened(port) as client:
            assert client.status == 200
    finally:
        keeping.cancel()
        server.close()


def test_a_taken_port_is_told() -> None:
    with udp_socket(host="127.0.0.1", port=0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match="is taken by another program"):
            udp_socket(host="127.0.0.1", port=port)
