"""The tracks of smart playlists, found anew for each reader among what he may come upon."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import OrderBy

from apps.auth.selectors import ids_by_username
from apps.track.models import Playlist, Track, TrackLike
from apps.track.rules.smart import DEFAULT_ORDERING, read_rules
from apps.track.types.smart import Condition, Group, SmartRules

COLUMNS: Mapping[str, str] = {
    "created_at": "created_at", "title": "title", "duration_ms": "duration_ms", "bpm": "bpm",
    "plays": "play_count", "likes": "like_count", "popularity": "popularity",
}  # fmt: skip
_COMPARED = {"gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte"}
_TEXTS = {"contains": "icontains", "starts_with": "istartswith"}
_TIMES = {"before": "lt", "after": "gt"}


def smart_rules_of(playlist: Playlist) -> SmartRules | None:
    """None for rules of a language that is not spoken any more: such a playlist is empty."""
    rules, _ = read_rules(playlist.rules)
    return rules


def smart_ordering(playlist: Playlist) -> tuple[str, str, bool]:
    """By what its tracks stand: the name in the rules, the column, whether the most is first."""
    rules = smart_rules_of(playlist)
    ordering = rules.ordering if rules else DEFAULT_ORDERING
    name = ordering.removeprefix("-")
    return name, COLUMNS[name], ordering.startswith("-")


def smart_order(playlist: Playlist) -> list[OrderBy]:
    """The terms in which its tracks stand: nulls last, ties broken by the id, as pages have it."""
    _, column, is_down = smart_ordering(playlist)
    return [
        OrderBy(F(column), descending=is_down, nulls_last=True),
        OrderBy(F("pk"), descending=is_down),
    ]


def list_smart_tracks(
    playlist: Playlist, *, user_id: UUID | None, now: datetime
) -> QuerySet[Track]:
    """Those that the rules choose, unordered; `smart_order` says how they stand."""
    rules = smart_rules_of(playlist)
    if rules is None:
        return Track.objects.none()
    meaning = _Meaning(owner_id=playlist.owner_id, now=now, ids=_people(rules.group))
    chosen = Track.objects.found_by(user_id).filter(meaning.of(rules.group))
    best = chosen.order_by(*smart_order(playlist)).values("pk")[: rules.limit]
    return Track.objects.filter(pk__in=best).select_related("active")


def _people(group: Group) -> Mapping[str, UUID]:
    names = [str(each.value).casefold() for each in _conditions(group) if each.field == "uploader"]
    return ids_by_username(names) if names else {}


def _conditions(group: Group) -> Iterator[Condition]:
    for part in group.parts:
        if isinstance(part, Group):
            yield from _conditions(part)
        else:
            yield part


class _Meaning:
    """Conditions as the database takes them; names of columns and lookups stand here alone."""

    def __init__(self, *, owner_id: UUID, now: datetime, ids: Mapping[str, UUID]) -> None:
        self._owner_id, self._now, self._ids = owner_id, now, ids

    def of(self, group: Group) -> Q:
        whole = Q()
        for part in group.parts:
            one = self.of(part) if isinstance(part, Group) else self._condition(part)
            whole = whole & one if group.is_all else whole | one
        return whole

    def _condition(self, condition: Condition) -> Q:
        special: Mapping[str, Callable[[Condition], Q]] = {
            "tag": self._tag,
            "uploader": self._uploader,
            "liked": self._liked,
            "created_at": self._created_at,
            "plays": lambda each: _number("play_count", each),
            "bpm": lambda each: _number("bpm", each),
            "duration_ms": lambda each: _number("duration_ms", each),
        }
        return special.get(condition.field, _text)(condition)

    def _tag(self, condition: Condition) -> Q:
        return _signed(Q(tags__contains=[str(condition.value).casefold()]), condition)

    def _uploader(self, condition: Condition) -> Q:
        return _signed(Q(owner_id=self._ids.get(str(condition.value).casefold())), condition)

    def _liked(self, condition: Condition) -> Q:
        likes = TrackLike.objects.filter(track_id=OuterRef("pk"), user_id=self._owner_id)
        return Q(Exists(likes)) if condition.value else ~Q(Exists(likes))

    def _created_at(self, condition: Condition) -> Q:
        value: Any = condition.value
        if condition.op == "within_days":
            return Q(created_at__gte=self._now - timedelta(days=value))
        return Q(**{f"created_at__{_TIMES[condition.op]}": value})


def _text(condition: Condition) -> Q:
    op = condition.op.removeprefix("not_")
    holds = Q(**{f"{condition.field}__{_TEXTS.get(op, 'iexact')}": condition.value})
    return _signed(holds, condition)


def _number(column: str, condition: Condition) -> Q:
    lookup = _COMPARED.get(condition.op, "exact")
    return _signed(Q(**{f"{column}__{lookup}": condition.value}), condition)


def _signed(holds: Q, condition: Condition) -> Q:
    return ~holds if condition.op in ("is_not", "not_contains") else holds
