"""What is found in every format that is taken: by a real clamd, which overlooks some by itself."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from tests.apps.track.studio import Scanner
from tests.factories import infected, sound
from tests.factories.sound import FORMS, Form
from tests.factories.sounds import EICAR
from veza.integrations.antivirus.clamd import UNSEEN, ClamdAntivirus

pytestmark = pytest.mark.needs_clamd

every_form = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
HIDDEN = {"plainly": EICAR, "in an archive": infected.zipped()}


@pytest.fixture(scope="module")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scanner]:
    started = Scanner(folder=tmp_path_factory.mktemp("clamd"))
    started.start()
    yield started
    started.kill()


@pytest.fixture
def clamd(scanner: Scanner, settings) -> ClamdAntivirus:
    settings.CLAMD_URL = scanner.url
    return ClamdAntivirus()


@every_form
@pytest.mark.parametrize("how", HIDDEN)
def test_behind_a_song_it_is_found(clamd, form: Form, how: str, tmp_path: Path) -> None:
    song = sound.write_tone(tmp_path / "song", form, seconds=0.5).read_bytes()

    assert clamd.scan(BytesIO(song)).is_clean
    assert not clamd.scan(BytesIO(song + HIDDEN[how])).is_clean


@pytest.mark.parametrize("head", UNSEEN, ids=[head.hex() for head in UNSEEN])
@pytest.mark.parametrize("pieces", [1, 2, 1000])
def test_behind_a_head_that_is_overlooked_it_is_found(clamd, head: bytes, pieces: int) -> None:
    """However little of the file comes at once."""

    class Chopped(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(pieces)

    assert not clamd.scan(Chopped(head + bytes(90) + EICAR)).is_clean
    assert clamd.scan(Chopped(head + bytes(90))).is_clean
