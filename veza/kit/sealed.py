"""Columns that hold secrets, and sealing them anew after a change of ENCRYPTION_KEYS."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models, transaction

from veza.kit.crypto import DecryptionError, decrypt, encrypt, is_current


class SealedTextField(models.TextField):
    """Text that `veza.kit.crypto.encrypt` has sealed. By its class the column is found."""

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """To migrations it is what it is to the database: text."""
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.TextField", arguments, options


@dataclass(frozen=True, kw_only=True)
class Column:
    """A sealed column of a table."""

    model: type[models.Model]
    name: str

    def __str__(self) -> str:
        return f"{self.model._meta.db_table}.{self.name}"  # noqa: SLF001 - Django's public name


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many rows of a column are sealed under the first key, under another, and by none."""

    current: int = 0
    old: int = 0
    unreadable: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            current=self.current + other.current,
            old=self.old + other.old,
            unreadable=self.unreadable + other.unreadable,
        )


def sealed_columns() -> list[Column]:
    """All of them, by name."""
    found = [
        Column(model=model, name=field.name)
        for model in apps.get_models()
        for field in model._meta.local_fields  # noqa: SLF001 - Django's public name
        if isinstance(field, SealedTextField)
    ]
    return sorted(found, key=str)


def count(column: Column, *, batch: int) -> Iterator[Tally]:
    """What stands in the column, batch by batch; nothing is changed."""
    for rows in _batches(column, batch):
        yield sum(map(_look, rows.values()), Tally())


def reseal(column: Column, *, batch: int) -> Iterator[Tally]:
    """Seal under the first key what is sealed under another; what it was before, batch by batch.

    Each batch is a transaction, and what is current is left alone: who is interrupted begins again
    and loses nothing. A row that somebody changes meanwhile is left as he made it. What no key
    opens stays as it is.
    """
    for rows in _batches(column, batch):
        yield _reseal(column, rows)


@transaction.atomic
def _reseal(column: Column, rows: dict[Any, str]) -> Tally:
    tally = Tally()
    for pk, token in rows.items():
        state = _look(token)
        tally += state
        if state.old:
            same = column.model._default_manager.filter(pk=pk, **{column.name: token})  # noqa: SLF001
            same.update(**{column.name: encrypt(decrypt(token))})
    return tally


def _look(token: str) -> Tally:
    if is_current(token):
        return Tally(current=1)
    try:
        decrypt(token)
    except DecryptionError:
        return Tally(unreadable=1)
    return Tally(old=1)


def _batches(column: Column, size: int) -> Iterator[dict[Any, str]]:
    """The rows that are not empty, in the order of their keys: each is met once."""
    rows = column.model._default_manager.order_by("pk").values_list("pk", column.name)  # noqa: SLF001
    rows = rows.exclude(**{column.name: ""}).exclude(**{f"{column.name}__isnull": True})
    found = dict(rows[:size])
    while found:
        yield found
        found = dict(rows.filter(pk__gt=list(found)[-1])[:size])
