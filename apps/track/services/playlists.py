"""Changing playlists. Items of one playlist are changed one after the other, under its lock."""

from collections.abc import Callable, Iterable, Mapping
from typing import cast
from uuid import UUID

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Concat

from apps.auth.errors import UserNotFoundError
from apps.auth.selectors import find_user_by_login
from apps.events.services import publish
from apps.events.types import Fact, Subject
from apps.track.errors import (
    PlaylistFullError,
    PlaylistItemInvalidError,
    PlaylistItemNotFoundError,
    PlaylistNotEmptyError,
    PlaylistNotFoundError,
    PlaylistRulesInvalidError,
    PlaylistSmartError,
    TrackNotFoundError,
)
from apps.track.events import (
    PlaylistCollaboratorAdded,
    PlaylistCollaboratorRemoved,
    PlaylistCreated,
    PlaylistDeleted,
    PlaylistItemAdded,
    PlaylistItemMoved,
    PlaylistItemRemoved,
    PlaylistUpdated,
)
from apps.track.models import Playlist, PlaylistCollaborator, PlaylistItem
from apps.track.rules.places import even_places, place_between
from apps.track.rules.smart import read_rules
from apps.track.selectors import get_track
from apps.track.services.artwork_files import let_go_of_artwork
from apps.track.services.facts import by
from veza.kit.errors import FieldError

MAX_ITEMS = 10_000
MAX_PLACE = 100
EDITABLE = frozenset({"title", "description", "visibility", "collaborative", "rules"})
Check = Callable[[Playlist], None]
LAST = object()
"""The place behind all others."""


@transaction.atomic
def create_playlist(*, user_id: UUID, told: Mapping[str, object]) -> Playlist:
    """Begin a playlist; with `rules` a smart one. Raises PlaylistRulesInvalidError."""
    _check_rules(told.get("rules"))
    fields = {name: value for name, value in told.items() if name in EDITABLE}
    playlist = Playlist.objects.create(owner_id=user_id, **fields)
    fact = PlaylistCreated(playlist_id=playlist.id, owner_id=user_id, title=playlist.title)
    _tell(fact, playlist, user_id=user_id)
    return playlist


@transaction.atomic
def update_playlist(
    *, playlist_id: UUID, user_id: UUID, changes: Mapping[str, object], check: Check | None = None
) -> Playlist:
    """For the owner; one without items may be given rules, and a smart one become plain.

    Raises PlaylistNotFoundError, PlaylistRulesInvalidError, PlaylistNotEmptyError, and what
    `check` raises.
    """
    playlist = lock_own(playlist_id, user_id=user_id)
    if check:
        check(playlist)
    _check_rules(changes.get("rules"))
    if changes.get("rules") is not None and playlist.item_count:
        raise PlaylistNotEmptyError
    changed = sorted(
        name
        for name, value in changes.items()
        if name in EDITABLE and getattr(playlist, name) != value
    )
    if changed:
        for name in changed:
            setattr(playlist, name, changes[name])
        playlist.save(update_fields=[*changed, "updated_at"])
        tell_updated(playlist, *changed, user_id=user_id)
    return playlist


@transaction.atomic
def delete_playlist(*, playlist_id: UUID, user_id: UUID, check: Check | None = None) -> None:
    """For the owner. Raises PlaylistNotFoundError, and what `check` raises."""
    playlist = lock_own(playlist_id, user_id=user_id)
    if check:
        check(playlist)
    fact = PlaylistDeleted(playlist_id=playlist.id, owner_id=playlist.owner_id)
    let_go_of_artwork(playlist)
    Playlist.objects.filter(pk=playlist.pk).delete()
    _tell(fact, playlist, user_id=user_id)


