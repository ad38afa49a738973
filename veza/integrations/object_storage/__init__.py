"""Files of any size, by key: the port. The adapter is OBJECT_STORAGE_BACKEND's."""

from veza.integrations.object_storage.keys import PUBLIC, is_public
from veza.integrations.object_storage.links import (
    LinkExpiredError,
    LinkInvalidError,
    check_link,
)
from veza.integrations.object_storage.moving import Move, Moved, Outcome, storage_at
from veza.integrations.object_storage.port import (
    KeyInvalidError,
    ObjectNotFoundError,
    ObjectStat,
    ObjectStorage,
    StorageUnavailableError,
)
from veza.kit.backends import backend

__all__ = [
    "PUBLIC",
    "KeyInvalidError",
    "LinkExpiredError",
    "LinkInvalidError",
    "Move",
    "Moved",
    "ObjectNotFoundError",
    "ObjectStat",
    "ObjectStorage",
    "Outcome",
    "StorageUnavailableError",
    "check_link",
    "is_public",
    "object_storage",
    "storage_at",
]


def object_storage() -> ObjectStorage:
    """The storage of this installation."""
    adapter: ObjectStorage = backend("OBJECT_STORAGE_BACKEND")
    return adapter
