"""Lists: pages by cursor, stable while rows come and go (contract, section 1)."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from veza.kit.api.cursors import Cursor, decode_cursor, encode_cursor
from veza.kit.api.requests import absolute_url
from veza.kit.api.seek import Order, is_nullable, read_value
from veza.kit.errors import FieldError, InvalidError

LIMIT = "limit"
ORDERING = "ordering"
CURSOR = "cursor"


class CursorPagination(BasePagination):
    """A page is read behind the last row that the client has, never by counting rows.

    A view declares `ordering_fields` (names, or a mapping of name to ORM path) and `ordering`,
    the default. Ties are broken by the primary key, nulls come last in both directions.
    Subclasses may set `default_limit` and `max_limit`.
    """

    default_limit = 20
    max_limit = 100
    ordering_fields: Sequence[str] | Mapping[str, str] = ("created_at",)
    ordering = "-created_at"
    linked: Mapping[str, str] = {}
    """Parameters that the addresses of the neighbours have besides those of the request."""

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        """The rows of the QuerySet that make the page which the request names.

        Raises InvalidError, CursorInvalidError.
        """
        self._request = request
        self._limit = read_limit(request, default=self.default_limit, most=self.max_limit)
        self._name, order = self._read_ordering(request, queryset, view)
        self._order = order
        self._cursor = self._read_cursor(request)
        is_backward = bool(self._cursor and self._cursor.is_backward)
        if self._cursor:
            queryset = queryset.filter(
                order.after(self._cursor.value, self._cursor.row_id, is_backward=is_backward)
            )
        rows = list(queryset.order_by(*order.terms(is_backward=is_backward))[: self._limit + 1])
        has_more = len(rows) > self._limit
        rows = rows[: self._limit]
        self._has_next = bool(rows) if is_backward else has_more
        self._has_previous = has_more if is_backward else bool(rows and self._cursor)
        self._rows = rows[::-1] if is_backward else rows
        return self._rows

    def get_paginated_response(self, data: Any) -> Response:
        """`data` with the addresses of its neighbours, also as a Link header (RFC 8288)."""
        following = self._link(self._rows[-1], is_backward=False) if self._has_next else None
        previous = self._link(self._rows[0], is_backward=True) if self._has_previous else None
        links = {"next": following, "prev": previous}
        header = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items() if url)
        return Response(
            {"results": data, "next": following, "previous": previous},
            headers={"Link": header} if header else None,
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """For the OpenAPI document."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """For the OpenAPI document."""
        names = sorted(self._columns(view))
        return [
            _parameter(CURSOR, "Where to go on: from `next` or `previous`.", {"type": "string"}),
            _parameter(
                LIMIT,
                "Rows on a page.",
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_limit,
                    "default": self.default_limit,
                },
            ),
            _parameter(
                ORDERING,
                "Sort by this field; `-` turns it round.",
                {
                    "type": "string",
                    "enum": [sign + name for name in names for sign in ("", "-")],
                    "default": self._default(view),
                },
            ),
        ]

    def _read_ordering(
        self, request: Request, queryset: QuerySet, view: APIView | None
    ) -> tuple[str, Order]:
        wanted = single(request, ORDERING)
        if wanted is None:
            wanted = self._default(view)
        columns = self._columns(view)
        name = wanted.removeprefix("-")
        if name not in columns:
            raise invalid(ORDERING, f"Use one of {', '.join(sorted(columns))}, or - before it.")
        order = Order(
            column=columns[name],
            is_descending=wanted.startswith("-"),
            is_nullable=is_nullable(queryset, columns[name]),
        )
        return f"{queryset.model._meta.label_lower}:{wanted}", order  # noqa: SLF001 - Django's documented API

    def _read_cursor(self, request: Request) -> Cursor | None:
        return read_cursor(request, list_name=self._name)

    def _columns(self, view: APIView | None) -> dict[str, str]:
        fields = getattr(view, "ordering_fields", None) or self.ordering_fields
        return dict(fields) if isinstance(fields, Mapping) else {name: name for name in fields}

    def _default(self, view: APIView | None) -> str:
        return str(getattr(view, "ordering", None) or self.ordering)

    def _link(self, row: Any, *, is_backward: bool) -> str:
        cursor = Cursor(
            list_name=self._name,
            is_backward=is_backward,
            value=read_value(row, self._order.column),
            row_id=row["pk"] if isinstance(row, dict) else row.pk,
        )
        query = self._request.query_params.copy()
        for name, value in self.linked.items():
            query[name] = value
        query[CURSOR] = encode_cursor(cursor)
        return absolute_url(
            self._request, f"{self._request.path}?{urlencode(list(query.lists()), doseq=True)}"
        )


def read_limit(request: Request, *, default: int, most: int) -> int:
    """How many rows are asked for. Raises InvalidError."""
    text = single(request, LIMIT)
    if text is None:
        return default
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not is_number or not 1 <= int(text) <= most:
        raise invalid(LIMIT, f"Use a whole number from 1 to {most}.")
    return int(text)


def read_cursor(request: Request, *, list_name: str) -> Cursor | None:
    """Where to go on. Raises InvalidError, CursorInvalidError."""
    text = single(request, CURSOR)
    return None if text is None else decode_cursor(text, list_name=list_name)


def refuse_ordering(request: Request) -> None:
    """For a list that has one order only. Raises InvalidError."""
    if ORDERING in request.query_params:
        raise invalid(ORDERING, "This list has one order: leave it out.")


def single(request: Request, name: str) -> str | None:
    """The value of a parameter. Raises InvalidError where it is given twice."""
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise invalid(name, "Give this parameter once.")
    return values[0] if values else None


def invalid(field: str, detail: str) -> InvalidError:
    """That a parameter is wrong."""
    return InvalidError(detail, fields=[FieldError(field=field, code="invalid", detail=detail)])


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }
