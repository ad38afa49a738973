"""Files that arrive piece by piece: the port. The adapter is UPLOAD_STORAGE_BACKEND's."""

from typing import cast

from veza.integrations.upload_storage.port import (
    DirectUploadStorage,
    Pen,
    Piece,
    PiecesLostError,
    Reserve,
    Staged,
    Unfinished,
    UploadStorage,
)
from veza.kit.backends import backend

__all__ = [
    "DirectUploadStorage",
    "Pen",
    "Piece",
    "PiecesLostError",
    "Reserve",
    "Staged",
    "Unfinished",
    "UploadStorage",
    "direct_upload_storage",
    "upload_storage",
]


def upload_storage() -> UploadStorage:
    """Where uploads of this installation lie until they are finished."""
    adapter: UploadStorage = backend("UPLOAD_STORAGE_BACKEND")
    return adapter


def direct_upload_storage() -> DirectUploadStorage | None:
    """The same, where clients can send to it themselves."""
    adapter = upload_storage()
    return cast(DirectUploadStorage, adapter) if hasattr(adapter, "piece_url") else None