@transaction.atomic
def add_item(
    *, playlist_id: UUID, user_id: UUID, track_id: UUID, after: object = LAST
) -> PlaylistItem:
    """Put a track behind the item `after`, first for None, last without it.

    Raises PlaylistNotFoundError, PlaylistSmartError, PlaylistItemInvalidError, PlaylistFullError.
    """
    playlist = _lock_items(playlist_id, user_id=user_id)
    try:
        track = get_track(track_id, user_id=user_id)
    except TrackNotFoundError:
        raise _invalid("track_id", "track_not_found", "There is no such track.") from None
    if playlist.item_count >= MAX_ITEMS:
        raise PlaylistFullError
    before, place = _place(playlist, after, moved=None)
    item = PlaylistItem.objects.create(
        playlist=playlist, track=track, added_by_id=user_id, place=place
    )
    _count(playlist, 1)
    fact = PlaylistItemAdded(
        playlist_id=playlist.id, item_id=item.id, track_id=track.id, after=before
    )
    _tell(fact, playlist, user_id=user_id)
    return item


@transaction.atomic
def move_item(*, playlist_id: UUID, user_id: UUID, item_id: UUID, after: object) -> PlaylistItem:
    """Put the item behind another, first for None, last for LAST.

    Raises PlaylistNotFoundError, PlaylistItemNotFoundError, PlaylistItemInvalidError.
    """
    playlist = _lock_items(playlist_id, user_id=user_id)
    item = _item(playlist, item_id)
    if after == item.id:
        return item
    before, item.place = _place(playlist, after, moved=item.id)
    item.save(update_fields=["place", "updated_at"])
    _count(playlist, 0)
    fact = PlaylistItemMoved(playlist_id=playlist.id, item_id=item.id, after=before)
    _tell(fact, playlist, user_id=user_id)
    return item


@transaction.atomic
def remove_item(*, playlist_id: UUID, user_id: UUID, item_id: UUID) -> None:
    """Raises PlaylistNotFoundError, PlaylistItemNotFoundError."""
    playlist = _lock_items(playlist_id, user_id=user_id)
    _item(playlist, item_id).delete()
    _count(playlist, -1)
    fact = PlaylistItemRemoved(playlist_id=playlist.id, item_id=item_id)
    _tell(fact, playlist, user_id=user_id)


@transaction.atomic
def add_collaborator(*, playlist_id: UUID, user_id: UUID, username: str) -> None:
    """For the owner; makes the playlist collaborative. A repeat changes nothing.

    Raises PlaylistNotFoundError, UserNotFoundError.
    """
    playlist = lock_own(playlist_id, user_id=user_id)
    user = find_user_by_login(username) if "@" not in username else None
    if user is None or not user.is_active:
        raise UserNotFoundError
    if user.id == playlist.owner_id:
        return
    _, is_new = PlaylistCollaborator.objects.get_or_create(playlist=playlist, user_id=user.id)
    if is_new:
        playlist.collaborative = True
        playlist.save(update_fields=["collaborative", "updated_at"])
        fact = PlaylistCollaboratorAdded(
            playlist_id=playlist.id, owner_id=playlist.owner_id, collaborator_id=user.id
        )
        _tell(fact, playlist, user_id=user_id, also=[user.id])
        tell_updated(playlist, "collaborators", user_id=user_id)


@transaction.atomic
def remove_collaborator(*, playlist_id: UUID, user_id: UUID, username: str) -> None:
    """By the owner, or by the collaborator himself. A repeat changes nothing.

    Raises PlaylistNotFoundError.
    """
    playlist = _lock(playlist_id, user_id=user_id)
    user = find_user_by_login(username) if "@" not in username else None
    if user is None:
        return
    if user_id not in (playlist.owner_id, user.id):
        raise PlaylistNotFoundError
    gone, _ = PlaylistCollaborator.objects.filter(playlist=playlist, user_id=user.id).delete()
    if gone:
        playlist.save(update_fields=["updated_at"])  # what he sees of it is different
        fact = PlaylistCollaboratorRemoved(
            playlist_id=playlist.id, owner_id=playlist.owner_id, collaborator_id=user.id
        )
        _tell(fact, playlist, user_id=user_id, also=[user.id])
        tell_updated(playlist, "collaborators", user_id=user_id)


