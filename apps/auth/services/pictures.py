"""Pictures of people: drawn anew, stored, shown, and removed when another takes their place.

The storage is asked outside of transactions: before, to store, and after the commit, to remove.
What a crash leaves behind in between is swept away a day later.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import IO
from uuid import UUID

from django.db import transaction

from apps.auth.errors import UserNotFoundError
from apps.auth.models import User
from apps.auth.rules import PICTURES, picture_key, picture_prefix
from apps.auth.selectors import find_used_prefixes, picture_url
from apps.auth.services.updates import publish_updated
from apps.auth.types import PictureKind
from apps.events.types import Actor
from veza.integrations.object_storage import StorageUnavailableError, object_storage
from veza.kit.errors import VezaError
from veza.kit.models import new_id
from veza.kit.pictures import draw

logger = logging.getLogger(__name__)

SWEPT_AFTER = timedelta(days=1)
SWEPT_AT_ONCE = 500

Check = Callable[[User], None]


def set_picture(
    *, user_id: UUID, kind: PictureKind, source: IO[bytes], check: Check | None = None
) -> User:
    """Show this picture in every size of PICTURES instead of the one before.

    `check` sees the locked user first and may raise. Raises PictureInvalidError,
    PictureTooLargeError, UserNotFoundError, StorageUnavailableError and StorageFullError.
    """
    prefix = _store(kind, source)
    try:
        return _show(user_id=user_id, kind=kind, prefix=prefix, check=check)
    except VezaError:  # after other failures nobody knows whether it was committed
        remove_files(kind, prefix)
        raise


def remove_picture(*, user_id: UUID, kind: PictureKind, check: Check | None = None) -> User:
    """Show none, neither an uploaded one nor one from elsewhere. A repeat changes nothing.

    Raises what `check` raises, and UserNotFoundError.
    """
    return _show(user_id=user_id, kind=kind, prefix="", check=check)


@transaction.atomic
def _show(*, user_id: UUID, kind: PictureKind, prefix: str, check: Check | None) -> User:
    try:
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    except User.DoesNotExist:
        raise UserNotFoundError from None
    if check:
        check(user)
    if not prefix and picture_url(user, kind) is None:
        return user
    let_go(user, kind)
    setattr(user, f"{kind}_prefix", prefix)
    setattr(user, f"{kind}_url", picture_url(user, kind) if prefix else "")
    user.save(update_fields=[f"{kind}_prefix", f"{kind}_url", "updated_at"])
    publish_updated(user, str(kind), actor=Actor(type="user", id=user.id))
    return user


def let_go(user: User, kind: PictureKind) -> None:
    """The uploaded picture is not this user's any more; its files go when that is committed.

    For who holds the user's lock, and saves the user.
    """
    prefix = getattr(user, f"{kind}_prefix")
    if prefix:
        setattr(user, f"{kind}_prefix", "")
        transaction.on_commit(partial(remove_files, kind, prefix), robust=True)


def remove_files(kind: PictureKind, prefix: str) -> None:
    """Every size below the prefix; what cannot be removed now is swept away later."""
    storage = object_storage()
    try:
        for size in PICTURES[kind].sizes:
            storage.delete(picture_key(prefix, size))
    except StorageUnavailableError as fault:
        logger.warning("picture_left_behind prefix=%s fault=%s", prefix, fault)


def sweep_files(*, now: datetime) -> int:
    """Remove what has lain in the storage for a day and is nobody's picture; how many files."""
    storage = object_storage()
    swept = 0
    for picture in PICTURES.values():
        found = storage.list_objects(picture.folder)
        old = (stat.key for stat in found if stat.modified_at < now - SWEPT_AFTER)
        while keys := list(islice(old, SWEPT_AT_ONCE)):
            for key in _unused(keys):
                storage.delete(key)
                swept += 1
    return swept


def _unused(keys: Iterable[str]) -> list[str]:
    prefixes = {key: key.rpartition("/")[0] for key in keys}
    used = find_used_prefixes(set(prefixes.values()))
    return [key for key, prefix in prefixes.items() if prefix not in used]


def _store(kind: PictureKind, source: IO[bytes]) -> str:
    """The prefix. Raises as `set_picture`."""
    sizes = PICTURES[kind].sizes
    drawn = dict(zip(sizes, draw(source, list(sizes.values())), strict=True))
    prefix = picture_prefix(kind, upload_id=new_id().hex, drawn=drawn.values())
    storage = object_storage()
    try:
        for size, content in drawn.items():
            storage.put(picture_key(prefix, size), content)
    except VezaError:
        remove_files(kind, prefix)
        raise
    return prefix
