"""A rendered song as a file such as people upload: Ogg with Opus, tags and a cover."""

import struct
from base64 import b64encode
from fractions import Fraction
from io import BytesIO

import av
import numpy as np
from av.audio.frame import AudioFrame

from veza.management.studio.pictures import SIDE
from veza.management.studio.sound import RATE, Samples

BITS_S = 112_000
FRAME = 960


def ogg(samples: Samples, *, tags: dict[str, str], picture: bytes) -> BytesIO:
    """The whole file; `picture` is a JPEG."""
    file = BytesIO()
    with av.open(file, "w", format="ogg") as output:
        output.metadata.update({**tags, "METADATA_BLOCK_PICTURE": _picture_block(picture)})
        stream = output.add_stream("libopus", rate=RATE, layout="stereo")
        stream.bit_rate = BITS_S
        stream.codec_context.options = {"compression_level": "3"}
        for start in range(0, samples.shape[1] - FRAME + 1, FRAME):
            part = np.ascontiguousarray(samples[:, start : start + FRAME].T).reshape(1, -1)
            frame = AudioFrame.from_ndarray(part, format="flt", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    file.seek(0)
    return file


def _picture_block(picture: bytes) -> str:
    """As FLAC has it, and Ogg in base64: a front cover."""
    kind = b"image/jpeg"
    head = struct.pack("!II", 3, len(kind)) + kind
    sizes = struct.pack("!IIIIII", 0, SIDE, SIDE, 24, 0, len(picture))
    return b64encode(head + sizes + picture).decode()
