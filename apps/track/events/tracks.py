"""Facts about tracks."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from apps.events.types import Fact

ROOMS = ("track:{id}", "user:{id}", "public")


@dataclass(frozen=True, kw_only=True)
class TrackUploaded(Fact):
    """A worker makes it ready."""

    name: ClassVar = "track.uploaded"
    about: ClassVar = "A file has arrived and is to become a track, or a version of one."
    rooms: ClassVar = ("track:{id}", "user:{id}")
    example: ClassVar = {"n": 1}

    track_id: UUID
    version_id: UUID
    n: int
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class TrackReady(Fact):
    """Once for each version."""

    name: ClassVar = "track.ready"
    about: ClassVar = "A version of a track can be heard."
    rooms: ClassVar = ROOMS
    example: ClassVar = {"n": 1, "title": "First light", "duration_ms": 215_000}

    track_id: UUID
    version_id: UUID
    n: int
    user_id: UUID
    title: str
    duration_ms: int


@dataclass(frozen=True, kw_only=True)
class TrackRejected(Fact):
    """`code` says why; nothing helps but another file."""

    name: ClassVar = "track.rejected"
    about: ClassVar = "A file cannot become a track."
    rooms: ClassVar = ("track:{id}", "user:{id}")
    example: ClassVar = {"n": 1, "code": "not_audio"}

    track_id: UUID
    version_id: UUID
    n: int
    user_id: UUID
    code: str


@dataclass(frozen=True, kw_only=True)
class TrackFailed(Fact):
    """Operators are told; trying again may help."""

    name: ClassVar = "track.failed"
    about: ClassVar = "A track could not be made ready, through no fault of the file."
    rooms: ClassVar = ("track:{id}", "user:{id}")
    example: ClassVar = {"n": 1, "code": "scanner_away"}

    track_id: UUID
    version_id: UUID
    n: int
    user_id: UUID
    code: str


@dataclass(frozen=True, kw_only=True)
class TrackRetried(Fact):
    """The version is being made again, whatever it had come to."""

    name: ClassVar = "track.retried"
    about: ClassVar = "An operator has a version of a track made again."
    rooms: ClassVar = ("track:{id}", "user:{id}")
    example: ClassVar = {"n": 1}

    track_id: UUID
    version_id: UUID
    n: int
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class TrackUpdated(Fact):
    """`changed` names what, and the present state is to be read."""

    name: ClassVar = "track.updated"
    about: ClassVar = "What is told of a track, or who may see it, has changed."
    rooms: ClassVar = ROOMS
    example: ClassVar = {"changed": ("title",)}

    track_id: UUID
    user_id: UUID
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TrackDeleted(Fact):
    """Its owner can take that back for 30 days."""

    name: ClassVar = "track.deleted"
    about: ClassVar = "A track is gone for everyone but its owner."
    rooms: ClassVar = ROOMS

    track_id: UUID
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class TrackCollaboratorAdded(Fact):
    """`collaborator_id` may edit it from now on."""

    name: ClassVar = "track.collaborator_added"
    about: ClassVar = "Someone may edit a track of somebody else."
    rooms: ClassVar = ("track:{id}", "user:{id}")

    track_id: UUID
    owner_id: UUID
    collaborator_id: UUID


@dataclass(frozen=True, kw_only=True)
class TrackCollaboratorRemoved(Fact):
    """By the owner, or because the collaborator has left."""

    name: ClassVar = "track.collaborator_removed"
    about: ClassVar = "Someone may edit a track of somebody else no more."
    rooms: ClassVar = ("track:{id}", "user:{id}")

    track_id: UUID
    owner_id: UUID
    collaborator_id: UUID


@dataclass(frozen=True, kw_only=True)
class TrackLiked(Fact):
    """`likes` is the number after it."""

    name: ClassVar = "track.liked"
    about: ClassVar = "Someone likes a track."
    rooms: ClassVar = ("track:{id}", "user:{id}")
    example: ClassVar = {"likes": 7}

    track_id: UUID
    owner_id: UUID
    likes: int


@dataclass(frozen=True, kw_only=True)
class TrackUnliked(Fact):
    """`likes` is the number after it."""

    name: ClassVar = "track.unliked"
    about: ClassVar = "Someone no longer likes a track."
    rooms: ClassVar = ("track:{id}", "user:{id}")
    example: ClassVar = {"likes": 6}

    track_id: UUID
    owner_id: UUID
    likes: int
