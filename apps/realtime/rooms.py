"""The rooms there are, as the apps that own them declare them, and who may join and publish."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.db import close_old_connections

from apps.realtime.types import ANONYMOUS, Viewer

Keeps = Literal["facts", "last_value", "nothing"]
Rule = Callable[..., bool]
"""Called with the viewer and the parts of the room's name: `(viewer, *, id: str) -> bool`."""

MAX_ROOM_LENGTH = 200
MAX_ROOMS = 128
"""Of one connection, and of one question."""
DEFAULTS = ("public", "metrics")
FACTS = "facts"
"""The log of facts."""
_PART = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, kw_only=True)
class RoomRule:
    """What holds for every room of one pattern."""

    pattern: str
    may_join: Rule
    may_publish: Rule | None
    """None: clients never publish here."""
    has_presence: bool
    keeps: Keeps
    queries: bool
    """The rules ask the database, so they run in a thread."""
    value_key: str
    """Under which the store keeps the last value; the parts of the name stand in it."""
    form: re.Pattern[str]
    log: str
    """The log whose messages it keeps."""
    about: str
    """What it is for and who may join, in one sentence."""

    def parts(self, name: str) -> dict[str, str] | None:
        """The variable parts of a name of this pattern, None for any other name."""
        match = self.form.fullmatch(name)
        return match.groupdict() if match else None


_rules: dict[str, list[RoomRule]] = {}


def room(  # noqa: PLR0913 - all but the first have a default or a name
    pattern: str,
    *,
    may_join: Rule,
    may_publish: Rule | None = None,
    has_presence: bool = False,
    keeps: Keeps = "facts",
    queries: bool = False,
    part: str = r"[^\s:]{1,128}",
    value_key: str = "",
    log: str = FACTS,
    about: str = "",
) -> RoomRule:
    """Declare the rooms `public` or `user:{id}`; `part` is the form of a variable part.
    `log` is the one whose messages the rooms keep. `value_key`, such as `last_price:{name}`, is
    where other programs find a room's last value. `about` is for the reference.

    A pattern that is declared again replaces the earlier one. Of several that fit a name the one
    that was declared first wins.
    """
    form = re.compile(_form(pattern, part))
    rule = RoomRule(
        pattern=pattern, may_join=may_join, may_publish=may_publish,
        has_presence=has_presence, keeps=keeps, queries=queries, form=form,
        value_key=value_key or f"last_value:{pattern}", log=log, about=about,
    )  # fmt: skip
    rules = _rules.setdefault(_prefix(pattern), [])
    rules[:] = [known for known in rules if known.pattern != pattern] + [rule]
    return rule


def declared() -> list[RoomRule]:
    """All rules, by pattern."""
    found = [rule for rules in _rules.values() for rule in rules]
    return sorted(found, key=lambda rule: rule.pattern)


def resolve(name: str) -> RoomRule | None:
    """The rule of the room with this full name; None where there is no such room."""
    if len(name) > MAX_ROOM_LENGTH:
        return None
    for rule in _rules.get(_prefix(name), ()):
        if rule.form.fullmatch(name):
            return rule
    return None


async def may_join(name: str, viewer: Viewer) -> bool:
    """False where the viewer may not join and where there is no such room."""
    rule = resolve(name) if viewer.may_use(name) else None
    return rule is not None and await _ask(rule, rule.may_join, name, _reader(viewer))


def may_join_now(name: str, viewer: Viewer) -> bool:
    """The same for code that runs in a thread of its own, where the database may be asked."""
    rule = resolve(name) if viewer.may_use(name) else None
    return rule is not None and rule.may_join(_reader(viewer), **(rule.parts(name) or {}))


async def may_publish(name: str, viewer: Viewer) -> bool:
    """Whether this viewer may send messages to the room."""
    rule = resolve(name) if viewer.may_use(name) and viewer.may_write else None
    if rule is None or rule.may_publish is None:
        return False
    return await _ask(rule, rule.may_publish, name, viewer)


def everyone(viewer: Viewer, **parts: str) -> bool:
    """The rule of public rooms."""
    return True


def _reader(viewer: Viewer) -> Viewer:
    return viewer if viewer.may_read else ANONYMOUS


async def _ask(rule: RoomRule, question: Rule, name: str, viewer: Viewer) -> bool:
    parts: dict[str, Any] = rule.parts(name) or {}
    if rule.queries:
        return await asyncio.to_thread(_with_database, question, viewer, parts)
    return question(viewer, **parts)


def _with_database(question: Rule, viewer: Viewer, parts: dict[str, str]) -> bool:
    close_old_connections()
    try:
        return question(viewer, **parts)
    finally:
        close_old_connections()


def _prefix(name: str) -> str:
    return name.partition(":")[0]


def _form(pattern: str, part: str) -> str:
    pieces = _PART.split(pattern)  # text, name, text, name, ..., text
    return "".join(
        f"(?P<{piece}>{part})" if number % 2 else re.escape(piece)
        for number, piece in enumerate(pieces)
    )


room("public", may_join=everyone, about="What anyone may know. Everyone may join.")
room("metrics", may_join=everyone, about="What is measured. Everyone may join.")
