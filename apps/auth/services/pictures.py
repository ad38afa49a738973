"""Pictures of people: drawn anew, stored, shown, and removed when another takes their place."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import IO
from uuid import UUID

from django.db import transaction

from apps.auth.errors import UserNotFoundError
from apps.auth.models import User
from apps.auth.rules import PICTURES
from apps.auth.selectors import find_used_prefixes, picture_url
from apps.auth.services.picture_files import remove_files, store_files, sweep_folder
from apps.auth.services.updates import publish_updated
from apps.auth.types import PictureKind
from apps.events.types import Actor
from veza.kit.errors import VezaError

Check = Callable[[User], None]


def set_picture(
    *, user_id: UUID, kind: PictureKind, source: IO[bytes], check: Check | None = None
) -> User:
    """Show this picture in every size of PICTURES instead of the one before.

    `check` sees the locked user first and may raise. Raises PictureInvalidError,
    PictureTooLargeError, UserNotFoundError, StorageUnavailableError and StorageFullError.
    """
    prefix = store_files(PICTURES[kind], source)
    try:
        return _show(user_id=user_id, kind=kind, prefix=prefix, check=check)
    except VezaError:  # after other failures nobody knows whether it was committed
        remove_files(PICTURES[kind], prefix)
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
        transaction.on_commit(partial(remove_files, PICTURES[kind], prefix), robust=True)


def sweep_files(*, now: datetime) -> int:
    """Remove what has lain in the storage for a day and is nobody's picture; how many files."""
    return sum(
        sweep_folder(picture, find_used=find_used_prefixes, now=now)
        for picture in PICTURES.values()
    )
