"""The AsyncAPI document as a page to read: rooms, what is heard in each, frames."""

import json
import re
from collections.abc import Iterator
from typing import Any

from apps.events import registry
from apps.realtime import feeds, rooms
from apps.realtime.feeds import Feed
from apps.realtime.rooms import RoomRule
from veza.pages.asyncapi import heard_in, is_pulled
from veza.pages.frames import FRAMES, Frame

HEAD = """\
# Rooms and messages

<!-- Written by `manage.py export_asyncapi` from events.py and realtime.py of the apps. -->

Every room, and what is heard there. The same as [AsyncAPI 3.0](asyncapi.json), for generators and
viewers; a running server gives it at `/api/asyncapi.json`. How one listens stands in
[Realtime](realtime.md), the facts one by one in [Facts](events.md).

| room | what it is | keeps | who is there | clients speak |
| --- | --- | --- | --- | --- |
"""
KEEPS = {
    "facts": "the log: what was missed comes again",
    "last_value": "the last value: it comes first",
    "nothing": "nothing",
}
OTHERS = """
## Messages that are no facts
"""
FRAMES_HEAD = """
## Frames of the event backbone

What the two sides of `/ws` and `/ws/ingest` say besides the messages of rooms.

| frame | from | to whom | what | example |
| --- | --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page in Markdown, the same on every machine."""
    declared = rooms.declared()
    return "".join(
        [
            HEAD,
            *(_line(rule) for rule in declared),
            *(_section(rule) for rule in declared),
            OTHERS,
            *(_feed(each) for each in feeds.feeds()),
            FRAMES_HEAD,
            *(_frame(each) for each in FRAMES),
        ]
    )


def _line(rule: RoomRule) -> str:
    log = " of rounds" if rule.log != rooms.FACTS else ""
    keeps = KEEPS[rule.keeps].replace("the log", f"the log{log}")
    return (
        f"| [`{rule.pattern}`](#{_anchor(rule.pattern)}) | {rule.about} | {keeps} "
        f"| {'shown' if rule.has_presence else ''} | {'yes' if rule.may_publish else ''} |\n"
    )


def _section(rule: RoomRule) -> str:
    return "".join([f"\n## {rule.pattern}\n\n{rule.about}\n\n", *_ways(rule), "\n", *_heard(rule)])


def _ways(rule: RoomRule) -> Iterator[str]:
    name = rule.pattern
    yield "| way | how |\n| --- | --- |\n"
    yield f"| server-sent events | `GET /api/v1/events/watch?rooms={name}` |\n"
    yield f"| `/connection/websocket` | subscribe to the channel `{name}` |\n"
    yield f'| `/ws` | `{{"type": "join", "room": "{name}"}}` |\n'
    if is_pulled(rule):
        yield f"| list | `GET /api/v1/events?rooms={name}` |\n"


def _heard(rule: RoomRule) -> Iterator[str]:
    facts, others = heard_in(rule.pattern)
    if not (facts or others):
        yield "Nothing is told here yet.\n"
        return
    yield "| message | version | what happened |\n| --- | --- | --- |\n"
    for fact in facts:
        link = f"events.md#{_anchor(registry.label(fact))}"
        yield f"| [`{fact.name}`]({link}) | {fact.version} | {fact.about} |\n"
    for feed in others:
        yield f"| [`{feed.type}`](#{_anchor(_title(feed))}) | 1 | {feed.about} |\n"


def _feed(feed: Feed) -> str:
    heard = ", ".join(f"`{room}`" for room in feed.rooms)
    place = (
        "It has a place in a log and can be resumed after."
        if feed.is_logged
        else "It has no place in a log, and is not told again."
    )
    return (
        f"\n### {_title(feed)}\n\n{feed.about} {place}\n\nRooms: {heard}.\n\n"
        f"Example of `data`:\n\n{_json(dict(feed.example))}\n"
        f"Schema of `data`:\n\n{_json(feeds.data_schema(feed))}"
    )


def _frame(frame: Frame) -> str:
    sender, reader = ("client", "server") if frame.is_from_client else ("server", "client")
    roles = ", ".join(f"{role}s" for role in frame.roles)
    return (
        f"| `{frame.example['type']}` | {sender} ({roles}) | {reader} | {frame.about} "
        f"| `{json.dumps(dict(frame.example))}` |\n"
    )


def _title(feed: Feed) -> str:
    return f"Message {feed.type}"


def _anchor(heading: str) -> str:
    """As Markdown makes it from a heading."""
    kept = re.sub(r"[^\w\s-]", "", heading).strip().lower()
    return re.sub(r"[-\s]+", "-", kept)


def _json(value: Any) -> str:
    return f"```json\n{json.dumps(value, indent=2)}\n```\n"
