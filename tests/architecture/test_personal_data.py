"""No table holds something on a person that he cannot have a copy of, and have erased."""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db import models

from apps.auth.selectors.personal_data import parts

# Tables that name users for a while, or that hold nothing on them; each with the reason.
EXEMPT = {
    "accounts.AuditSeal": "hashes of the audit log",
    "accounts.User_groups": "join tables of Django's own permissions; cleared with the account",
    "accounts.User_user_permissions": "the same",
    "events.OutboxFact": "empty within milliseconds",
    "events.LoggedFact": "dropped after EVENT_LOG_RETENTION_S",
    "events.DeadLetter": "what failed, until an operator sends it again or removes it",
}
NAMES = {"user_id", "actor_id", "owner_id", "actor", "scope", "username", "email"}


def tables() -> list[type[models.Model]]:
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]


def columns_on_people(model: type[models.Model]) -> Iterator[str]:
    """Foreign keys to users, and columns whose names say that they hold one."""
    user = apps.get_model(settings.AUTH_USER_MODEL)
    for field in model._meta.concrete_fields:
        if field.related_model is user or field.name in NAMES:
            yield field.name


def test_every_table_that_holds_people_is_covered() -> None:
    covered = {label for part in parts() for label in part.models}
    found = {
        model._meta.label: sorted(columns_on_people(model))
        for model in tables()
        if list(columns_on_people(model))
    }
    missing = found.keys() - covered - EXEMPT.keys()
    assert {label: found[label] for label in missing} == {}


def test_only_tables_that_are_there_are_named() -> None:
    labels = {model._meta.label for model in tables()}
    named = {label for part in parts() for label in part.models} | EXEMPT.keys()
    assert named - labels == set()
