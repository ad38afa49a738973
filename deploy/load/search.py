#!/usr/bin/env python
"""How long the search takes at the database, over 100,000 tracks.

    DATABASE_URL=postgres://... .venv/bin/python deploy/load/search.py

Works in a database of its own on that server, which it makes and drops. The words of the tracks
are syllables, a few of them frequent and most of them rare, and every second artist has a word of
two which nearly nobody else has; what is asked for is drawn from the frequent and the rare.
What is timed is every statement of a search as the product sends it, until its rows are there.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

DATABASE = "veza_bench_search"
ASK = "--ask"
LIMIT = 20
KINDS = 50  # different questions of each sort

# A word's number is its rarity: squares of random numbers make small ones frequent.
VOCABULARY = """
CREATE TABLE bench_word AS
SELECT row_number() OVER (ORDER BY md5(a || b || c)) - 1 AS n, a || b || c AS word
  FROM unnest(ARRAY['ba','ce','di','fo','gu','ha','je','ki','lo','mu','na','pe','ri','so','tu',
                    'va','we','xi','yo','zu']) a,
       unnest(ARRAY['lan','mer','nis','pol','rud','sta','vek','zim','cho','dra']) b,
       unnest(ARRAY['a','er','in','os','um','ight','elle','ane','ox','y']) c;
CREATE UNIQUE INDEX ON bench_word (n);
CREATE FUNCTION bench_pick(rarity float) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT word FROM bench_word WHERE n = (SELECT floor(2000 * random() ^ rarity)::int) $$;
INSERT INTO accounts_user (id, password, is_superuser, created_at, updated_at, username, email,
       display_name, bio, avatar_url, banner_url, location, links, token_version, is_active,
       is_staff, is_machine)
SELECT gen_random_uuid(), '', false, now(), now(), bench_pick(1) || n, n || '@example.org',
       bench_pick(1) || ' ' || bench_pick(1), '', '', '', '', '[]', 1, true, false, false
  FROM generate_series(1, 5000) n;
"""
TRACKS = """
INSERT INTO track_track (id, created_at, updated_at, owner_id, title, artist, album, genre, tags,
       description, license, musical_key, bpm, visibility, download, status, duration_ms,
       published_at, play_count, like_count, comment_count, share_count, download_count, words)
SELECT gen_random_uuid(), now() - n * interval '1 minute', now(), owner, title, artist, album,
       genre, ARRAY[genre, tag], repeat('x', 200), '', '', 60 + n %% 120, 'public', 'none', 'ready',
       60000 + n %% 300000, now(), floor(1000 * random() ^ 8), floor(100 * random() ^ 8), 0, 0, 0,
       concat_ws(E'\\n', title, artist, concat_ws(' ', album, genre, genre, tag))
  FROM (SELECT n, bench_pick(3) || ' ' || bench_pick(2) || ' ' || bench_pick(1) AS title,
               bench_pick(1.5) || ' ' || bench_pick(1)
                 || CASE WHEN n %% 2 = 0 THEN bench_pick(1) ELSE '' END AS artist,
               bench_pick(2) AS album,
               (SELECT word FROM bench_word WHERE bench_word.n = s.n %% 20) AS genre,
               bench_pick(2) AS tag,
               (SELECT id FROM accounts_user OFFSET s.n %% 5000 LIMIT 1) AS owner
          FROM generate_series(%s::int, %s::int) s(n)) AS made
"""
SOME_HIDDEN = "UPDATE track_track SET visibility = 'private' WHERE bpm::int % 20 = 0"
VERSIONS = """
INSERT INTO track_trackversion (id, created_at, updated_at, track_id, n, note, source_key,
       source_name, size_bytes, status, stage, progress, error_code, error_detail, tries, codec,
       musical_key, waveform_key, artwork_key, hls_prefix, manifest_sha256,
       master_url, job_asks, scan_cuts, queued_at)
SELECT gen_random_uuid(), now(), now(), id, 1, '', repeat('x', 60), 'file.wav', 1, 'ready', 'ready',
       100, '', '', 0, 'aac', '', repeat('x', 60), '', repeat('x', 60), repeat('x', 64),
       '', 0, 0, now()
  FROM track_track;
UPDATE track_track SET active_id = made.id FROM track_trackversion made
 WHERE made.track_id = track_track.id;
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=100_000, help="how many there are")
    parser.add_argument("--explain", action="store_true", help="print the plans, too")
    options = parser.parse_args()
    if "DATABASE_URL" not in os.environ:
        parser.error("set DATABASE_URL to a server on which a database may be made")
    with _database(os.environ["DATABASE_URL"]) as url:
        with psycopg.connect(url, autocommit=True) as db:
            _fill(db, tracks=options.tracks)
        asking = [sys.executable, __file__, ASK, *(["--explain"] if options.explain else [])]
        subprocess.run(asking, cwd=ROOT, env=_environment(url), check=True)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _fill(db: psycopg.Connection[Any], *, tracks: int) -> None:
    db.execute(VOCABULARY.encode())
    for start in range(1, tracks + 1, 10_000):
        db.execute(TRACKS.encode(), [start, min(start + 9_999, tracks)])
    db.execute(SOME_HIDDEN.encode())
    db.execute(VERSIONS.encode())
    db.execute("VACUUM FULL")
    db.execute("ANALYZE")


