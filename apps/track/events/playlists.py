"""Facts about playlists."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from apps.events.types import Fact

ROOMS = ("playlist:{id}", "user:{id}")


@dataclass(frozen=True, kw_only=True)
class PlaylistCreated(Fact):
    """Told to its owner."""

    name: ClassVar = "playlist.created"
    about: ClassVar = "Someone has begun a playlist."
    rooms: ClassVar = ROOMS
    example: ClassVar = {"title": "Late trains"}

    playlist_id: UUID
    owner_id: UUID
    title: str


@dataclass(frozen=True, kw_only=True)
class PlaylistUpdated(Fact):
    """`changed` names what, and the present state is to be read."""

    name: ClassVar = "playlist.updated"
    about: ClassVar = "What is told of a playlist, or who may see or change it, is different."
    rooms: ClassVar = ROOMS
    example: ClassVar = {"changed": ("title",)}

    playlist_id: UUID
    owner_id: UUID
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlaylistDeleted(Fact):
    """It is gone, the tracks are not."""

    name: ClassVar = "playlist.deleted"
    about: ClassVar = "A playlist is gone."
    rooms: ClassVar = ROOMS

    playlist_id: UUID
    owner_id: UUID


@dataclass(frozen=True, kw_only=True)
class PlaylistItemAdded(Fact):
    """`after` is the item before it, null at the beginning."""

    name: ClassVar = "playlist.item_added"
    about: ClassVar = "A track was put into a playlist."
    rooms: ClassVar = ROOMS
    example: ClassVar = {"after": None}

    playlist_id: UUID
    item_id: UUID
    track_id: UUID
    after: UUID | None


@dataclass(frozen=True, kw_only=True)
class PlaylistItemMoved(Fact):
    """`after` is the item before it now, null at the beginning."""

    name: ClassVar = "playlist.item_moved"
    about: ClassVar = "A track of a playlist stands elsewhere now."
    rooms: ClassVar = ROOMS
    example: ClassVar = {"after": None}

    playlist_id: UUID
    item_id: UUID
    after: UUID | None


@dataclass(frozen=True, kw_only=True)
class PlaylistItemRemoved(Fact):
    """The track itself stays."""

    name: ClassVar = "playlist.item_removed"
    about: ClassVar = "A track was taken out of a playlist."
    rooms: ClassVar = ROOMS

    playlist_id: UUID
    item_id: UUID


@dataclass(frozen=True, kw_only=True)
class PlaylistCollaboratorAdded(Fact):
    """`collaborator_id` may change its items from now on; told to him too."""

    name: ClassVar = "playlist.collaborator_added"
    about: ClassVar = "Someone may change what stands in a playlist of somebody else."
    rooms: ClassVar = ROOMS

    playlist_id: UUID
    owner_id: UUID
    collaborator_id: UUID


@dataclass(frozen=True, kw_only=True)
class PlaylistCollaboratorRemoved(Fact):
    """By the owner, or because the collaborator has left; told to him too."""

    name: ClassVar = "playlist.collaborator_removed"
    about: ClassVar = "Someone may change what stands in a playlist of somebody else no more."
    rooms: ClassVar = ROOMS

    playlist_id: UUID
    owner_id: UUID
    collaborator_id: UUID
