"""Games and rounds over HTTP: from the projection, and from their tables where there is none."""

import json

import pytest
from django.db import connection

from apps.datastream.models import Game, Round
from apps.datastream.services.projector import TOPIC, Projector
from tests.apps.datastream.documents import document, row
from veza.integrations.change_stream import Entry, EntryId
from veza.integrations.change_stream.memory import MemoryChangeStream
from veza.integrations.projection import projection

pytestmark = pytest.mark.django_db
POSTGRES = "veza.integrations.projection.postgres.PostgresProjection"


@pytest.fixture
def games():
    return [
        Game.objects.create(slug="t-dice", name="Dice", type="t-luck"),
        Game.objects.create(slug="t-wheel", name="Wheel", type="t-luck"),
        Game.objects.create(slug="t-quiet", name="", type="t-none"),
    ]


def play(game: Game, *times: int) -> None:
    for at in times:
        Round.objects.create(game=game, finished_at=f"2026-11-21T10:00:{at:02}Z", extras={"n": at})


@pytest.fixture
def rounds(games):
    play(games[0], 1, 3, 3)
    play(games[1], 2)
    return Round.objects.order_by("id")


def test_games_are_listed_by_slug(api_client, games):
    body = api_client.get("/api/v1/games").json()

    assert [each["slug"] for each in body["results"]] == ["t-dice", "t-quiet", "t-wheel"]
    assert body["results"][0] == {
        "id": str(games[0].pk), "slug": "t-dice", "name": "Dice", "type": "t-luck",
    }  # fmt: skip
    assert (body["next"], body["previous"]) == (None, None)


def test_games_come_in_pages(api_client, games):
    first = api_client.get("/api/v1/games", {"limit": 2}).json()
    second = api_client.get(first["next"]).json()

    assert [each["slug"] for each in first["results"]] == ["t-dice", "t-quiet"]
    assert [each["slug"] for each in second["results"]] == ["t-wheel"]
    assert (first["previous"], second["next"]) == (None, None)
    assert api_client.get(second["previous"]).json()["results"] == first["results"]


def test_a_round_without_a_time_ended_when_its_transaction_began(api_client, games):
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute("INSERT INTO datastream_round (game_id) VALUES (%s)", [games[0].pk])
        cursor.execute("SELECT now()")
        began = cursor.fetchone()[0]
    newest, first = api_client.get("/api/v1/games/t-dice/rounds").json()["results"]

    assert newest["id"] > first["id"]
    assert newest["timestamp"] == first["timestamp"] == int(began.timestamp() * 1000)


LISTS = ("games", "games/t-dice/rounds", "game-types/t-luck/rounds", "events")


@pytest.mark.usefixtures("games")
@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "query",
    [
        "limit=", "limit=0", "limit=1001", "limit=1&limit=2", "ordering=bogus", "ordering=",
        "cursor=x", "cursor=",
    ],
)  # fmt: skip
def test_every_list_refuses_what_it_does_not_have(api_client, path, query):
    answer = api_client.get(f"/api/v1/{path}?{query}")

    name = query.partition("=")[0]
    code, fields = ("cursor_invalid", []) if name == "cursor" else ("invalid", [name])
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert [each["field"] for each in answer.json()["errors"]] == fields


def test_the_latest_round_is_the_newest_by_time_and_then_by_id(api_client, games, rounds):
    answer = api_client.get("/api/v1/games/t-dice/rounds/latest")

    assert answer.json() == {
        "id": rounds[2].pk, "game_id": str(games[0].pk), "game_slug": "t-dice",
        "game_type": "t-luck", "finished_at": "2026-11-21T10:00:03Z", "extras": {"n": 3},
        "timestamp": 1_795_255_203_000,
    }  # fmt: skip
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-cache"


