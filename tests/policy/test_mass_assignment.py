"""Members of a body that are none of its fields mean nothing, whatever columns they are named as.

Each row is sent twice as the policy has it, to learn what differs between any two runs (ids,
times, hashes), and once with every name of a column on top. The last must leave behind the same
rows, and none of its values anywhere.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from tests.policy.bodies import Upload
from tests.policy.callers import Caller
from tests.policy.checksum import tables
from tests.policy.driver import prepare, scene_of, send, undone
from tests.policy.matrix import Row, rows
from veza.kit.models import new_id

pytestmark = pytest.mark.django_db

CANARY = "canary of mass assignment"
LATER = "2031-02-03T04:05:06Z"
NUMBER = 987_654_321
BEYOND_COLUMNS = {
    "role": "admin", "roles": ["admin"], "permissions": ["audit.read"], "groups": [1],
    "email_verified": True, "two_factor": True, "is_admin": True, "admin": True,
    "user_permissions": [1], "scope": "ingest", "price_paid": 0,
}  # fmt: skip
OF_PEOPLE = ("user", "user_id", "owner", "owner_id", "actor_id", "sub")
"""They get the id of another person, who is there."""
ROWS = [row for row in rows("routes") if row.verb != "GET" and row.place.startswith("/api/")]

Record = Mapping[str, Any]
Content = dict[str, list[Record]]


def test_members_that_are_no_fields_have_no_effect(
    callers: Mapping[str, Caller], subtests: pytest.Subtests
) -> None:
    other = callers["other"].user
    assert other
    for row in ROWS:
        with subtests.test(row.name), time_machine.travel(timezone.now(), tick=False):
            plain, again = (_run(row, callers, {}) for _ in range(2))
            poison = poison_of(row) | dict.fromkeys(OF_PEOPLE, str(other.id))
            poisoned = _run(row, callers, poison)
            assert poisoned[0] == plain[0]
            assert _differences(plain[1], again[1], poisoned[1]) == []
            assert not _canaries(poisoned[1]) - _canaries(plain[1])


def test_names_of_columns_are_known() -> None:
    """The test above has something to send."""
    poison = poison_of(next(row for row in ROWS if row.name == "PATCH /api/v1/users/me"))
    assert poison.keys() >= {
        "id", "created_at", "user", "user_id", "is_staff", "is_superuser", "is_active", "email",
        "username", "email_verified_at", "token_version", "password", "erase_at", "roles",
        "is_machine",
    }  # fmt: skip
    assert not poison.keys() & {"bio", "display_name", "links"}


def test_an_effect_would_be_seen(callers: Mapping[str, Caller]) -> None:
    plain: Content = {"t": [{"id": "1", "is_staff": False}]}
    again: Content = {"t": [{"id": "2", "is_staff": False}]}
    poisoned: Content = {"t": [{"id": "3", "is_staff": True}]}
    assert _differences(plain, again, again) == []
    assert _differences(plain, again, poisoned) == ["t"]
    assert _canaries({"t": [{"id": CANARY}]}) == {CANARY}


def poison_of(row: Row) -> dict[str, Any]:
    """Every name of a column of ours that is no field of the body, with a value that shows."""
    fields = [field for model in apps.get_models() for field in _columns(model)]
    told = {name: _value(field) for field in fields for name in (field.name, field.attname)}
    taken = _fields_of(row)
    return {name: value for name, value in (told | BEYOND_COLUMNS).items() if name not in taken}


def _columns(model: type[models.Model]) -> list[Any]:
    is_ours = model.__module__.startswith(("apps.", "veza."))
    return list(model._meta.concrete_fields) if is_ours else []


def _value(field: Any) -> Any:
    if isinstance(field, models.BooleanField):
        return not field.default if isinstance(field.default, bool) else True
    if isinstance(field, models.DateTimeField):
        return LATER
    if isinstance(field, models.UUIDField | models.ForeignKey):
        return str(new_id())
    if isinstance(field, models.IntegerField):
        return NUMBER
    return [CANARY] if isinstance(field, models.JSONField) else CANARY


def _fields_of(row: Row) -> set[str]:
    """What the schema says that the body has, and objects that stand in its lists."""
    operation = _schema()["paths"].get(row.place, {}).get(row.verb.lower(), {})
    found: set[str] = set()
    for content in operation.get("requestBody", {}).get("content", {}).values():
        properties = _properties(content["schema"])
        found |= properties.keys()
        for each in properties.values():
            found |= _properties(each.get("items", {})).keys()
    return found


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = _schema()["components"]["schemas"][name] if name else schema
    properties: dict[str, Any] = schema.get("properties", {})
    return properties


@cache
def _schema() -> Any:
    generator: Any = SchemaGenerator
    return generator().get_schema(request=None, public=True)


def _run(
    row: Row, callers: Mapping[str, Caller], poison: dict[str, Any]
) -> tuple[tuple[int, str], Content]:
    """What was answered to who may, and all that the database holds then."""
    name = "signed" if row.who == "servers" else "owner"
    with undone():
        request = prepare(row, scene_of(callers, name))
        body = _with(poison, request.body if request.body is not None else {})
        answer = send(replace(request, body=body), callers[name])
        return (answer.status, answer.code), _content()


def _with(poison: dict[str, Any], body: Any) -> Any:
    """In the body, and in objects that stand in its lists."""
    if isinstance(body, Upload):
        return body
    inner = {
        name: [_with(poison, each) if isinstance(each, dict) else each for each in value]
        for name, value in body.items()
        if isinstance(value, list)
    }
    return {**poison, **body, **inner}


def _content() -> Content:
    """Every row of every table, as JSON writes it."""
    statement = " UNION ALL ".join(
        f"SELECT '{table}', to_jsonb(t) FROM \"{table}\" t"  # noqa: S608 - names of ours
        for table in tables()
        if table.startswith(_OURS)
    )
    found: Content = {}
    with connection.cursor() as cursor:
        cursor.execute(statement)
        for table, row in cursor.fetchall():
            found.setdefault(table, []).append(json.loads(row) if isinstance(row, str) else row)
    return found


_OURS = tuple(f"{label}_" for label in [*settings.APP_LABELS.values(), "kit"])


def _differences(plain: Content, again: Content, poisoned: Content) -> list[str]:
    """The tables that are not as they were, but for the columns in which any two runs differ."""
    return [
        table
        for table in sorted({*plain, *again, *poisoned})
        if _steady(plain, table, _restless(plain, again, table))
        != _steady(poisoned, table, _restless(plain, again, table))
    ]


def _restless(plain: Content, again: Content, table: str) -> set[str]:
    columns = {name for row in plain.get(table, []) for name in row}
    return {
        name
        for name in columns
        if _values(plain.get(table, []), name) != _values(again.get(table, []), name)
    }


def _values(found: list[Record], name: str) -> Counter[str]:
    return Counter(json.dumps(row.get(name), sort_keys=True) for row in found)


def _steady(content: Content, table: str, restless: set[str]) -> Counter[str]:
    return Counter(
        json.dumps({name: row[name] for name in row if name not in restless}, sort_keys=True)
        for row in content.get(table, [])
    )


def _canaries(content: Content) -> set[str]:
    text = json.dumps(content)
    return {value for value in (CANARY, LATER[:10], str(NUMBER)) if value in text}
