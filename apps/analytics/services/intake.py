"""Events of clients come in: each once, and what they tell of listening is counted at once."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.crypto import salted_hmac

from apps.analytics.models import ListeningEvent
from apps.analytics.rules.intake import read_events
from apps.analytics.services.counting import Pair, count, hold_listeners
from apps.analytics.types import ClientEvent, EventType, Receipt, Refusal, Rejected, Sender
from apps.track.selectors.playing import durations_of

HASH_LENGTH = 32
_PLAYER = frozenset(EventType.values) - {EventType.TRACK_VIEWED}


def take_events(items: Sequence[object], *, sender: Sender, now: datetime) -> Receipt:
    """Store what is new of a batch and count what was heard. A repeat changes nothing."""
    events, rejected = read_events(items, is_anonymous=sender.user_id is None, now=now)
    wanted = {event.track_id for event in events if event.track_id}
    durations = durations_of(wanted, user_id=sender.user_id)
    known = [event for event in events if event.track_id is None or event.track_id in durations]
    unseen = [
        Rejected(index=event.index, code=Refusal.TRACK_NOT_FOUND, detail="There is no such track.")
        for event in events
        if event.track_id is not None and event.track_id not in durations
    ]
    rows = [_row(event, sender=sender, durations=durations) for event in known]
    accepted = _store(rows)
    return Receipt(
        accepted=accepted,
        duplicates=len(known) - accepted,
        rejected=sorted(rejected + unseen, key=lambda each: each.index),
    )


def listener_of(user_id: UUID | None, session_id: str) -> str:
    """A keyed hash: the same person is one listener, and nobody can tell who."""
    return _hash("user", str(user_id)) if user_id else _hash("session", session_id)


@transaction.atomic
def _store(rows: list[ListeningEvent]) -> int:
    """How many were new."""
    if not rows:
        return 0
    hold_listeners(row.listener for row in rows)
    fresh = _new_among(rows)
    ListeningEvent.objects.bulk_create(fresh)
    since: dict[Pair, datetime] = {}
    for row in fresh:
        if row.track_id and row.type in _PLAYER:
            pair = Pair(row.track_id, row.session)
            since[pair] = min(row.at, since.get(pair, row.at))
    count(since)
    return len(fresh)


def _new_among(rows: list[ListeningEvent]) -> list[ListeningEvent]:
    ids: dict[str, set[UUID]] = defaultdict(set)
    for row in rows:
        ids[row.listener].add(row.client_id)
    seen = set(
        ListeningEvent.objects.filter(
            listener__in=ids, client_id__in=set().union(*ids.values())
        ).values_list("listener", "client_id")
    )
    fresh = []
    for row in rows:
        if (row.listener, row.client_id) not in seen:
            seen.add((row.listener, row.client_id))
            fresh.append(row)
    return fresh


def _row(
    event: ClientEvent, *, sender: Sender, durations: dict[UUID, int | None]
) -> ListeningEvent:
    listener = listener_of(sender.user_id, event.session_id)
    return ListeningEvent(
        client_id=event.id,
        listener=listener,
        session=_hash("heard", f"{listener} {event.session_id}"),
        user_id=sender.user_id,
        track_id=event.track_id,
        type=event.type,
        at=event.at,
        position_ms=event.position_ms,
        duration_ms=durations.get(event.track_id) if event.track_id else None,
        source=event.source,
        country=sender.country,
        is_bot=sender.is_bot,
        data=event.data,
    )


def _hash(kind: str, value: str) -> str:
    mac = salted_hmac(f"apps.analytics.{kind}", value, algorithm="sha256")
    return mac.hexdigest()[:HASH_LENGTH]
