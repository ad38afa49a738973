"""Answers out of memory are those of Django, follow the feed, and are not given while nobody can
know whether they are true; and the table of rounds may be changed and altered under all that.
"""

import asyncio
import http.client
import json
from functools import partial
from typing import Any, NamedTuple

import psycopg
import pytest

from tests.faults.rig.road import Road
from tests.faults.rig.waiting import until_elsewhere

ELSEWHERE = {"X-Way": "through Django"}
"""No field that is known: so the request goes the long way."""
OF_EACH = ("date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset")
LATEST = "/api/v1/games/kills/rounds/latest"
ROUNDS = "/api/v1/games/kills/rounds"
TABLE = [
    "/api/v1/games", "/api/v1/games/", "/api/v1/games?x=1", LATEST, LATEST + "/",
    "/api/v1/games/none/rounds/latest", "/api/v1/games/a%20b/rounds/latest", ROUNDS,
    *(f"{ROUNDS}?{query}" for query in (
        "limit=1", "limit=3", "limit=1000", "limit=0", "limit=1001", "limit=-1", "limit=x",
        "limit=01", "limit=", "limit=1&limit=2", "limit=1&x=1", "cursor=", "cursor=x", "x=%00",
    )),
    "/api/v1/game-types/test/rounds", "/api/v1/game-types/test/rounds?limit=2",
    "/api/v1/game-types/none/rounds", "/api/v1/games/../rounds", "/api/v1/games//rounds",
    "/api/v1/instruments", "/api/v1/instruments/BTC_USDT/price", "/api/v1/instruments/A/B/price",
    "/api/v1/instruments/a b/price".replace(" ", "%20"), "/api/v1/instruments/NONE/price",
]  # fmt: skip
FIELDS: list[dict[str, str]] = [
    {}, {"Origin": "http://localhost:3000"}, {"Origin": "https://evil.example"},
    {"If-None-Match": "*"}, {"If-None-Match": '"other"'}, {"If-None-Match": "nonsense"},
    {"X-Request-ID": "my-own-id"}, {"X-Request-ID": "x" * 65}, {"Accept": "text/html"},
    {"Accept": "text/html,*/*;q=0.8"}, {"Accept": "application/json; indent=4"},
    {"Host": "evil.example"}, {"Host": "localhost"}, {"X-Forwarded-For": "192.0.2.1"},
    {"X-Forwarded-Proto": "https"}, {"Range": "bytes=0-1"}, {"Cookie": "a=b"},
    {"Authorization": "Bearer nonsense"},
]  # fmt: skip


HELD = {
    "/api/v1/games": "/api/v1/games",
    LATEST: "/api/v1/games/<str:slug>/rounds/latest",
    ROUNDS: "/api/v1/games/<str:slug>/rounds",
    "/api/v1/game-types/test/rounds": "/api/v1/game-types/<str:game_type>/rounds",
    "/api/v1/instruments": "/api/v1/instruments",
    "/api/v1/instruments/A/B/price": "/api/v1/instruments/<path:name>/price",
}
"""What is answered from memory, and its route."""


class Answer(NamedTuple):
    status: int
    fields: list[tuple[str, str]]
    body: bytes
    request_id: str