def _ask(*, explains: bool) -> None:
    """In a process of its own, which is the product's."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "veza.settings")
    import django  # noqa: PLC0415 - the environment is set now

    django.setup()
    from apps.auth.selectors import search_people  # noqa: PLC0415
    from apps.track.selectors import list_public_tracks, search_tracks  # noqa: PLC0415

    def tracks(text: str) -> Any:
        return search_tracks(text, user_id=None, limit=LIMIT)

    def people(text: str) -> Any:
        return search_people(text, limit=LIMIT)

    def by_popularity(text: str) -> Any:
        rows = list_public_tracks({"search": text}).order_by("-popularity", "-id")
        return list(rows[: LIMIT + 1])

    asks = {"tracks": tracks, "people": people, "popularity": by_popularity}
    for name, kind, texts in _questions(_words()):
        found = sum(bool(asks[kind](text)) for text in texts)  # warms the memory of the database
        _report(name, _timed(asks[kind], texts), found=found / len(texts))
        if explains:
            _explain(asks[kind], texts[0])


def _questions(words: list[str]) -> list[tuple[str, str, list[str]]]:
    frequent, middling, rare = words[5:55], words[200:250], words[-KINDS:]
    pairs = list(zip(frequent, middling, strict=True))
    return [
        ("frequent word", "tracks", frequent),
        ("middling word", "tracks", middling),
        ("rare word", "tracks", rare),
        ("two words", "tracks", [f"{a} {b}" for a, b in pairs]),
        ("prefix of 1", "tracks", list("bcdfghjklmnprstvwxyz")),
        ("prefix of 3", "tracks", [word[:3] for word in middling]),
        ("letters swapped", "tracks", [_mistyped(word) for word in middling]),
        ("letter missing", "tracks", [_shortened(word) for word in middling]),
        ("two words, swapped", "tracks", [f"{_mistyped(a)} {b}" for a, b in pairs]),
        ("no such word", "tracks", [f"q{word[::-1]}q" for word in middling]),
        ("frequent, by popularity", "popularity", frequent),
        ("people", "people", middling),
        ("people, swapped", "people", [_mistyped(word) for word in middling]),
    ]


def _words() -> list[str]:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("SELECT word FROM bench_word ORDER BY n")
        return [word for (word,) in cursor.fetchall()]


def _mistyped(word: str) -> str:
    """Two letters in the middle have changed places."""
    middle = len(word) // 2
    return word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]


def _shortened(word: str) -> str:
    """A letter in the middle is missing."""
    middle = len(word) // 2
    return word[:middle] + word[middle + 1 :]


def _timed(ask: Callable[[str], Any], texts: list[str]) -> list[float]:
    """The milliseconds at the database of each question; three rounds in a random order."""
    from django.db import connection  # noqa: PLC0415

    spent = [0.0]

    def timing(execute: Any, *arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            spent[0] += (time.perf_counter() - started) * 1000

    asked = texts * 3
    random.Random(1).shuffle(asked)  # noqa: S311 - an order
    taken = []
    with connection.execute_wrapper(timing):
        for text in asked:
            spent[0] = 0.0
            ask(text)
            taken.append(spent[0])
    return taken


def _report(name: str, taken: list[float], *, found: float) -> None:
    cuts = quantiles(taken, n=100)
    print(
        f"{name:24} p50 {cuts[49]:6.1f} ms, p95 {cuts[94]:6.1f} ms, most {max(taken):6.1f} ms"
        f"  ({len(taken)} asked, {found:.0%} find something)"
    )


def _explain(ask: Callable[[str], Any], text: str) -> None:
    from django.db import connection  # noqa: PLC0415

    def explaining(execute: Any, statement: str, params: Any, *rest: Any) -> Any:
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", params)
            print("", *(row[0] for row in cursor.fetchall()), sep="\n")
        return execute(statement, params, *rest)

    print(f"\n{text}:")
    with connection.execute_wrapper(explaining):
        ask(text)


def _environment(url: str) -> dict[str, str]:
    return os.environ | {"DATABASE_URL": url, "LOG_LEVEL": "WARNING"}


@contextmanager
def _database(server: str) -> Iterator[str]:
    url = urlsplit(server)._replace(path=f"/{DATABASE}").geturl()
    name = sql.Identifier(DATABASE)
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
        db.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(migrate, cwd=ROOT, env=_environment(url), check=True)
            yield url
        finally:
            db.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


if __name__ == "__main__":
    if ASK in sys.argv:
        _ask(explains="--explain" in sys.argv)
    else:
        main()
