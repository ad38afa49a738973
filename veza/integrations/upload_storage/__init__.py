"""Files that arrive piece by piece: the port. The adapter is UPLOAD_STORAGE_BACKEND's."""

from veza.integrations.upload_storage.port import (
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
    "Pen",
    "Piece",
    "PiecesLostError",
    "Reserve",
    "Staged",
    "Unfinished",
    "UploadStorage",
    "upload_storage",
]


def upload_storage() -> UploadStorage:
    """Where uploads of this installation lie until they are finished."""
    adapter: UploadStorage = backend("UPLOAD_STORAGE_BACKEND")
    return adapter
