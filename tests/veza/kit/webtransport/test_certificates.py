"""Certificates: what browsers take, made in time, told before it is served, exchanged alive."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aioquic.quic.configuration import QuicConfiguration
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from veza.kit.webtransport import address
from veza.kit.webtransport.certificates import (
    CertificateError,
    GivenCertificate,
    OwnCertificates,
    make,
    valid_in,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NAMES = ["localhost", "127.0.0.1"]


@pytest.fixture
def configuration() -> QuicConfiguration:
    return QuicConfiguration(is_client=False)


def served_at(own: OwnCertificates, configuration: QuicConfiguration, now: datetime) -> bytes:
    own.put_into(configuration, now=now)
    der = configuration.certificate.public_bytes(serialization.Encoding.DER)
    return hashlib.sha256(der).digest()


class TestOwn:
    def test_is_one_that_browsers_take(self, configuration, tmp_path: Path) -> None:
        OwnCertificates(tmp_path, names=NAMES).put_into(configuration, now=NOW)
        made: x509.Certificate = configuration.certificate
        assert made.not_valid_after_utc - made.not_valid_before_utc < timedelta(days=14)
        assert made.not_valid_before_utc < NOW
        key = made.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"
        assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]

    def test_is_replaced_in_time_by_one_that_was_told_before(
        self, configuration, tmp_path: Path
    ) -> None:
        own = OwnCertificates(tmp_path, names=NAMES)
        served = [served_at(own, configuration, NOW)]
        known: set[bytes] = set()
        for hours in range(1, 24 * 40):
            now = NOW + timedelta(hours=hours)
            found = served_at(own, configuration, now)
            ends = configuration.certificate.not_valid_after_utc
            assert ends - now > timedelta(days=2)
            if found != served[-1]:
                assert found in known, "its hash was told for the first time when it was served"
                served.append(found)
            if hours % 24 == 0:
                known = {each.sha256 for each in valid_in(tmp_path, now=now)}
        assert len(served) == 7
        assert len(list(tmp_path.iterdir())) <= 2

    def test_is_kept_over_restarts(self, configuration, tmp_path: Path) -> None:
        first = served_at(OwnCertificates(tmp_path, names=NAMES), configuration, NOW)
        second = served_at(OwnCertificates(tmp_path, names=NAMES), configuration, NOW)
        assert first == second

    def test_is_made_anew_where_it_is_broken_or_over(self, configuration, tmp_path: Path) -> None:
        (tmp_path / "1.pem").write_text("half a certif")
        first = served_at(OwnCertificates(tmp_path, names=NAMES), configuration, NOW)
        later = NOW + timedelta(days=400)
        assert served_at(OwnCertificates(tmp_path, names=NAMES), configuration, later) != first
        assert len(list(tmp_path.iterdir())) == 1

    def test_needs_a_folder(self, configuration, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(CertificateError, match="cannot keep a certificate"):
            OwnCertificates(tmp_path / "file", names=NAMES).put_into(configuration, now=NOW)


class TestGiven:
    def files(self, folder: Path, pem: bytes) -> GivenCertificate:
        certificate, key = folder / "full.pem", folder / "key.pem"
        head, _, tail = pem.partition(b"-----BEGIN PRIVATE KEY-----")
        certificate.write_bytes(head)
        key.write_bytes(b"-----BEGIN PRIVATE KEY-----" + tail)
        return GivenCertificate(certificate, key)

    def test_is_read_again_when_it_changes(self, configuration, tmp_path: Path) -> None:
        given = self.files(tmp_path, make(NAMES, now=NOW))
        given.put_into(configuration, now=NOW)
        first = configuration.certificate
        self.files(tmp_path, make(NAMES, now=NOW))
        os.utime(tmp_path / "full.pem", ns=(1, 1))  # the clock of files may stand still
        given.put_into(configuration, now=NOW)
        assert configuration.certificate != first
        assert configuration.private_key.public_key() == configuration.certificate.public_key()

    def test_stays_while_the_new_one_is_wrong(self, configuration, tmp_path: Path) -> None:
        given = self.files(tmp_path, make(NAMES, now=NOW))
        given.put_into(configuration, now=NOW)
        first = configuration.certificate
        other = make(NAMES, now=NOW).partition(b"-----BEGIN PRIVATE")[0]
        (tmp_path / "full.pem").write_bytes(other)  # of another key
        os.utime(tmp_path / "full.pem", ns=(1, 1))
        given.put_into(configuration, now=NOW)
        (tmp_path / "full.pem").write_text("garbage")
        given.put_into(configuration, now=NOW)
        assert configuration.certificate == first

    @pytest.mark.parametrize("text", [None, "", "garbage"])
    def test_that_cannot_be_used_is_told_at_the_start(
        self, configuration, tmp_path: Path, text: str | None
    ) -> None:
        if text is not None:
            (tmp_path / "full.pem").write_text(text)
            (tmp_path / "key.pem").write_text(text)
        with pytest.raises(CertificateError, match=r"full\.pem"):
            GivenCertificate(tmp_path / "full.pem", tmp_path / "key.pem").put_into(
                configuration, now=NOW
            )


class TestAddress:
    def test_tells_port_and_hashes(self, configuration, tmp_path: Path) -> None:
        served = served_at(OwnCertificates(tmp_path, names=NAMES), configuration, NOW)
        address.tell(tmp_path, port=4433, is_own=True)
        assert address.find(tmp_path, now=NOW) == address.Listening(port=4433, hashes=[served])
        address.tell(tmp_path, port=4434, is_own=False)
        assert address.find(tmp_path, now=NOW) == address.Listening(port=4434, hashes=[])
        address.withdraw(tmp_path)
        assert address.find(tmp_path, now=NOW) is None

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"port": "x", "is_own": true}'])
    def test_that_is_damaged_is_none(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "listening.json").write_text(text)
        assert address.find(tmp_path, now=NOW) is None
