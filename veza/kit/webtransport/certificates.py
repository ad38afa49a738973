"""The certificate of the QUIC server: one that operators give, or one of our own making.

Browsers take a certificate that no authority knows when the page names its SHA-256 hash, and only
if it is ECDSA on P-256 and valid for two weeks at most, all in all. So ours is replaced again and
again. The next one is made, and its hash told, a day before it is served, for pages that have
asked for the hashes a while ago.
"""

import contextlib
import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from aioquic.quic.configuration import QuicConfiguration
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

logger = logging.getLogger(__name__)

LIFE = timedelta(days=10)
RENEWED_BEFORE_END = timedelta(days=4)
TOLD_BEFORE_SERVED = timedelta(days=1)
BACKDATED = timedelta(minutes=5)
"""For browsers whose clocks are late."""
_SUFFIX = ".pem"


class CertificateError(Exception):
    """There is nothing to serve; the message says which file is wrong and how."""


class Certificates(Protocol):
    """Where the certificate comes from."""

    def put_into(self, configuration: QuicConfiguration, *, now: datetime) -> None:
        """Have new connections get what is to be served now. Called again and again.

        Raises CertificateError the first time; later faults are logged, and the last one stays.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class OwnCertificate:
    """One of our own, in a file with its key."""

    path: Path
    begins: datetime
    ends: datetime
    sha256: bytes


class OwnCertificates:
    """In a folder that one process writes and others read. `names` are hosts and addresses."""

    def __init__(self, folder: Path, *, names: Sequence[str]) -> None:
        self._folder = folder
        self._names = list(dict.fromkeys(names))
        self._served: Path | None = None

    def put_into(self, configuration: QuicConfiguration, *, now: datetime) -> None:
        """See Certificates; makes the next one when it is time."""
        try:
            self._renew(now)
        except OSError as fault:
            if self._served is None:
                told = f"cannot keep a certificate in {self._folder}: {fault}"
                raise CertificateError(told) from fault
            logger.warning("certificate_not_renewed", exc_info=True)
        served = to_serve(valid_in(self._folder, now=now), now=now)
        if served is not None and served.path != self._served:
            configuration.load_cert_chain(served.path)
            self._served = served.path
            logger.info("certificate_served ends=%s", served.ends.isoformat())

    def _renew(self, now: datetime) -> None:
        known = valid_in(self._folder, now=now)
        if known and known[-1].ends - now > RENEWED_BEFORE_END:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(
            self._folder / f"{int(now.timestamp())}{_SUFFIX}", make(self._names, now=now)
        )
        for path in set(self._folder.glob(f"*{_SUFFIX}")):
            if (found := _read(path)) is None or found.ends <= now:
                path.unlink(missing_ok=True)


class GivenCertificate:
    """Of files that somebody else renews."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._seen: tuple[int, ...] | None = None

    def put_into(self, configuration: QuicConfiguration, *, now: datetime) -> None:
        """See Certificates; reads the files again when they have changed."""
        try:
            stamp = tuple(path.stat().st_mtime_ns for path in (self._certificate, self._key))
            if stamp == self._seen:
                return
            fresh = QuicConfiguration(is_client=False)
            fresh.load_cert_chain(self._certificate, self._key)
            if fresh.private_key.public_key() != fresh.certificate.public_key():
                raise ValueError("the key is another certificate's")  # noqa: TRY301
        except (OSError, ValueError, TypeError, IndexError, AttributeError) as fault:
            told = f"cannot use {self._certificate} with {self._key}: {fault}"
            if self._seen is None:
                raise CertificateError(told) from fault
            logger.warning("certificate_not_reloaded reason=%s", told)  # half written: next time
            return
        configuration.certificate = fresh.certificate
        configuration.certificate_chain = fresh.certificate_chain
        configuration.private_key = fresh.private_key
        self._seen = stamp
        logger.info("certificate_loaded path=%s", self._certificate)


def valid_in(folder: Path, *, now: datetime) -> list[OwnCertificate]:
    """Those of our own that browsers take now, the oldest first."""
    found = [_read(path) for path in folder.glob(f"*{_SUFFIX}")]
    valid = [each for each in found if each is not None and each.begins <= now < each.ends]
    return sorted(valid, key=lambda each: (each.begins, each.path))


def to_serve(valid: Sequence[OwnCertificate], *, now: datetime) -> OwnCertificate | None:
    """The newest of those whose hash has been told for long enough; if none has, the oldest."""
    told = [each for each in valid if now - each.begins >= TOLD_BEFORE_SERVED + BACKDATED]
    return told[-1] if told else next(iter(valid), None)


def make(names: Sequence[str], *, now: datetime) -> bytes:
    """A self-signed certificate and its key in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Veza")])
    begins = now - BACKDATED
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + LIFE)
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _read(path: Path) -> OwnCertificate | None:
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
    return OwnCertificate(
        path=path,
        begins=found.not_valid_before_utc.astimezone(UTC),
        ends=found.not_valid_after_utc.astimezone(UTC),
        sha256=hashlib.sha256(found.public_bytes(serialization.Encoding.DER)).digest(),
    )


def _write_private(path: Path, data: bytes) -> None:
    """In one step, readable by its owner only."""
    draft = path.with_suffix(".draft")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    draft.replace(path)