def test_rounds_of_a_game_and_of_a_type_are_newest_first(api_client, rounds):
    ids = [each.pk for each in rounds]

    of_game = api_client.get("/api/v1/games/t-dice/rounds", {"limit": 2}).json()
    of_type = api_client.get("/api/v1/game-types/t-luck/rounds").json()

    assert [each["id"] for each in of_game["results"]] == [ids[2], ids[1]]
    assert [each["id"] for each in of_type["results"]] == [ids[2], ids[1], ids[3], ids[0]]


def test_a_game_without_rounds_has_an_empty_list(api_client, games):
    assert api_client.get("/api/v1/games/t-quiet/rounds").json()["results"] == []
    assert api_client.get("/api/v1/game-types/t-none/rounds").json()["results"] == []


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("games/t-quiet/rounds/latest", "round not found"),
        ("games/x/rounds/latest", "game 'x' not found"),
        ("games/x/rounds", "game 'x' not found"),
        ("games/a b:/rounds", "game 'a b:' not found"),
        ("game-types/x/rounds", "game type 'x' not found"),
    ],
)
def test_what_is_not_there_is_told(api_client, games, path, error):
    answer = api_client.get(f"/api/v1/{path}")

    assert answer.status_code == 404
    assert (answer.json()["error"], answer.json()["success"]) == (error, False)


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "1.5"])
def test_a_limit_is_a_number_from_1_to_1000(api_client, games, limit):
    answer = api_client.get("/api/v1/games/t-dice/rounds", {"limit": limit})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "limit"


def test_an_answer_that_the_client_has_is_not_sent_again(api_client, rounds):
    path = "/api/v1/games/t-dice/rounds/latest"
    etag = api_client.get(path)["ETag"]

    same = api_client.get(path, headers={"If-None-Match": etag})
    Round.objects.create(game=rounds[0].game, finished_at="2026-11-21T10:00:09Z")
    other = api_client.get(path, headers={"If-None-Match": etag})

    assert (same.status_code, same.content) == (304, b"")
    assert other.status_code == 200


def test_a_bare_insert_of_another_program_is_a_round(api_client, games):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO datastream_game (slug, type) VALUES ('t-bare', 't-luck')")
        cursor.execute(
            "INSERT INTO datastream_round (game_id)"
            " SELECT id FROM datastream_game WHERE slug = 't-bare'"
        )

    found = api_client.get("/api/v1/games/t-bare/rounds/latest").json()

    assert found["extras"] == {}
    assert found["game_id"][14] == "7"


@pytest.mark.usefixtures("contract_keys")
def test_rounds_of_the_projection_and_of_the_tables_read_the_same(api_client, rounds):
    paths = ("games/t-dice/rounds/latest", "games/t-dice/rounds", "game-types/t-luck/rounds")
    wanted = [api_client.get(f"/api/v1/{path}").content for path in paths]
    stream = MemoryChangeStream()
    whole = json.loads(document("r", after=row(1)))
    whole |= {"op": "m", "message": {"prefix": "veza.epoch", "content": "ZTE="}}
    told = [json.dumps(whole).encode()]
    for each in rounds:
        after = row(
            each.pk, game=str(each.game_id), extras=json.dumps(each.extras),
            at=each.finished_at.isoformat().replace("+00:00", "Z"),
        )  # fmt: skip
        told.append(document("r", after=after))
    whole["message"]["prefix"] = "veza.whole"
    told.append(json.dumps(whole).encode())
    stream.append(
        TOPIC, [Entry(EntryId(8, n), b"", each) for n, each in enumerate(told)], behind=None
    )
    projector = Projector(stream=stream, into=projection())
    while projector.step(wait_s=0):
        pass
    Round.objects.all().delete()

    assert [api_client.get(f"/api/v1/{path}").content for path in paths] == wanted


def test_without_redis_the_tables_answer(api_client, rounds, settings):
    settings.PROJECTION_BACKEND = POSTGRES

    assert api_client.get("/api/v1/games/t-dice/rounds/latest").json()["id"] == rounds[2].pk
