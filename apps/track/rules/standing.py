"""Why a track does not move, in a sentence for operators."""

from datetime import datetime, timedelta

from apps.track.types import LastStep, Making, Step, StepResult, Takers, TrackStatus

SOON = timedelta(seconds=30)
"""Nobody asks why something younger has not begun."""
LONG = timedelta(minutes=20)
ENDED = {
    TrackStatus.READY: "",
    TrackStatus.REJECTED: "The file was refused: {} Only another file helps.",
    TrackStatus.FAILED: "It was given up: {} Trying again may help.",
}
AWAY = {
    "antivirus_unavailable": "The antivirus scanner is away",
    "media_unavailable": "The machine cannot process audio",
    "storage_unavailable": "The storage is away",
    "storage_full": "The disk of the worker or of the storage is full",
}


def why(making: Making, takers: Takers, *, max_tries: int, now: datetime) -> str:
    """What the newest version waits for, or how it ended; empty for one that is ready."""
    if making.status != TrackStatus.PROCESSING:
        return ENDED[TrackStatus(making.status)].format(making.error_detail)
    last = making.last
    if last is None or (last.began_at < making.queued_at and last.ended_at is not None):
        return _unbegun(making, takers, now)
    if last.result == StepResult.WAITS:
        return _waits(making, last, takers, max_tries=max_tries, now=now)
    return _goes_on(last, takers, now)


def span(time: timedelta) -> str:
    """As people say it: `3 min`."""
    seconds = max(0, int(time.total_seconds()))
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and name != "days"):
            return f"{seconds // size} {name}"
    return f"{seconds} s"


def _unbegun(making: Making, takers: Takers, now: datetime) -> str:
    age = now - making.queued_at
    if age < SOON:
        return "It has just been asked for."
    begun = f"No worker has begun it for {span(age)}"
    if takers.workers is None:
        return f"{begun}, and the broker does not answer."
    if not takers.workers:
        return f"{begun}: no worker takes from the queue `media`{_waiting(takers)}."
    return f"{begun}: {takers.workers} workers take from the queue `media`{_waiting(takers)}."


def _goes_on(last: LastStep, takers: Takers, now: datetime) -> str:
    if last.result in (StepResult.FAILED, StepResult.LOST):
        how = f"broke off with {last.code}" if last.code else "was cut off with its worker"
        return f"The step {last.step} {how}. {_resumed(takers)}"
    age = now - last.began_at
    if last.result == StepResult.RUNNING and age > LONG:
        return f"The step {last.step} began {span(age)} ago and has not ended. {_resumed(takers)}"
    return f"It is being made: {last.step}, for {span(age)}."


def _waits(making: Making, last: LastStep, takers: Takers, *, max_tries: int, now: datetime) -> str:
    reason = AWAY.get(last.code, f"The step {last.step} answers {last.code}")
    said = f"{reason} since {last.began_at:%Y-%m-%d %H:%M} UTC ({span(now - last.began_at)})"
    if last.step == Step.SCAN:
        said += f", try {last.tries}: it is waited for without end"
    else:
        said += f", try {making.tries} of {max_tries}"
    if last.due_at is None:
        return f"{said}. " + _resumed(takers)
    if last.due_at > now:
        return f"{said}; the next try is in {span(last.due_at - now)}."
    return f"{said}; the next try has been due for {span(now - last.due_at)}. " + _resumed(takers)


def _resumed(takers: Takers) -> str:
    if takers.workers == 0:
        return "No worker takes from the queue `media`."
    return f"It is begun again when nothing has moved for {span(LONG)}."


def _waiting(takers: Takers) -> str:
    return f", where {takers.waiting} tasks wait" if takers.waiting else ""
