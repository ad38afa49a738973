"""What people have chosen for themselves, and how much of a profile they have filled in."""

from typing import NamedTuple
from uuid import UUID

from apps.auth.models import User, UserSettings

EXPECTED = ("display_name", "avatar_url", "banner_url", "bio", "location", "links")


class Completion(NamedTuple):
    """`percent` of what makes a profile, and the names of what is missing."""

    percent: int
    missing: list[str]


def get_settings(user_id: UUID) -> UserSettings:
    """His own, or the defaults."""
    return UserSettings.objects.filter(pk=user_id).first() or UserSettings(user_id=user_id)


def profile_completion(user: User) -> Completion:
    """What stands in the profile, and whether the address is proven."""
    missing = [name for name in EXPECTED if not getattr(user, name)]
    if user.email_verified_at is None:
        missing.append("email_verified")
    expected = len(EXPECTED) + 1
    return Completion(percent=round(100 * (expected - len(missing)) / expected), missing=missing)
