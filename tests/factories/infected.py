"""The EICAR test file where malware hides: alone, in archives, in tags and pictures of audio."""

import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path

from tests.factories import sound
from tests.factories.sounds import EICAR, wav

CHUNK_BYTES = 256 * 1024
"""How much of a file clamd is given at once."""
WHITESPACE = b"\t\x1a \r\n"
"""May follow the test file, up to 128 bytes in all (eicar.org)."""


def zipped(content: bytes = EICAR, *, depth: int = 1, packed: bool = True) -> bytes:
    """In an archive, which lies in an archive."""
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    for _ in range(depth):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            archive.writestr("song.wav", content)
        content = file.getvalue()
    return content


def plain() -> dict[str, bytes]:
    """Files in whose own bytes it stands."""
    tone, head = wav(1.0), wav(20.0)
    assert len(head) > CHUNK_BYTES + len(EICAR)
    return {
        "alone": EICAR,
        "with a line's end": EICAR + b"\n",
        "with whitespace": (EICAR + WHITESPACE * 12)[:128],
        "stored in an archive": zipped(packed=False),
        "behind a WAV": tone + EICAR,
        "in a chunk of a WAV": _with_chunk(tone, EICAR),
        "over the border of the first chunk": _over(head, CHUNK_BYTES - len(EICAR) // 2),
        "over the border of the last chunk": _over(
            head, (len(head) - 1) // CHUNK_BYTES * CHUNK_BYTES - len(EICAR) // 2
        ),
        "at the end of many chunks": head + EICAR,
    }


def packed() -> dict[str, bytes]:
    """Files that have to be unpacked first."""
    return {
        "zipped": zipped(),
        "zipped three times": zipped(depth=3),
        "gzipped": gzip.compress(EICAR),
        "in a tar in a gzip": gzip.compress(_in_tar(EICAR)),
        "zipped behind a WAV": wav(1.0) + zipped(),
    }


def tagged(folder: Path) -> dict[str, bytes]:
    """Songs that can be heard, with it in tags and pictures; `folder` is to make them in."""
    words = {"title": EICAR.decode()}
    mp3 = sound.write_tone(folder / "a.mp3", sound.MP3, seconds=1.0).read_bytes()
    flac = sound.write_tone(folder / "a.flac", sound.FLAC, seconds=1.0).read_bytes()
    titled = {
        form.suffix: sound.write_tone(folder / f"t.{form.suffix}", form, seconds=1.0, tags=words)
        for form in (sound.MP3, sound.FLAC, sound.M4A)
    }
    picture = sound.PNG + EICAR
    return {
        **{f"in the title of {name}": path.read_bytes() for name, path in titled.items()},
        "in the picture of mp3": sound.with_id3_artwork(mp3, picture),
        "as the picture of mp3": sound.with_id3_artwork(mp3, EICAR),
        "in the picture of flac": sound.with_flac_artwork(flac, picture),
        "zipped in the picture of flac": sound.with_flac_artwork(flac, zipped(packed=False)),
    }


def _with_chunk(content: bytes, body: bytes) -> bytes:
    """A WAV with one chunk more, as an editor would add its notes."""
    chunk = b"note" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    size = struct.pack("<I", len(content) - 8 + len(chunk))
    return content[:4] + size + content[8:] + chunk


def _over(content: bytes, place: int) -> bytes:
    return content[:place] + EICAR + content[place + len(EICAR) :]


def _in_tar(content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("song.wav")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()
