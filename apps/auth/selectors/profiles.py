"""People as others see them."""

from collections.abc import Callable
from uuid import UUID

from apps.auth.errors import UserNotFoundError
from apps.auth.models import User

Counter = Callable[[UUID], int]
COUNTERS = ("follower_count", "following_count", "track_count")
_counters: dict[str, Counter] = {}


def count_by(name: str, count: Counter) -> None:
    """Have an app above say this number of COUNTERS; while no app does, there are none."""
    if name not in COUNTERS:
        raise ValueError(f"A profile has no {name}.")
    _counters[name] = count


def get_public_profile(username: str) -> User:
    """Raises UserNotFoundError, also for who is not active, wants to be erased, or is a program."""
    user = User.objects.known_as(username).filter(is_active=True, erase_at__isnull=True).first()
    if user is None or "@" in username or user.is_machine:
        raise UserNotFoundError
    return user


def profile_counts(user_id: UUID) -> dict[str, int]:
    """Each of COUNTERS."""
    return {name: _counters[name](user_id) if name in _counters else 0 for name in COUNTERS}