def _place(playlist: Playlist, after: object, *, moved: UUID | None) -> tuple[UUID | None, str]:
    """The item before, and a place behind it; where places have grown long, all are dealt anew."""
    before, place = _place_behind(playlist, after, moved=moved)
    if len(place) > MAX_PLACE:
        _deal_anew(playlist)
        before, place = _place_behind(playlist, after, moved=moved)
    return before, place


def _place_behind(
    playlist: Playlist, after: object, *, moved: UUID | None
) -> tuple[UUID | None, str]:
    others = playlist.items.order_by("place")
    if moved is not None:
        others = others.exclude(pk=moved)
    if after is LAST:
        last = others.last()
        return (last.id if last else None), place_between(last.place if last else "", "")
    before = others.filter(pk=cast(UUID, after)).first() if after is not None else None
    if after is not None and before is None:
        raise _invalid("after", "playlist_item_not_found", "There is no such item.")
    low = before.place if before else ""
    following = others.filter(place__gt=low).first()
    return (before.id if before else None), place_between(low, following.place if following else "")


def _deal_anew(playlist: Playlist) -> None:
    """The same order with short places. None of the new ones is taken while they are written."""
    items = list(playlist.items.order_by("place"))
    playlist.items.update(place=Concat(Value("~"), "place"))
    for item, place in zip(items, even_places(len(items)), strict=True):
        item.place = place
    PlaylistItem.objects.bulk_update(items, ["place"], batch_size=1000)


def _item(playlist: Playlist, item_id: UUID) -> PlaylistItem:
    item = playlist.items.filter(pk=item_id).first()
    if item is None:
        raise PlaylistItemNotFoundError
    return item


def _count(playlist: Playlist, change: int) -> None:
    playlist.item_count += change
    playlist.save(update_fields=["item_count", "updated_at"])


def _lock(playlist_id: UUID, *, user_id: UUID) -> Playlist:
    editable = Playlist.objects.editable_by(user_id).filter(pk=playlist_id)
    playlist = editable.select_for_update(of=("self",)).first()
    if playlist is None:
        raise PlaylistNotFoundError
    return playlist


def _lock_items(playlist_id: UUID, *, user_id: UUID) -> Playlist:
    playlist = _lock(playlist_id, user_id=user_id)
    if playlist.is_smart:
        raise PlaylistSmartError
    return playlist


def _check_rules(value: object) -> None:
    if value is None:
        return
    _, faults = read_rules(value)
    if faults:
        fields = [
            FieldError(field=f"rules.{fault.path}".rstrip("."), code="invalid", detail=fault.detail)
            for fault in faults
        ]
        raise PlaylistRulesInvalidError(fields=fields)


def lock_own(playlist_id: UUID, *, user_id: UUID) -> Playlist:
    """The playlist, locked for the caller's transaction. Raises PlaylistNotFoundError, also for
    who does not own it.
    """
    playlist = _lock(playlist_id, user_id=user_id)
    if playlist.owner_id != user_id:
        raise PlaylistNotFoundError
    return playlist


def _invalid(field: str, code: str, detail: str) -> PlaylistItemInvalidError:
    return PlaylistItemInvalidError(fields=[FieldError(field=field, code=code, detail=detail)])


def tell_updated(playlist: Playlist, *changed: str, user_id: UUID) -> None:
    """The last statement of the transaction that changes it."""
    fact = PlaylistUpdated(playlist_id=playlist.id, owner_id=playlist.owner_id, changed=changed)
    _tell(fact, playlist, user_id=user_id)


def _tell(fact: Fact, playlist: Playlist, *, user_id: UUID, also: Iterable[UUID] = ()) -> None:
    """Also to these users."""
    people = (playlist.owner_id, *also)
    publish(
        fact,
        subject=Subject(type="playlist", id=playlist.id),
        rooms=[f"playlist:{playlist.id}", *(f"user:{each}" for each in people)],
        actor=by(user_id),
    )
