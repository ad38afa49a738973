"""The policy as it stands in policy.yaml: rows of routes and messages, and a cell for each caller.

A row's cells are filled from the left to the right: everybody may (`ok`), then what its policy
grants, then the row's own lines, then what its policy refuses. Later ones win.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).parent / "policy.yaml"
SAFE = ("GET", "HEAD", "OPTIONS")
ALL = "all"
OK, MISSING = "ok", "missing"
OUT_OF_SCOPE = "out-of-scope"
_WORDS = (
    "who", "ok", "missing", "body", "with", "shows", "needs", "case", "step-up", "about",
    "query", "settings", "there", "room", "token", "joined",
)  # fmt: skip


class PolicyError(Exception):
    """policy.yaml does not say what it has to; the message says what to write."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a caller is answered: a status or code, and the `code` of a refusal."""

    status: int | None = None
    code: str = ""

    @property
    def is_refused(self) -> bool:
        return self.status in (401, 403, 404)

    def __str__(self) -> str:
        return f"{'' if self.status is None else self.status} {self.code}".strip()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One route and method, or one message, in one case."""

    place: str
    verb: str
    case: str
    who: str
    cells: Mapping[str, Outcome]
    says: Mapping[str, Any] = field(repr=False)
    """The row as it is written, for what only some drivers need."""

    @property
    def name(self) -> str:
        return f"{self.verb} {self.place}" + (f" ({self.case})" if self.case else "")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What rows refer to by `who`."""

    about: str
    grants: Mapping[str, str]
    refuses: Mapping[str, str]


@cache
def document() -> Mapping[str, Any]:
    """The file as it is written."""
    found: Mapping[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return found


def columns() -> tuple[str, ...]:
    """The columns."""
    return tuple(document()["callers"])


def members(name: str, *, verb: str = "GET") -> tuple[str, ...]:
    """The callers whom a line of this name is about. Raises PolicyError."""
    if name == ALL:
        return columns()
    if name in columns():
        return (name,)
    if name == OUT_OF_SCOPE:
        name = "without-read" if verb in SAFE else "without-write"
    groups = document()["groups"]
    if name not in groups:
        raise PolicyError(f"{name!r} is no caller and no group: add it to policy.yaml's `groups`.")
    return tuple(caller for each in groups[name] for caller in members(each, verb=verb))


@cache
def policy(name: str) -> Policy:
    """Raises PolicyError for one that is not there."""
    try:
        told = document()["policies"][name]
    except KeyError:
        raise PolicyError(f"{name!r} is no policy: add it to policy.yaml's `policies`.") from None
    base = policy(told["extends"]) if "extends" in told else None
    return Policy(
        about=told["about"],
        grants={**(base.grants if base else {}), **told.get("grants", {})},
        # What the base refuses is asked first by the product, so it is written over the rest.
        refuses={**told.get("refuses", {}), **(base.refuses if base else {})},
    )


def rows(section: str) -> list[Row]:
    """All rows of `routes` or `sockets`, in the order in which they are written."""
    return list(_rows(section))


def lines_of(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a row says of callers: the exceptions to its policy."""
    return {name: value for name, value in told.items() if name not in _WORDS}


def _rows(section: str) -> Iterator[Row]:
    for place, verbs in document()[section].items():
        for verb, told in verbs.items():
            for each in told if isinstance(told, list) else [told]:
                yield _row(place, str(verb), each)


def _row(place: str, verb: str, told: Mapping[str, Any]) -> Row:
    try:
        rule = policy(told["who"])
        cells = {caller: _outcome(OK, told) for caller in columns()}
        for group in ({**rule.grants, **lines_of(told)}, rule.refuses):
            for name, value in group.items():
                outcome = _outcome(value, told)
                cells |= dict.fromkeys(members(name, verb=verb), outcome)
    except (PolicyError, KeyError) as fault:
        raise PolicyError(f"{verb} {place}: {fault}") from fault
    case = str(told.get("case") or told.get("room", ""))
    return Row(place=place, verb=verb, case=case, who=told["who"], cells=cells, says=told)


def _outcome(value: object, told: Mapping[str, Any]) -> Outcome:
    """`200`, `403 forbidden`, `ok` as the row has it, or `missing` with the row's code."""
    if value == MISSING:
        return Outcome(status=404, code=told["missing"])
    text = str(told["ok"] if value == OK else value)
    status, _, code = text.partition(" ")
    return Outcome(status=int(status), code=code) if status.isdigit() else Outcome(code=text)


def areas(section: str) -> dict[str, list[Row]]:
    """The rows by the first word of their addresses."""
    found: dict[str, list[Row]] = {}
    for row in rows(section):
        words = row.place.removeprefix("/api/v1").split("/")
        area = words[1] if row.place.startswith("/api/v1") else "pages"
        found.setdefault(area, []).append(row)
    return found
