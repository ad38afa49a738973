"""The UDP socket and the connections on it."""

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from functools import partial
from typing import Any

from aioquic.asyncio.server import QuicServer
from aioquic.buffer import Buffer  # type: ignore[attr-defined] # as in capsules
from aioquic.h3.connection import H3_ALPN, ErrorCode
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import NetworkAddress
from aioquic.quic.packet import QuicPacketType, pull_quic_header
from django.utils import timezone

from veza.kit.asgi.listening import PortError, advice
from veza.kit.metrics import REALTIME_DROPPED
from veza.kit.webtransport.certificates import Certificates
from veza.kit.webtransport.protocol import Handler, WebTransportProtocol

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 10_000
MOST_OF_ONE_ADDRESS = 256
IDLE_S = 45.0
"""Longer than two pings of ours: who answers neither has gone."""
WINDOW_BYTES = 128 * 1024
DATAGRAM_BYTES = 1350
SOCKET_BUFFER_BYTES = 4 * 1024 * 1024
CERTIFICATE_CHECKED_EVERY_S = 60.0
_LONG_HEADER = 0x80


class WebTransportServer(QuicServer):
    """Every address is proven by a Retry before anything is kept of it.

    Beyond MOST_CONNECTIONS, or MOST_OF_ONE_ADDRESS, new connections are not answered.
    """

    def __init__(
        self,
        *,
        configuration: QuicConfiguration,
        serve: Handler,
        most_connections: int = MOST_CONNECTIONS,
        most_of_one_address: int = MOST_OF_ONE_ADDRESS,
    ) -> None:
        create = partial(
            WebTransportProtocol, serve=serve, on_opened=self._opened, on_gone=self._gone
        )
        super().__init__(configuration=configuration, create_protocol=create, retry=True)
        self._most_connections = most_connections
        self._most_of_one_address = most_of_one_address
        self._addresses: dict[WebTransportProtocol, str] = {}
        self._by_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._addresses)

    def datagram_received(self, data: bytes | str, addr: NetworkAddress) -> None:
        if not isinstance(data, bytes) or not data:
            return
        if data[0] & _LONG_HEADER and self._is_full(addr[0]) and self._is_new(data):
            REALTIME_DROPPED.labels("webtransport_full").inc()
            return
        try:
            super().datagram_received(data, addr)
        except Exception:  # a packet that aioquic did not foresee must not close the socket
            logger.exception("A datagram of a client failed")

    def _is_full(self, address: str) -> bool:
        return (
            len(self._addresses) >= self._most_connections
            or self._by_address[address] >= self._most_of_one_address
        )

    def _is_new(self, data: bytes) -> bool:
        with contextlib.suppress(ValueError):
            header = pull_quic_header(
                Buffer(data=data), host_cid_length=self._configuration.connection_id_length
            )
            is_initial = header.packet_type == QuicPacketType.INITIAL
            return is_initial and header.destination_cid not in self._protocols
        return False

    def _opened(self, protocol: WebTransportProtocol, address: str) -> None:
        self._addresses[protocol] = address
        self._by_address[address] += 1

    def _gone(self, protocol: WebTransportProtocol) -> None:
        address = self._addresses.pop(protocol, None)
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    def close(self) -> None:
        """End all connections and stop listening."""
        for protocol in list(self._addresses):
            protocol.close(error_code=ErrorCode.H3_NO_ERROR)
        super().close()


def udp_socket(*, host: str, port: int) -> socket.socket:
    """Bound. Raises PortError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_DGRAM)
    try:
        found.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            found.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise PortError(advice(error, host=host, port=port)) from None
    return found


async def listen(
    listener: socket.socket, *, certificates: Certificates, serve: Handler, **limits: Any
) -> tuple[WebTransportServer, "asyncio.Task[None]"]:
    """Serve on a bound UDP socket; the task keeps the certificate fresh until it is cancelled.

    Raises CertificateError.
    """
    configuration = QuicConfiguration(
        is_client=False,
        alpn_protocols=H3_ALPN,
        idle_timeout=IDLE_S,
        max_data=WINDOW_BYTES,
        max_stream_data=WINDOW_BYTES,
        max_datagram_size=DATAGRAM_BYTES,
        max_datagram_frame_size=65536,
    )
    certificates.put_into(configuration, now=timezone.now())
    _, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: WebTransportServer(configuration=configuration, serve=serve, **limits),
        sock=listener,
    )
    return server, asyncio.create_task(_keep_fresh(certificates, configuration))


async def _keep_fresh(certificates: Certificates, configuration: QuicConfiguration) -> None:
    while True:
        await asyncio.sleep(CERTIFICATE_CHECKED_EVERY_S)
        try:
            certificates.put_into(configuration, now=timezone.now())
        except Exception:
            logger.exception("The certificate could not be looked after")
