"""Where the pictures of people are."""

from collections.abc import Collection

from django.db.models import Q

from apps.auth.models import User
from apps.auth.rules import PICTURES, picture_key
from apps.auth.types import Picture, PictureKind
from veza.integrations.object_storage import object_storage


def picture_urls(user: User, kind: PictureKind) -> dict[str, str] | None:
    """The address of each size, by its width; None unless a picture was uploaded."""
    prefix = getattr(user, f"{kind}_prefix")
    if not prefix:
        return None
    storage = object_storage()
    return {size: storage.public_url(picture_key(prefix, size)) for size in PICTURES[kind].sizes}


def picture_url(user: User, kind: PictureKind) -> str | None:
    """The address to show: that of the usual size, or the one that the user named."""
    urls = picture_urls(user, kind)
    return urls[PICTURES[kind].usual] if urls else getattr(user, f"{kind}_url") or None


def find_used_prefixes(prefixes: Collection[str]) -> set[str]:
    """Those of them under which somebody's picture lies."""
    users = User.objects.filter(Q(avatar_prefix__in=prefixes) | Q(banner_prefix__in=prefixes))
    return {each for row in users.values_list("avatar_prefix", "banner_prefix") for each in row}


def usual_key(picture: Picture, prefix: str) -> str:
    """The key of the size that is shown usually; for what other apps keep pictures of."""
    return picture_key(prefix, picture.usual)
