"""What is reached from outside: the port, and WebTransport with its certificate."""

import asyncio
import hashlib
import logging
import ssl
import stat
from datetime import datetime, timedelta
from pathlib import Path

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.utils import timezone

from veza.config import config
from veza.embedded import state
from veza.embedded.errors import EmbeddedError
from veza.embedded.ports import check_port as is_to_be_had
from veza.kit.webtransport import address
from veza.kit.webtransport.certificates import (
    CertificateError,
    GivenCertificate,
    OwnCertificate,
    to_serve,
    valid_in,
)
from veza.management.doctor.finding import Finding, fault, off, ok, warning

SOON = timedelta(days=7)
ANSWERS_WITHIN_S = 3.0
OTHERS = stat.S_IRWXG | stat.S_IRWXO
RESTART = "Restart `manage.py webtransport`: it makes a new one."
RENEW = "Renew it; `manage.py webtransport` reads it again by itself."


def check_port() -> Finding:
    """Nobody else has the port."""
    if settings.VEZA_ENV == "production":
        return off("Whoever stands in front of the web processes knows.")
    if port := state.service_port(settings.DATA_DIR, "web"):
        return ok(f"{port} is ours")
    try:
        is_to_be_had(config.port)
    except EmbeddedError as taken:
        return fault(str(taken), mend="Start with another one: `make run PORT=8010`.")
    return ok(f"{config.port} is free")


def check_webtransport() -> Finding:
    """The certificate can be read, fits its key, lasts, and pages are told its hash."""
    certificate, key = settings.WEBTRANSPORT_CERTIFICATE, settings.WEBTRANSPORT_PRIVATE_KEY
    if bool(certificate) != bool(key):
        return fault(
            "Only one of certificate and key is set, so neither is used.",
            mend="Set WEBTRANSPORT_CERTIFICATE and WEBTRANSPORT_PRIVATE_KEY, or neither.",
        )
    now = timezone.now()
    if certificate and key:
        return _given(certificate, key, now=now)
    listening = address.find(settings.WEBTRANSPORT_FOLDER, now=now)
    if listening is None:
        return off("Not served here.")
    served = to_serve(valid_in(settings.WEBTRANSPORT_FOLDER, now=now), now=now)
    if served is None:
        return fault("All certificates have ended: browsers refuse them.", mend=RESTART)
    return _own(served, port=listening.port, told=listening.hashes, now=now)


def _given(certificate: Path, key: Path, *, now: datetime) -> Finding:
    """Of files that somebody else renews."""
    try:
        GivenCertificate(certificate, key).put_into(QuicConfiguration(is_client=False), now=now)
        ends = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (CertificateError, OSError, ValueError) as unusable:
        mend = "Mend WEBTRANSPORT_CERTIFICATE and WEBTRANSPORT_PRIVATE_KEY."
        return fault(f"It {unusable}.", mend=mend)
    if key.stat().st_mode & OTHERS:
        return fault("Others on this machine can read its key.", mend=f"Run `chmod 600 {key}`.")
    return _lasting(ends, now=now) or ok(f"ends {ends:%Y-%m-%d}")


def _own(served: OwnCertificate, *, port: int, told: list[bytes], now: datetime) -> Finding:
    if served.path.stat().st_mode & OTHERS:
        mend = f"Run `chmod 600 {served.path}` and restart `manage.py webtransport`."
        return fault("Others on this machine can read its key.", mend=mend)
    try:
        seen = asyncio.run(_seen(port))
    except (TimeoutError, OSError):
        mend = "Start `manage.py webtransport`, or let UDP pass to this port."
        return warning(f"Nobody answers on UDP port {port}.", mend=mend)
    if seen not in told:
        return fault("It is none of those whose hashes pages are told.", mend=RESTART)
    return ok(f"UDP port {port}, hash told, renewed before {served.ends:%Y-%m-%d}")


def _lasting(ends: datetime, *, now: datetime) -> Finding | None:
    """None where it lasts."""
    if ends <= now:
        return fault(f"It has ended on {ends:%Y-%m-%d}.", mend=RENEW)
    if ends - now < SOON:
        return warning(f"It ends on {ends:%Y-%m-%d %H:%M} UTC.", mend=RENEW)
    return None


class _Deaf(QuicConnectionProtocol):
    """Opens no streams and hears none."""

    def quic_event_received(self, event: QuicEvent) -> None:
        """Nothing of it is of interest."""


async def _seen(port: int) -> bytes:
    """The SHA-256 of the certificate that a client is shown. Raises TimeoutError."""
    anybody = QuicConfiguration(alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE)
    logging.getLogger("quic").setLevel(logging.WARNING)  # it tells of every connection
    async with (
        asyncio.timeout(ANSWERS_WITHIN_S),
        connect("127.0.0.1", port, configuration=anybody, create_protocol=_Deaf) as client,
    ):
        certificate = client._quic.tls._peer_certificate  # noqa: SLF001
        assert certificate is not None  # noqa: S101 - there is no handshake without
        return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
