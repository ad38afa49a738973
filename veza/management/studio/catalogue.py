"""Who plays what in the demo. The names are made up; nobody is meant."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

SEED = 20_240_101
FIRST_NUMBER = 101
KEYS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a genre sounds: the fewest and most beats a minute, the wave of its chords, and how many
    notes a bar its drums, bass and melody play.
    """

    genre: str
    bpm: tuple[int, int]
    wave: str
    drums: str
    bass: int
    melody: int
    is_minor: bool
    progressions: tuple[tuple[int, ...], ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Artist:
    """Somebody who does not exist."""

    number: int
    username: str
    name: str
    bio: str
    style: Style
    titles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Song:
    """One track: all that the synthesis needs to know."""

    artist: Artist
    title: str
    bpm: int
    root: int
    seconds: int
    progression: tuple[int, ...]
    seed: int

    @property
    def key(self) -> str:
        return f"{KEYS[self.root]} {'minor' if self.artist.style.is_minor else 'major'}"


_BRIGHT = ((0, 4, 5, 3), (0, 3, 4, 4), (5, 3, 0, 4))
_DARK = ((0, 5, 2, 6), (0, 3, 5, 4), (0, 6, 5, 6))
AMBIENT = Style(
    genre="Ambient", bpm=(56, 72), wave="soft", drums="none", bass=1, melody=2,
    is_minor=False, progressions=_BRIGHT, tags=("calm", "drone", "night"),
)  # fmt: skip
HOUSE = Style(
    genre="House", bpm=(120, 126), wave="square", drums="four", bass=4, melody=4,
    is_minor=True, progressions=_DARK, tags=("dance", "club"),
)  # fmt: skip
TECHNO = Style(
    genre="Techno", bpm=(130, 138), wave="saw", drums="four", bass=8, melody=8,
    is_minor=True, progressions=((0, 0, 5, 0), (0, 0, 6, 5)), tags=("dance", "dark"),
)  # fmt: skip
LOFI = Style(
    genre="Lo-fi", bpm=(72, 86), wave="soft", drums="swing", bass=2, melody=3,
    is_minor=False, progressions=((1, 4, 0, 5), (3, 2, 1, 0)), tags=("calm", "beats", "rain"),
)  # fmt: skip
SYNTHWAVE = Style(
    genre="Synthwave", bpm=(88, 108), wave="saw", drums="rock", bass=8, melody=4,
    is_minor=True, progressions=_DARK, tags=("retro", "night", "drive"),
)  # fmt: skip
FOLK = Style(
    genre="Folk", bpm=(92, 116), wave="pluck", drums="none", bass=2, melody=6,
    is_minor=False, progressions=_BRIGHT, tags=("acoustic",),
)  # fmt: skip
DUB = Style(
    genre="Dub", bpm=(68, 76), wave="square", drums="half", bass=4, melody=2,
    is_minor=True, progressions=((0, 0, 3, 3), (0, 6, 0, 6)), tags=("bass", "echo"),
)  # fmt: skip
CHIP = Style(
    genre="Chiptune", bpm=(140, 164), wave="square", drums="rock", bass=8, melody=8,
    is_minor=False, progressions=_BRIGHT, tags=("games", "pixels"),
)  # fmt: skip
JUNGLE = Style(
    genre="Drum and bass", bpm=(168, 174), wave="soft", drums="break", bass=4, melody=4,
    is_minor=True, progressions=_DARK, tags=("dance", "fast"),
)  # fmt: skip
WALTZ = Style(
    genre="Chamber", bpm=(84, 110), wave="pluck", drums="none", bass=3, melody=6,
    is_minor=True, progressions=((0, 3, 4, 0), (0, 5, 3, 4)), tags=("strings", "quiet"),
)  # fmt: skip

_BAND = (
    ("oona-vale", "Oona Vale", AMBIENT, "Slow tones, recorded at night.",
     "Harbour without ships|Salt on the window|Low tide, high moon|The long exhale"),
    ("tape-orchard", "Tape Orchard", LOFI, "Beats from a box of old cassettes.",
     "Rain on platform two|Biscuit tin|Library card|Half past yesterday"),
    ("neon-heron", "Neon Heron", SYNTHWAVE, "Drives through a city that never was.",
     "Afterglow exit|Chrome lagoon|Midnight toll|Signal over water"),
    ("kilo-moth", "Kilo Moth", TECHNO, "Machines, mostly.",
     "Ballast|Night shift|Ferrous|Conveyor hymn"),
    ("mira-quill", "Mira Quill", FOLK, "Songs for a kitchen with the door open.",
     "Barley road|Two lanterns|Window herbs"),
    ("dj-pomelo", "DJ Pomelo", HOUSE, "Warm records for cold rooms.",
     "Peel me a Sunday|Velvet ladder|Citrus clock|Hold the lift"),
    ("cellar-choir", "Cellar Choir", DUB, "Everything below two hundred hertz.",
     "Echo in the stairwell|Lead kettle|Slow lorry"),
    ("pixel-badger", "Pixel Badger", CHIP, "Four channels are plenty.",
     "Insert coin twice|Cloud level|Boss on a bicycle"),
    ("brisk-otter", "Brisk Otter", JUNGLE, "Fast water.",
     "Weir|Under the bridge at speed|Tin river"),
    ("ivo-lindenau", "Ivo Lindenau", WALTZ, "Small pieces for small rooms.",
     "Waltz for an empty chair|Letter, unsent|First snow, third floor"),
    ("paper-comet", "Paper Comet", SYNTHWAVE, "A duo that met on a night bus.",
     "Origami weather|Last stop Andromeda|Folded light"),
    ("soft-static", "Soft Static", LOFI, "Music for doing something else.",
     "Dust motes|Tea at four"),
)  # fmt: skip

ARTISTS = tuple(
    Artist(
        number=FIRST_NUMBER + place, username=username, name=name, bio=bio, style=style,
        titles=tuple(titles.split("|")),
    )
    for place, (username, name, style, bio, titles) in enumerate(_BAND)
)  # fmt: skip

PLAYLISTS = (
    ("tape-orchard", "Rainy afternoon", "Slow things for a window seat.", "calm", 9),
    ("dj-pomelo", "Doors at eleven", "Warm-up, peak, bus home.", "dance", 12),
    ("neon-heron", "Night drive", "No lyrics, no traffic.", "night", 9),
    ("mira-quill", "Kitchen radio", "Whatever was on while we cooked.", "", 14),
    ("soft-static", "Focus, softly", "Nothing that asks for attention.", "beats", 6),
    ("lina", "Found this week", "New names I keep coming back to.", "", 10),
)


def songs() -> Iterator[Song]:
    """All of them, in the order in which they are made: each artist's first, then the second."""
    most = max(len(artist.titles) for artist in ARTISTS)
    for nth in range(most):
        for artist in ARTISTS:
            if nth < len(artist.titles):
                yield _song(artist, nth)


def _song(artist: Artist, nth: int) -> Song:
    seed = SEED + artist.number * 100 + nth
    chance = random.Random(seed)  # noqa: S311 - the same music each time
    return Song(
        artist=artist,
        title=artist.titles[nth],
        bpm=chance.randint(*artist.style.bpm),
        root=chance.randrange(12),
        seconds=chance.randint(12, 16),
        progression=chance.choice(artist.style.progressions),
        seed=seed,
    )