def ask(road: Road, path: str, *, method: str = "GET", **fields: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", road.webs[0].port, timeout=10)
    try:
        connection.request(method, path, headers=fields)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    given = [(name.lower(), value) for name, value in answer.getheaders()]
    own = answer.headers["x-request-id"]
    same = [each for each in given if each[0] not in OF_EACH]
    return Answer(answer.status, same, body.replace(own.encode(), b"ID"), own)


def from_memory(road: Road, route: str) -> float:
    """How many answers of a route this process gave from memory."""
    text = ask(road, "/metrics").body.decode()
    name = f'veza_hot_reads_total{{route="{route}"}} '
    return sum(float(line[len(name) :]) for line in text.splitlines() if line.startswith(name))


async def warmed(road: Road, path: str, route: str) -> None:
    """Until this address is answered from memory."""
    before = await asyncio.to_thread(from_memory, road, route)

    def is_hot() -> bool:
        ask(road, path)
        return from_memory(road, route) > before  # which is counted each second

    await until_elsewhere(is_hot, what=f"{path} is answered from memory")


async def captured(road: Road) -> None:
    await until_elsewhere(road.is_carried, what="a reader has the slot")
    number = road.insert()
    await until_elsewhere(lambda: road.latest() == number, what="a round came")


def differences(road: Road, path: str, fields: dict[str, str]) -> list[object]:
    """What is not the same, also for a client that has the answer, and for HEAD."""
    etag = dict(ask(road, path, **fields).fields).get("etag", '"none"')
    found: list[object] = []
    for each in (fields, fields | {"If-None-Match": etag}):
        for method in ("GET", "HEAD"):
            quick = ask(road, path, method=method, **each)
            slow = ask(road, path, method=method, **each, **ELSEWHERE)
            is_named = each.get("X-Request-ID") in (None, quick.request_id, "x" * 65)
            if quick[:3] != slow[:3] or not is_named:
                found.append((method, path, each, quick, slow))
    return found


async def test_every_answer_is_the_one_of_django(road):
    await captured(road)
    road.insert(5)
    road.last_prices(
        {"instrument": "BTC_USDT", "price": 60214.3, "ts": 1710000000},
        {"instrument": "A/B", "price": 1, "ts": 1.5},
    )
    cases: list[tuple[str, dict[str, str]]] = [(path, {}) for path in TABLE]
    cases += [(path, fields) for path in (LATEST, ROUNDS) for fields in FIELDS]
    for path, fields in cases:  # so that what can be held is held
        ask(road, path, **fields)

    assert [each for path, fields in cases for each in differences(road, path, fields)] == []
    for path, route in HELD.items():
        await warmed(road, path, route)


async def test_rows_that_are_changed_and_deleted_change_the_answers(road):
    await captured(road)
    await warmed(road, LATEST, "/api/v1/games/<str:slug>/rounds/latest")
    number = road.insert()

    def both(extras: object) -> bool:
        first = json.loads(ask(road, LATEST).body)
        page = json.loads(ask(road, ROUNDS + "?limit=1").body)["results"][0]
        return bool(first == page and (first["id"], first["extras"]) == (number, extras))

    await until_elsewhere(lambda: both({}), what="the round")
    for extras in ('{"a": [1, null, "x"]}', "[1, 2]", '"NaN"', "null", "1e999"):
        road.query("UPDATE datastream_round SET extras = %s WHERE id = %s", extras, number)
        told = "1" + "0" * 999 if extras == "1e999" else json.loads(extras)
        await until_elsewhere(partial(both, told), what=f"{extras} is told")
    road.query("DELETE FROM datastream_round WHERE id = %s", number)
    await until_elsewhere(
        lambda: json.loads(ask(road, LATEST).body)["id"] < number, what="it is gone"
    )


async def test_pages_lead_to_all_rounds_and_back(road):
    await captured(road)
    road.insert(25)
    numbers = road.rounds()
    await until_elsewhere(lambda: road.latest() == numbers[0], what="the rounds")
    wanted = numbers[:40]

    pages: list[Any] = []
    link = f"{ROUNDS}?limit=7"
    while link and len(pages) < 6:
        pages.append(json.loads(ask(road, link).body))
        link = (pages[-1]["next"] or "").partition(str(road.webs[0].port))[2]

    assert [each["id"] for page in pages for each in page["results"]][:40] == wanted
    back = pages[-1]["previous"].partition(str(road.webs[0].port))[2]
    assert json.loads(ask(road, back).body)["results"] == pages[-2]["results"]
    assert pages[0]["previous"] is None


async def test_a_feed_that_cannot_be_read_is_not_answered_from_memory(road):
    await captured(road)
    route = "/api/v1/games/<str:slug>/rounds/latest"
    await warmed(road, LATEST, route)

    road.redis.kill()
    missed = road.insert()
    try:
        await until_elsewhere(
            lambda: road.latest() == missed, within_s=20, what="PostgreSQL is asked"
        )
    finally:
        await road.redis.start()
    await captured(road)
    await warmed(road, LATEST, route)


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("ADD COLUMN note text DEFAULT 'x'", "DROP COLUMN note"),
        ("ADD COLUMN places inet[] DEFAULT '{10.0.0.1}'", "DROP COLUMN places"),
        (
            "ALTER COLUMN finished_at TYPE timestamptz(3)",
            "ALTER COLUMN finished_at TYPE timestamptz",
        ),
    ],
)
async def test_a_table_that_is_altered_is_captured_on(road, change, back):
    await captured(road)
    road.query(f"ALTER TABLE datastream_round {change}")
    try:
        await captured(road)
    finally:
        road.query(f"ALTER TABLE datastream_round {back}")
    await captured(road)


async def test_rows_without_a_column_that_is_needed_are_passed_over(road):
    await captured(road)
    road.query("ALTER TABLE datastream_round RENAME COLUMN extras TO other")
    try:
        road.insert()
    finally:
        road.query("ALTER TABLE datastream_round RENAME COLUMN other TO extras")

    await captured(road)


async def test_an_emptied_table_has_no_rounds(road):
    await captured(road)
    road.query("TRUNCATE datastream_round")
    await until_elsewhere(lambda: ask(road, LATEST).status == 404, what="there are no rounds")
    await captured(road)


@pytest.mark.parametrize(
    "extras", ['{"a": "%s"}' % ("x" * 70_000), '{"a": "\\u0000"}', '{"a": NaN}', "", "[" * 50_000]
)
async def test_what_nobody_could_take_is_refused_to_who_inserts_it(road, extras):
    refused = (psycopg.errors.CheckViolation, psycopg.DataError, psycopg.OperationalError)
    with pytest.raises(refused):
        road.query(
            "INSERT INTO datastream_round (game_id, extras)"
            " SELECT id, %s::jsonb FROM datastream_game WHERE slug = 'kills'",
            extras,
        )


async def test_what_is_nested_too_deep_is_told_as_its_text(road):
    await captured(road)
    extras = "[" * 5000 + "]" * 5000
    number = road.insert()
    road.query("UPDATE datastream_round SET extras = %s WHERE id = %s", extras, number)

    def told(fields: dict[str, str]) -> bool:
        return bool(json.loads(ask(road, LATEST, **fields).body)["extras"] == extras)

    for fields in ({}, ELSEWHERE):
        await until_elsewhere(partial(told, fields), what="the text")


async def test_a_round_of_the_future_is_the_newest_until_it_is_corrected(road):
    await captured(road)
    number = road.insert()
    road.query("UPDATE datastream_round SET finished_at = '9999-01-01' WHERE id = %s", number)
    road.insert()
    await until_elsewhere(
        lambda: json.loads(ask(road, LATEST).body)["timestamp"] > 10**14, what="it"
    )
    road.query("UPDATE datastream_round SET finished_at = now() WHERE id = %s", number)
    await captured(road)
    with pytest.raises(psycopg.errors.CheckViolation):
        road.query("UPDATE datastream_round SET finished_at = 'infinity' WHERE id = %s", number)
