"""Keyset conditions: which rows come after a row, in an order that ends in the id."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Field, ForeignKey, Model, Q, QuerySet
from django.db.models.expressions import OrderBy


@dataclass(frozen=True, kw_only=True)
class Order:
    """One column up or down, ties broken by the id in the same direction; nulls come last."""

    column: str
    is_descending: bool
    is_nullable: bool

    def terms(self, *, is_backward: bool) -> list[OrderBy]:
        """For `order_by`. Where a column has no nulls, the plain form lets indexes serve."""
        is_descending = self.is_descending != is_backward
        nulls = {"nulls_first" if is_backward else "nulls_last": True} if self.is_nullable else {}
        by_column = OrderBy(F(self.column), descending=is_descending, **nulls)
        return [by_column, OrderBy(F("pk"), descending=is_descending)]

    def after(self, value: Any, row_id: Any, *, is_backward: bool) -> Q:
        """The rows that follow (value, row_id) in the direction of reading."""
        step = "lt" if self.is_descending != is_backward else "gt"
        by_id = Q(**{f"pk__{step}": row_id})
        if value is None:
            same = Q(**{f"{self.column}__isnull": True}) & by_id
            return same | Q(**{f"{self.column}__isnull": False}) if is_backward else same
        # The first condition is what an index can seek; the second trims the ties.
        beyond = Q(**{f"{self.column}__{step}e": value}) & (
            Q(**{f"{self.column}__{step}": value}) | by_id
        )
        if self.is_nullable and not is_backward:
            return beyond | Q(**{f"{self.column}__isnull": True})
        return beyond


def read_value(row: Any, path: str) -> Any:
    """The value at an ORM path of a row, which is an instance or a dict of `.values()`."""
    if isinstance(row, dict):
        return row[path]
    for name in path.split("__"):
        row = getattr(row, name) if row is not None else None
    return row


def _field(model: type[Model], name: str) -> object:
    meta = model._meta  # noqa: SLF001 - Django's documented API
    return meta.pk if name == "pk" else meta.get_field(name)


def is_nullable(queryset: QuerySet, path: str) -> bool:
    """Whether the column may be null; annotations are taken to be, for all that we know."""
    if path in queryset.query.annotations:
        return True
    model: type[Model] = queryset.model
    for name in path.split("__"):
        try:
            field = _field(model, name)
        except FieldDoesNotExist:
            return True
        if not isinstance(field, Field) or field.null:
            return True
        if isinstance(field, ForeignKey):
            model = field.related_model
    return False
