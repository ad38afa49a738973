"""Recordings, synthesised: nobody else's sound is needed."""

import io
import math
import struct
import wave
from array import array
from functools import cache

# The antivirus test file of EICAR, in two halves, so that no scanner minds this file.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@cache
def wav(seconds: float = 2.0, *, tone_hz: float = 440.0, rate_hz: int = 22_050) -> bytes:
    """A tone, mono, 16 bits."""
    count = int(seconds * rate_hz)
    samples = array(
        "h", (int(12_000 * math.sin(2 * math.pi * tone_hz * n / rate_hz)) for n in range(count))
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, rate_hz, count, "NONE", ""))
        out.writeframes(samples.tobytes())
    return file.getvalue()


def lying_wav() -> bytes:
    """A header that promises what does not come."""
    return b"RIFF" + struct.pack("<I", 2**31) + b"WAVEfmt " + b"\x10\0\0\0" + b"\xff" * 16
