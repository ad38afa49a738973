"""Writes docs/api/permissions.md from policy.yaml and what code declares.

`python -m tests.policy.describe`, or with `--check` only compares.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import django

from tests.policy.matrix import ALL, MISSING, OK, Row, document, lines_of, policy, rows

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "api" / "permissions.md"
HEAD = """# Who may do what

This page is made from `tests/policy/policy.yaml`, which has a row for every route and every
message on a socket, and a column for every kind of caller. The tests drive every cell, and fail
when a row is missing. A refusal changes nothing, and what belongs to somebody else is answered
as what does not exist: 404, to the letter.

How callers prove who they are stands in [Accounts](auth.md), the codes of refusals in
[Errors](errors.md).
"""
ROLES = """
## Permissions

Roles hold permissions; routes, sockets and the admin ask for permissions. These are held at
first; operators may change that. People who register are `listener` and `creator`.

| permission | allows to | roles |
| --- | --- | --- |
"""
SOCKETS = """
## Sockets and streams

On the application socket `0` is success, `102` an unknown room, `103` a room where clients do not
publish, `104` an unknown command, `107` a bad request, `108` what the room does not offer, `109`
an expired token, and 3500 the end of the connection. On `/ws` and `/ws/ingest` a code is that of
the error. `{owner}` is the id of the user `owner`, `{absent}` one that nobody has.
"""
TABLE = "| call | policy | answer | besides |\n| --- | --- | --- | --- |\n"


def holders() -> Mapping[str, tuple[str, ...]]:
    """Which roles hold a permission in a new installation, as the migrations give them."""
    found: dict[str, tuple[str, ...]] = {}
    for app in ("auth", "analytics"):
        package = import_module(f"migrations.{app}")
        for each in sorted(iter_modules(package.__path__), key=lambda each: each.name):
            migration = import_module(f"migrations.{app}.{each.name}")
            found |= getattr(migration, "HOLDERS", {})
    return found


def page() -> str:
    """The whole page."""
    return "".join(
        [
            HEAD, ROLES, *_permissions(), "\n## Callers\n\n", *_callers(), "\n## Policies\n\n",
            *_policies(), "\n## Routes\n", *_tables("routes"), SOCKETS, *_tables("sockets"),
        ]
    )  # fmt: skip


def _permissions() -> Iterator[str]:
    from veza.kit.permissions import declared  # noqa: PLC0415 - after django.setup()

    held = holders()
    for name, about in declared().items():
        roles = ", ".join(f"`{role}`" for role in held.get(name, ()))
        yield f"| `{name}` | {about[0].lower()}{about[1:]} | {roles} |\n"


def _callers() -> Iterator[str]:
    yield "| caller | what it is |\n| --- | --- |\n"
    for name, about in document()["callers"].items():
        yield f"| {name} | {about} |\n"
    yield "\nGroups: "
    groups = document()["groups"].items()
    yield "; ".join(f"*{name}*: {', '.join(inner)}" for name, inner in groups)
    yield ". *out-of-scope* is without-read for GET, without-write for other methods.\n"


def _policies() -> Iterator[str]:
    yield "| policy | who may | refused |\n| --- | --- | --- |\n"
    for name in document()["policies"]:
        rule = policy(name)
        yield f"| {name} | {rule.about} | {_written(rule.refuses, {'ok': ''})} |\n"


def _tables(section: str) -> Iterator[str]:
    """A table for each group of addresses."""
    area = None
    for row in rows(section):
        now = _area_of(row, section)
        if now != area:
            yield f"\n### {now}\n\n{TABLE}"
            area = now
        yield f"| {_call(row, section)} | {row.who} | {_answer(row)} | {_besides(row)} |\n"


def _area_of(row: Row, section: str) -> str:
    if section == "sockets":
        return f"`{row.place}`"
    if not row.place.startswith("/api/v1/"):
        return "Outside of the API"
    return f"`/api/v1/{row.place.split('/')[3]}`"


def _call(row: Row, section: str) -> str:
    call = f"`{row.verb}`" if section == "sockets" else f"`{row.verb} {row.place}`"
    if "case" in row.says:
        return f"{call}, {row.says['case']}"
    return f"{call} `{row.says['room']}`" if "room" in row.says else call


def _answer(row: Row) -> str:
    """To who may, if anybody may."""
    answer = str(row.says["ok"])
    is_given = answer in map(str, row.cells.values())
    return _outcome(answer, row.says) if is_given else "never"


def _besides(row: Row) -> str:
    needs = row.says.get("needs")
    found = [
        f"needs {needs}" if needs == "step-up" else f"needs `{needs}`" if needs else "",
        _written(lines_of(row.says), row.says),
        f"others: 404 `{row.says['missing']}`" if row.who == "own" else "",
        str(row.says.get("about", "")),
    ]
    return "; ".join(each for each in found if each)


def _written(lines: Mapping[str, object], told: Mapping[str, object]) -> str:
    named = {"others" if name == ALL else name: value for name, value in lines.items()}
    return ", ".join(f"{name}: {_outcome(value, told)}" for name, value in named.items())


def _outcome(value: object, told: Mapping[str, object]) -> str:
    if value == OK:
        return "yes"
    if value == MISSING:
        return f"404 `{told['missing']}`"
    status, _, code = str(value).partition(" ")
    return f"{status} `{code}`" if code else f"`{status}`"


def main() -> int:
    """Write it; with `--check`, only say whether that is needed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "veza.settings")
    django.setup()
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    is_current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
    if not is_current:
        sys.stderr.write("docs/api/permissions.md: run `python -m tests.policy.describe`.\n")
    return 0 if is_current else 1


if __name__ == "__main__":
    sys.exit(main())
