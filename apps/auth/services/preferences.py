"""Changing what people have chosen for themselves."""

from collections.abc import Callable, Mapping
from uuid import UUID

from django.db import transaction

from apps.auth.models import User, UserSettings
from apps.auth.selectors.settings import get_settings
from apps.auth.services.updates import publish_updated
from apps.events.types import Actor


@transaction.atomic
def update_settings(
    *,
    user_id: UUID,
    changes: Mapping[str, object],
    check: Callable[[UserSettings], None] | None = None,
) -> UserSettings:
    """Change these fields; the others stay. `check` sees the present ones first, and may raise."""
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    chosen = get_settings(user_id)
    if check:
        check(chosen)
    changed = [name for name, value in changes.items() if getattr(chosen, name) != value]
    if changed:
        for name in changed:
            setattr(chosen, name, changes[name])
        chosen.save()
        publish_updated(user, "settings", actor=Actor(type="user", id=user.id))
    return chosen
