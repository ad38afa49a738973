"""What PostgreSQL is told to forget, and whether a stream that lost its end can be filled again."""

from apps.events.capture.progress import CONFIRM_AFTER_S, Progress
from veza.integrations.change_stream import Entry, EntryId

TOPIC = "veza.public.rounds"


def entries(*lsns: int) -> list[Entry]:
    return [Entry(EntryId(lsn, 0), b"", b"{}") for lsn in lsns]


def progress() -> Progress:
    """Three batches; what stands before 300 was confirmed."""
    made = Progress(0, {TOPIC: None})
    for lsn in (100, 200, 300):
        made.appended(TOPIC, entries(lsn, lsn + 8))
        made.is_safe(lsn + 50, now=float(lsn))
    made.confirm(now=200 + CONFIRM_AFTER_S)
    return made


def test_what_has_just_been_appended_is_not_confirmed_yet():
    made = progress()

    assert made.confirmed == 250
    assert made.confirm(now=300 + CONFIRM_AFTER_S - 0.1) == 250
    assert made.confirm(now=300 + CONFIRM_AFTER_S) == 350


def test_the_last_entry_is_known():
    assert progress().ends[TOPIC] == EntryId(308, 0)


def test_a_stream_that_has_all_has_lost_nothing():
    assert progress().is_recoverable(TOPIC, EntryId(308, 0))
    assert progress().is_recoverable(TOPIC, EntryId(400, 0))


def test_what_was_lost_and_not_confirmed_is_delivered_again():
    assert progress().is_recoverable(TOPIC, EntryId(208, 0))


def test_what_was_lost_and_confirmed_is_gone():
    assert not progress().is_recoverable(TOPIC, EntryId(200, 0))
    assert not progress().is_recoverable(TOPIC, EntryId(8, 0))


def test_an_empty_stream_has_lost_everything():
    assert not progress().is_recoverable(TOPIC, None)


def test_a_session_that_appended_nothing_knows_where_the_stream_ended():
    made = Progress(0, {TOPIC: EntryId(100, 0)}, confirmed=50)

    assert made.is_recoverable(TOPIC, EntryId(100, 0))
    assert not made.is_recoverable(TOPIC, EntryId(92, 0))
