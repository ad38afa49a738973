"""The AsyncAPI document is valid, whole, and what is really sent fits it."""

import ast
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from jsonschema import (  # type: ignore[import-untyped]
    Draft7Validator,
    Draft202012Validator,
)
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from apps.datastream.rules.rounds import ROUND, ROUND_EXAMPLE
from apps.events import registry
from apps.realtime import feeds, rooms
from apps.realtime.rooms import Rule
from tests import npm

ROOT = Path(settings.BASE_DIR)
HERE = Path(__file__).parent
Document = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Document:
    read: Document = json.loads((ROOT / "docs" / "api" / "asyncapi.json").read_text())
    return read


def ours() -> list[rooms.RoomRule]:
    return [rule for rule in rooms.declared() if not is_of_a_test(rule.may_join)]


def is_of_a_test(rule: Rule) -> bool:
    return rule.__module__.startswith("tests.")


def test_it_is_valid_by_the_schema_of_asyncapi_3(document: Document) -> None:
    packages = npm.installed_packages(HERE) / "node_modules" / "@asyncapi" / "specs"
    schema = json.loads((packages / "schemas" / "3.0.0.json").read_text())

    faults = [
        f"{'/'.join(map(str, fault.absolute_path))}: {fault.message[:300]}"
        for fault in Draft7Validator(schema).iter_errors(document)
    ]

    assert faults == []


def test_every_reference_leads_somewhere(document: Document) -> None:
    for reference in references_in(document):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, reference
            place = place[step]


def test_every_example_fits_the_schema_of_its_message(document: Document) -> None:
    registered = Registry().with_resource("urn:x", DRAFT202012.create_resource(document))
    for name, message in document["components"]["messages"].items():
        schema = {"$ref": f"urn:x#/components/messages/{name}/payload"}
        validator = Draft202012Validator(schema, registry=registered)
        for example in message["examples"]:
            assert not [f"{name}: {e.message}" for e in validator.iter_errors(example["payload"])]


def test_every_room_fact_and_feed_stands_in_it(document: Document) -> None:
    channels = {channel["address"] for channel in document["channels"].values()}
    messages = {message["name"] for message in document["components"]["messages"].values()}

    assert {rule.pattern for rule in ours()} | {"/ws", "/ws/ingest"} == channels
    seen = {fact.name for fact in registry.registered() if fact.rooms and is_ours(fact)}
    assert seen | {feed.type for feed in feeds.feeds()} <= messages


def test_every_room_says_what_it_is() -> None:
    assert [rule.pattern for rule in ours() if not rule.about] == []


def test_facts_and_feeds_go_to_rooms_that_somebody_may_join() -> None:
    known = {rule.pattern for rule in rooms.declared()}
    for fact in filter(is_ours, registry.registered()):
        assert (fact.name, set(fact.rooms) - known) == (fact.name, set())
    for feed in feeds.feeds():
        assert (feed.type, set(feed.rooms) - known) == (feed.type, set())


def test_whatever_is_broadcast_is_declared() -> None:
    sent = {kind for path in (ROOT / "apps").rglob("*.py") for kind in types_broadcast_in(path)}

    assert {"message", "price_update", "track.progress"} <= sent
    assert sent - {feed.type for feed in feeds.feeds()} == set()


def test_the_example_of_a_round_has_the_members_that_are_declared() -> None:
    assert set(ROUND) == set(ROUND_EXAMPLE)


def test_a_running_server_gives_the_same(client: Client, document: Document) -> None:
    with_facts_of_tests = client.get("/api/asyncapi.json").json()

    assert with_facts_of_tests["info"] == document["info"]
    assert set(document["channels"]) <= set(with_facts_of_tests["channels"])


def test_the_check_names_the_file_that_is_stale(tmp_path: Path) -> None:
    (tmp_path / "docs" / "api").mkdir(parents=True)
    with override_settings(BASE_DIR=tmp_path):
        call_command("export_asyncapi", verbosity=0)
        call_command("export_asyncapi", check=True)
        (tmp_path / "docs" / "api" / "rooms.md").write_text("by hand")
        with pytest.raises(CommandError, match=r"docs/api/rooms\.md is not current"):
            call_command("export_asyncapi", check=True)


def is_ours(fact: type) -> bool:
    return fact.__module__.startswith("apps.")


def references_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for each in node.values():
            yield from references_in(each)
    elif isinstance(node, list):
        for each in node:
            yield from references_in(each)


def types_broadcast_in(path: Path) -> Iterator[str]:
    """The second argument of each `broadcast(room, type, data)`."""
    if "apps/realtime/" in path.as_posix():
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and len(node.args) == 3):
            continue
        named = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if named == "broadcast":
            yield value_of(node.args[1], path)


def value_of(argument: ast.expr, path: Path) -> str:
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    assert isinstance(argument, ast.Name), f"{path}: name the type by a constant"
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return str(getattr(import_module(module), argument.id))
