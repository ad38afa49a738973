"""What a caller may hear of tracks that he may see, decided in this one place.

Whoever sells tracks is an app above this one. It registers a rule, and is asked for many tracks
at once; without a rule nothing is for sale.
"""

from collections.abc import Callable, Collection, Sequence, Set
from uuid import UUID

from apps.track.models import Track
from apps.track.rules import tracks as rules
from apps.track.types import Access, TrackStatus

SaleRule = Callable[[Collection[UUID], UUID | None], Set[UUID]]
"""Of these tracks, those that this caller (None: nobody) has to buy before he may hear them."""

_rules: list[SaleRule] = []


def register_sale_rule(rule: SaleRule) -> None:
    """At start, once for each app that sells."""
    _rules.append(rule)


def access_to(tracks: Sequence[Track], *, user_id: UUID | None) -> dict[UUID, Access]:
    """By track. Owners and who may edit a track hear all of it."""
    unpaid = _unpaid(tracks, user_id)
    return {
        track.id: rules.access_to(
            track.status,
            must_buy=track.id in unpaid,
            has_preview=track.id in unpaid and _can_be_cut(track),
        )
        for track in tracks
    }


def _can_be_cut(track: Track) -> bool:
    """What lies at a stream server cannot."""
    return not (track.active and track.active.master_url)


def _unpaid(tracks: Sequence[Track], user_id: UUID | None) -> set[UUID]:
    ids = {
        track.id
        for track in tracks
        if track.status == TrackStatus.READY and (user_id is None or track.owner_id != user_id)
    }
    if not _rules or not ids:
        return set()
    unpaid = {found for rule in _rules for found in rule(ids, user_id)} & ids
    if unpaid and user_id:
        edited = Track.objects.editable_by(user_id).filter(pk__in=unpaid)
        unpaid -= set(edited.values_list("id", flat=True))
    return unpaid
