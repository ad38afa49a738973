"""One suite for every adapter of the port, then what is special about clamd."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from tests.patience import PATIENCE_S
from tests.veza.integrations import own_clamd
from veza.health.dependencies import Condition, check_antivirus
from veza.integrations.antivirus import (
    Antivirus,
    AntivirusUnavailableError,
    ScanCutError,
    ScanLimitError,
)
from veza.integrations.antivirus.absent import AbsentAntivirus
from veza.integrations.antivirus.builtin import EICAR, BuiltinAntivirus
from veza.integrations.antivirus.clamd import CHUNK_BYTES, ClamdAntivirus

NAME = "Eicar-Test-Signature"


@pytest.fixture(params=["builtin", pytest.param("clamd", marks=pytest.mark.needs_clamd)])
def scanner(request: pytest.FixtureRequest) -> Iterator[Antivirus]:
    if request.param == "builtin":
        yield BuiltinAntivirus()
    else:
        with override_settings(CLAMD_URL=os.environ["CLAMD_URL"]):
            yield ClamdAntivirus()


class Chopped(BytesIO):
    """A stream that gives one piece after another, however much is asked for."""

    def __init__(self, *pieces: bytes) -> None:
        super().__init__()
        self.pieces = list(pieces)

    def read(self, size: int | None = -1, /) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


class TestScan:
    @pytest.mark.parametrize(
        "content", [b"", b"music", bytes(range(256)) * 5000, b"\0" * CHUNK_BYTES]
    )
    def test_passes_clean_content(self, scanner: Antivirus, content: bytes) -> None:
        verdict = scanner.scan(BytesIO(content))

        assert (verdict.is_clean, verdict.signature) == (True, "")

    def test_names_what_it_finds(self, scanner: Antivirus) -> None:
        verdict = scanner.scan(BytesIO(EICAR))

        assert not verdict.is_clean
        assert NAME in verdict.signature

    @pytest.mark.parametrize("cut", range(1, len(EICAR)))
    def test_finds_it_wherever_the_stream_is_cut(self, scanner: Antivirus, cut: int) -> None:
        assert not scanner.scan(Chopped(EICAR[:cut], EICAR[cut:] + b"\n" * 9)).is_clean

    def test_finds_it_byte_by_byte(self, scanner: Antivirus) -> None:
        assert not scanner.scan(Chopped(*(bytes([each]) for each in EICAR))).is_clean

    def test_finds_it_before_much_else(self, scanner: Antivirus) -> None:
        assert not scanner.scan(BytesIO(EICAR + b"\0" * 3 * CHUNK_BYTES)).is_clean

    def test_begins_where_the_stream_stands_and_leaves_it_open(self, scanner: Antivirus) -> None:
        stream = BytesIO(EICAR + b"music")
        stream.seek(len(EICAR))

        assert scanner.scan(stream).is_clean
        assert not stream.closed

    def test_lets_failures_of_the_stream_through(self, scanner: Antivirus) -> None:
        class Broken(BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise ConnectionResetError("the storage")

        with pytest.raises(ConnectionResetError, match="the storage"):
            scanner.scan(Broken())

    def test_serves_several_threads(self, scanner: Antivirus) -> None:
        contents = [EICAR, b"music"] * 20

        with ThreadPoolExecutor(4) as threads:
            verdicts = list(threads.map(lambda each: scanner.scan(BytesIO(each)), contents))

        assert [verdict.is_clean for verdict in verdicts] == [False, True] * 20

    def test_tells_its_version(self, scanner: Antivirus) -> None:
        assert scanner.version()


class TestBuiltin:
    @pytest.mark.parametrize("offset", [1, 1000, *range(CHUNK_BYTES - 70, CHUNK_BYTES + 3)])
    def test_finds_the_test_file_at_any_place(self, offset: int) -> None:
        assert not BuiltinAntivirus().scan(BytesIO(b"\0" * offset + EICAR)).is_clean

    def test_says_how_little_it_knows(self) -> None:
        assert "EICAR" in BuiltinAntivirus().version()
        assert not BuiltinAntivirus.knows_real_threats


@pytest.mark.needs_clamd
class TestRealClamd:
    def test_tells_that_it_is_clamav(self, settings) -> None:
        settings.CLAMD_URL = os.environ["CLAMD_URL"]

        assert ClamdAntivirus().version().startswith("ClamAV 1.")

    def test_takes_50_megabytes(self, settings) -> None:
        settings.CLAMD_URL = os.environ["CLAMD_URL"]

        assert ClamdAntivirus().scan(BytesIO(b"\0" * 50 * 1024**2)).is_clean


BROKEN = {
    "an unknown command": own_clamd.says(b"UNKNOWN COMMAND\0"),
    "an error": own_clamd.says(b"stream: Can't allocate memory ERROR\0"),
    "nothing": own_clamd.says(b""),
    "only the end": own_clamd.says(b"\0"),
    "half of it": own_clamd.says(b"stream: O"),
    "no end": own_clamd.says(b"stream: OK"),
    "another end": own_clamd.says(b"stream: OK\n"),
    "twice": own_clamd.says(b"stream: OK\0stream: OK\0"),
    "more after it": own_clamd.says(b"stream: OK\0 "),
    "in other letters": own_clamd.says(b"stream: ok\0"),
    "of another file": own_clamd.says(b"other: OK\0"),
    "found nothing": own_clamd.says(b"stream:  FOUND\0"),
    "found without a name": own_clamd.says(b"stream: FOUND\0"),
    "no text": own_clamd.says(bytes(range(1, 256)) + b"\0"),
    "too early": own_clamd.says_after(100_000, b"stream: OK\0"),
    "found too early": own_clamd.says_after(100_000, b"stream: X FOUND\0"),
    "at once": own_clamd.says_after(0, b"stream: OK\0"),
    "gone in the middle": own_clamd.says_after(100_000, b""),
    "gone at once": own_clamd.says_after(0, b""),
    "silence": own_clamd.hangs,
    "deafness": own_clamd.never_reads,
    "a letter at a time": own_clamd.trickles,
    "a flood": own_clamd.floods,
}


class TestHostileClamd:
    @pytest.fixture(autouse=True)
    def _short(self, settings) -> None:
        settings.CLAMD_TIMEOUT_S = 0.5

    @pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
    def test_is_never_believed_to_say_clean(self, settings, script: own_clamd.Script) -> None:
        with own_clamd.fake_clamd(script) as settings.CLAMD_URL:
            began = time.monotonic()
            with pytest.raises(AntivirusUnavailableError):
                ClamdAntivirus().scan(BytesIO(b"music" * 4_000_000))

        assert time.monotonic() - began < PATIENCE_S

    def test_is_believed_when_it_is_clear(self, settings) -> None:
        settings.CLAMD_TIMEOUT_S = PATIENCE_S
        with own_clamd.fake_clamd(own_clamd.says(b"stream: OK\0")) as settings.CLAMD_URL:
            assert ClamdAntivirus().scan(BytesIO(b"music" * 100_000)).is_clean

    @pytest.mark.parametrize(
        "answer",
        [
            own_clamd.says_after(100_000, b"INSTREAM size limit exceeded. ERROR\0"),
            own_clamd.hangs_up_after(100_000, b"INSTREAM size limit exceeded. ERROR\0"),
            own_clamd.says(b"INSTREAM size limit exceeded. ERROR\0"),
            own_clamd.says(b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0"),
        ],
    )
    def test_tells_that_a_file_is_too_large_for_it(self, settings, answer) -> None:
        settings.CLAMD_TIMEOUT_S = PATIENCE_S  # who answers is waited for, also on a busy machine
        with (
            own_clamd.fake_clamd(answer) as settings.CLAMD_URL,
            pytest.raises(ScanLimitError),
        ):
            ClamdAntivirus().scan(BytesIO(b"music" * 4_000_000))

    @pytest.mark.parametrize(
        "script", [own_clamd.resets_after(2_000_000), own_clamd.hangs_up_after(2_000_000, b"")]
    )
    def test_is_known_to_have_hung_up_in_the_middle(self, settings, script) -> None:
        settings.CLAMD_TIMEOUT_S = PATIENCE_S
        with own_clamd.fake_clamd(script) as settings.CLAMD_URL, pytest.raises(ScanCutError):
            ClamdAntivirus().scan(BytesIO(b"music" * 4_000_000))

    @pytest.mark.parametrize(
        "script", [own_clamd.resets_after(0), own_clamd.resets_after(100_000), own_clamd.hangs]
    )
    def test_is_away_where_it_hangs_up_at_once_or_is_silent(self, settings, script) -> None:
        with (
            own_clamd.fake_clamd(script) as settings.CLAMD_URL,
            pytest.raises(AntivirusUnavailableError) as caught,
        ):
            ClamdAntivirus().scan(BytesIO(b"music" * 100_000))
        assert caught.type is AntivirusUnavailableError

    @pytest.mark.parametrize(
        "url", ["tcp://127.0.0.1:1", "unix:///nowhere/clamd.ctl", "tcp://scanner.invalid:3310"]
    )
    def test_that_is_not_there_gives_no_verdict(self, settings, url: str) -> None:
        settings.CLAMD_URL = url

        with pytest.raises(AntivirusUnavailableError):
            ClamdAntivirus().scan(BytesIO(b"music"))


class TestReadiness:
    def test_says_that_the_builtin_scanner_protects_nobody(self, settings) -> None:
        settings.ANTIVIRUS_BACKEND = "veza.integrations.antivirus.builtin.BuiltinAntivirus"

        assert check_antivirus() == Condition("off", "Only the EICAR test file is recognised.")

    def test_is_degraded_where_a_scanner_is_expected(self, settings) -> None:
        settings.ANTIVIRUS_BACKEND = "veza.integrations.antivirus.builtin.BuiltinAntivirus"
        settings.ANTIVIRUS_EXPECTED = True

        assert check_antivirus().state == "degraded"

    def test_says_that_uploads_wait_for_a_scanner(self, settings) -> None:
        settings.ANTIVIRUS_BACKEND = "veza.integrations.antivirus.absent.AbsentAntivirus"
        settings.ANTIVIRUS_REQUIRED = settings.ANTIVIRUS_EXPECTED = True

        assert (check_antivirus().state, "wait" in check_antivirus().detail) == ("degraded", True)
        with pytest.raises(AntivirusUnavailableError):
            AbsentAntivirus().scan(BytesIO(b"music"))

    @pytest.mark.parametrize(
        ("adapter", "warns"),
        [("builtin.Builtin", True), ("absent.Absent", True), ("clamd.Clamd", False)],
    )
    def test_is_warned_of_before_a_deployment(self, settings, adapter: str, warns: bool) -> None:
        settings.ANTIVIRUS_BACKEND = f"veza.integrations.antivirus.{adapter}Antivirus"

        found = run_checks(tags=["security"], include_deployment_checks=True)
        assert ("veza.W001" in {each.id for each in found}) is warns

    @pytest.mark.needs_clamd
    def test_is_up_with_clamd(self, settings) -> None:
        settings.CLAMD_URL = os.environ["CLAMD_URL"]
        settings.ANTIVIRUS_BACKEND = "veza.integrations.antivirus.clamd.ClamdAntivirus"

        assert check_antivirus() == Condition("up")

    def test_fails_where_something_else_answers(self, settings) -> None:
        settings.ANTIVIRUS_BACKEND = "veza.integrations.antivirus.clamd.ClamdAntivirus"
        script = own_clamd.says_after(9, b"HTTP/1.1 400 Bad Request\r\n\r\n\0")

        with (
            own_clamd.fake_clamd(script) as settings.CLAMD_URL,
            pytest.raises(AntivirusUnavailableError),
        ):
            check_antivirus()


def test_speaks_over_a_unix_socket(settings, tmp_path: Path) -> None:
    with own_clamd.fake_clamd_at(tmp_path / "clamd.ctl", own_clamd.says(b"stream: OK\0")):
        settings.CLAMD_URL = f"unix://{tmp_path}/clamd.ctl"

        assert ClamdAntivirus().scan(BytesIO(b"music")).is_clean
