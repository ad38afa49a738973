"""The doctor looks at the port and at the certificate of WebTransport."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from django.utils import timezone

from tests.patience import PATIENCE_S
from veza.config import config
from veza.kit.webtransport import address
from veza.kit.webtransport.certificates import LIFE, OwnCertificates, make
from veza.kit.webtransport.server import listen, udp_socket
from veza.management.doctor import machine, network


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.VEZA_ENV = "embedded"
    settings.DATA_DIR = tmp_path
    settings.WEBTRANSPORT_CERTIFICATE = settings.WEBTRANSPORT_PRIVATE_KEY = None
    settings.WEBTRANSPORT_FOLDER = tmp_path / "webtransport"
    return tmp_path / "webtransport"


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """A server with certificates of this folder; its port."""
    listener = udp_socket(host="127.0.0.1", port=0)
    is_over = Event()

    async def nobody(session: object) -> None:
        """Never called: the doctor opens no session."""

    async def run() -> None:
        own = OwnCertificates(folder, names=["127.0.0.1"])
        server, keeping = await listen(listener, certificates=own, serve=nobody)
        is_up.set()
        await asyncio.to_thread(is_over.wait)
        keeping.cancel()
        server.close()

    is_up = Event()
    thread = Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert is_up.wait(PATIENCE_S)
    try:
        yield listener.getsockname()[1]
    finally:
        is_over.set()
        thread.join()


def test_a_certificate_whose_hash_is_told_is_well(folder: Path) -> None:
    assert network.check_webtransport().state == "off"
    with served(folder) as port:
        address.tell(folder, port=port, is_own=True)
        found = network.check_webtransport()
        assert (found.state, "hash told" in found.detail) == ("ok", True)

        [path] = folder.glob("*.pem")
        path.chmod(0o644)
        assert "chmod 600" in network.check_webtransport().mend

        path.write_bytes(make(["127.0.0.1"], now=timezone.now()))
        path.chmod(0o600)
        other = network.check_webtransport()
        assert (other.state, "hashes" in other.detail) == ("fault", True)


def test_certificates_that_have_ended_and_silence_are_told(folder: Path) -> None:
    folder.mkdir()
    port = free_udp_port()
    address.tell(folder, port=port, is_own=True)
    path = folder / "1.pem"
    path.write_bytes(make(["127.0.0.1"], now=timezone.now() - LIFE - timedelta(days=1)))
    path.chmod(0o600)
    assert "have ended" in network.check_webtransport().detail
    path.write_bytes(make(["127.0.0.1"], now=timezone.now()))
    silent = network.check_webtransport()
    assert (silent.state, str(port) in silent.detail) == ("warning", True)


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as some:
        some.bind(("127.0.0.1", 0))
        port: int = some.getsockname()[1]
        return port


def given(settings: Any, tmp_path: Path, *, now: datetime) -> Path:
    """Files as operators give them, made at this time; the key's path."""
    both = make(["veza.example"], now=now)
    key = serialization.load_pem_private_key(both, None)
    settings.WEBTRANSPORT_CERTIFICATE = tmp_path / "certificate.pem"
    settings.WEBTRANSPORT_PRIVATE_KEY = tmp_path / "key.pem"
    certificate = x509.load_pem_x509_certificate(both)
    pem = serialization.Encoding.PEM
    settings.WEBTRANSPORT_CERTIFICATE.write_bytes(certificate.public_bytes(pem))
    settings.WEBTRANSPORT_PRIVATE_KEY.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    settings.WEBTRANSPORT_PRIVATE_KEY.chmod(0o600)
    return tmp_path / "key.pem"


@pytest.mark.parametrize(
    ("days", "state", "word"),
    [(0, "ok", "ends"), (5, "warning", "ends on"), (20, "fault", "has ended")],
)
def test_a_certificate_of_operators_has_to_last(
    settings: Any, tmp_path: Path, days: int, state: str, word: str
) -> None:
    given(settings, tmp_path, now=timezone.now() - timedelta(days=days))
    found = network.check_webtransport()
    assert (found.state, word in found.detail) == (state, True)


def test_a_certificate_of_operators_has_to_fit_its_key(settings: Any, tmp_path: Path) -> None:
    key = given(settings, tmp_path, now=timezone.now())
    key.chmod(0o640)
    assert "chmod 600" in network.check_webtransport().mend
    key.write_bytes(make(["veza.example"], now=timezone.now()))
    key.chmod(0o600)
    other = network.check_webtransport()
    assert (other.state, "another certificate" in other.detail) == ("fault", True)
    key.unlink()
    assert network.check_webtransport().state == "fault"
    settings.WEBTRANSPORT_PRIVATE_KEY = None
    assert "or neither" in network.check_webtransport().mend


def test_a_port_that_somebody_else_has_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(network, "config", config.model_copy(update={"port": port}))
        taken = network.check_port()
        assert (taken.state, f"Port {port} is taken" in taken.detail) == ("fault", True)
    assert network.check_port().state == "ok"


def test_packages_of_another_version_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert machine.check_packages().state == "ok"
    locked = tmp_path / "runtime.txt"
    monkeypatch.setattr(machine, "LOCKED", locked)
    assert machine.check_packages().state == "off"
    locked.write_text("django==0.1 \\\n    --hash=sha256:00\nnever-heard-of==1.0\n")
    found = machine.check_packages()
    assert (found.state, found.mend) == ("warning", "Run `make setup`.")
    assert "not 0.1" in found.detail
