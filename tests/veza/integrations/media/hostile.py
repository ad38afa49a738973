"""Audio files that were damaged, or made to do damage."""

import os
import random

SEED = int(os.environ.get("VEZA_FAULTS_SEED", "20"))
"""The same files in every run, unless another seed is given."""


def mutated(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    reach = len(changed) if chance.random() < 0.5 else min(len(changed), 300)  # headers matter most
    for _ in range(chance.choice([1, 3, 30, 300])):
        changed[chance.randrange(reach)] ^= 1 << chance.randrange(8)
    start, length = chance.randrange(len(changed)), chance.randrange(5000)
    match chance.randrange(6):
        case 0:
            del changed[start:]
        case 1:
            del changed[start : start + length]
        case 2:
            changed[start:start] = changed[start : start + length]
        case 3:
            changed[start : start + length] = bytes(length)
    return bytes(changed)


def id3_bomb(frames: int) -> bytes:
    """A tag of very many frames, each of which claims to be larger than the file."""
    frame = b"TXXX" + b"\x7f\xff\xff\xff" + b"\0\0" + b"\3" + b"A" * 40
    body = frame * frames
    size = len(body)
    return b"ID3\4\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


def webvtt(cues: int) -> bytes:
    """Subtitles without end, as FFmpeg would read them."""
    cue = "00:00:00.000 --> 99:59:59.999\n" + "x" * 400 + "\n\n"
    return ("WEBVTT\n\n" + cue * cues).encode()
