"""Why a track stands still, in a sentence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.track.rules.standing import span, why
from apps.track.types import LastStep, Making, Step, StepResult, Takers

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TWO = Takers(workers=2, waiting=0)
NOBODY = Takers(workers=0, waiting=7)
SILENT = Takers(workers=None, waiting=None)


def ago(**time: int) -> datetime:
    return NOW - timedelta(**time)


def last(step: Step, result: StepResult, code: str = "", **other: object) -> LastStep:
    defaults: dict[str, Any] = {
        "tries": 1,
        "began_at": ago(minutes=4),
        "ended_at": ago(minutes=1),
        "due_at": None,
    }
    return LastStep(step=step, result=result, code=code, **{**defaults, **other})


def said(last_step: LastStep | None, takers: Takers = TWO, **other: object) -> str:
    defaults: dict[str, Any] = {
        "status": "processing", "error_detail": "", "tries": 3, "queued_at": ago(minutes=5),
    }  # fmt: skip
    making = Making(last=last_step, **{**defaults, **other})
    return why(making, takers, max_tries=8, now=NOW)


class TestWhy:
    def test_nothing_of_what_is_ready(self) -> None:
        assert said(None, status="ready") == ""

    def test_how_it_ended(self) -> None:
        assert said(None, status="rejected", error_detail="The file is damaged.") == (
            "The file was refused: The file is damaged. Only another file helps."
        )
        assert said(None, status="failed", error_detail="No room.") == (
            "It was given up: No room. Trying again may help."
        )

    @pytest.mark.parametrize(
        ("takers", "expected"),
        [
            (NOBODY, "No worker has begun it for 5 min: no worker takes from the queue `media`,"
             " where 7 tasks wait."),
            (TWO, "No worker has begun it for 5 min: 2 workers take from the queue `media`."),
            (SILENT, "No worker has begun it for 5 min, and the broker does not answer."),
        ],
    )  # fmt: skip
    def test_nobody_begins(self, takers: Takers, expected: str) -> None:
        assert said(None, takers) == expected
        tried_again = last(Step.STORE, StepResult.WAITS, began_at=ago(minutes=9))
        assert said(tried_again, takers) == expected

    def test_it_is_too_early_to_ask(self) -> None:
        assert said(None, NOBODY, queued_at=ago(seconds=3)) == "It has just been asked for."

    def test_the_scanner_is_away(self) -> None:
        waits = last(
            Step.SCAN, StepResult.WAITS, "antivirus_unavailable", tries=12,
            due_at=NOW + timedelta(seconds=40),
        )  # fmt: skip
        assert said(waits) == (
            "The antivirus scanner is away since 2026-11-21 11:56 UTC (4 min), try 12: it is"
            " waited for without end; the next try is in 40 s."
        )

    def test_what_is_tried_so_often_and_no_more(self) -> None:
        waits = last(Step.STORE, StepResult.WAITS, "storage_unavailable", due_at=ago(minutes=3))
        assert said(waits, NOBODY) == (
            "The storage is away since 2026-11-21 11:56 UTC (4 min), try 3 of 8; the next try has"
            " been due for 3 min. No worker takes from the queue `media`."
        )

    def test_a_worker_that_was_killed(self) -> None:
        lost = last(Step.TRANSCODE, StepResult.LOST)
        assert said(lost).startswith("The step transcode was cut off with its worker.")
        hangs = last(Step.PROBE, StepResult.RUNNING, began_at=ago(hours=3), ended_at=None)
        assert said(hangs, queued_at=ago(hours=4)).startswith(
            "The step probe began 3 h ago and has not ended."
        )

    def test_it_is_going_on(self) -> None:
        runs = last(Step.MEASURE, StepResult.RUNNING, began_at=ago(seconds=9), ended_at=None)
        assert said(runs) == "It is being made: measure, for 9 s."


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (timedelta(seconds=-3), "0 s"), (timedelta(seconds=59), "59 s"),
        (timedelta(seconds=60), "1 min"), (timedelta(minutes=59), "59 min"),
        (timedelta(hours=1), "1 h"), (timedelta(hours=47), "47 h"), (timedelta(days=2), "2 days"),
    ],
)  # fmt: skip
def test_times_are_told_as_people_say_them(time: timedelta, expected: str) -> None:
    assert span(time) == expected
