"""What a process that lives long lets the collector of garbage look at."""

import subprocess
import sys

from django.conf import settings

PREAMBLE = """
import gc, weakref
from veza.kit import collector

class Thing:
    def __init__(self):
        self.other = None

loaded = [Thing() for _ in range(50_000)]
looked_at = []

def note(phase, info):
    if phase == "start" and info["generation"] == 2:
        looked_at.append(len(gc.get_objects()))

def come(number):
    return [Thing() for _ in range(number)]

collector.spare_what_is_loaded()
"""


def run(program: str) -> None:
    """In a process of its own, whose collector nobody else has touched."""
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + program],
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def test_what_the_start_has_loaded_is_not_looked_at() -> None:
    run("""
assert gc.get_freeze_count() >= 50_000
assert len(gc.get_objects()) < 5_000
""")


def test_it_looks_at_newcomers_alone_however_many_there_are() -> None:
    run("""
gc.callbacks.append(note)
here = [come(1_000) for _ in range(400)]
assert len(looked_at) >= 5, looked_at
assert max(looked_at) < 60_000, looked_at
""")


def test_what_is_spared_is_freed_as_soon_as_nobody_holds_it() -> None:
    run("""
here = come(100_000)
gc.disable()
first = weakref.ref(here[0])
assert gc.get_freeze_count() > 100_000
here.clear()
assert first() is None
assert gc.get_freeze_count() < 60_000
""")


def test_what_dies_in_circles_is_found_in_the_end() -> None:
    """Memory does not grow, also where things live until they are spared and die in circles."""
    run("""
collector.PUT_AWAY_BEFORE_ALL = 200_000
for _ in range(40):
    things = come(20_000)
    for thing in things:
        thing.other = thing
    gc.collect()
    del thing, things
here = come(1)
assert gc.get_freeze_count() + len(gc.get_objects()) < 50_000 + 400_000
""")


def test_a_repeat_changes_nothing() -> None:
    run("""
before = list(gc.callbacks), gc.get_threshold()
collector.spare_what_is_loaded()
assert (gc.callbacks, gc.get_threshold()) == (before[0], before[1])
""")
