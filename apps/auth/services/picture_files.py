"""The files of pictures that people upload, whatever they are pictures of.

The storage is asked outside of transactions: before, to store, and after the commit, to remove.
What a crash leaves behind in between is swept away a day later.
"""

import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from itertools import islice
from typing import IO

from apps.auth.rules import picture_key, picture_prefix
from apps.auth.types import Picture
from veza.integrations.object_storage import StorageUnavailableError, object_storage
from veza.kit.errors import VezaError
from veza.kit.models import new_id
from veza.kit.pictures import draw

logger = logging.getLogger(__name__)

SWEPT_AFTER = timedelta(days=1)
SWEPT_AT_ONCE = 500

FindUsed = Callable[[Collection[str]], Collection[str]]
"""Those of some prefixes that are still somebody's."""


def store_files(picture: Picture, source: IO[bytes]) -> str:
    """Draw and store every size; the prefix under which they lie.

    Raises PictureInvalidError, PictureTooLargeError, StorageUnavailableError, StorageFullError.
    """
    drawn = dict(zip(picture.sizes, draw(source, list(picture.sizes.values())), strict=True))
    prefix = picture_prefix(picture, upload_id=new_id().hex, drawn=drawn.values())
    storage = object_storage()
    try:
        for size, content in drawn.items():
            storage.put(picture_key(prefix, size), content)
    except VezaError:
        remove_files(picture, prefix)
        raise
    return prefix


def remove_files(picture: Picture, prefix: str) -> None:
    """Every size below the prefix; what cannot be removed now is swept away later."""
    storage = object_storage()
    try:
        for size in picture.sizes:
            storage.delete(picture_key(prefix, size))
    except StorageUnavailableError as fault:
        logger.warning("picture_left_behind prefix=%s fault=%s", prefix, fault)


def sweep_folder(picture: Picture, *, find_used: FindUsed, now: datetime) -> int:
    """Remove what has lain there for a day and is nobody's picture; how many files."""
    storage = object_storage()
    found = storage.list_objects(picture.folder)
    old = (stat.key for stat in found if stat.modified_at < now - SWEPT_AFTER)
    swept = 0
    while keys := list(islice(old, SWEPT_AT_ONCE)):
        prefixes = {key: key.rpartition("/")[0] for key in keys}
        used = find_used(set(prefixes.values()))
        for key, prefix in prefixes.items():
            if prefix not in used:
                storage.delete(key)
                swept += 1
    return swept
