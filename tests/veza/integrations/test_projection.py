"""One suite for every projection; what only Redis keeps is tested with Redis alone."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.patience import PATIENCE_S
from veza.integrations.projection import (
    Announcement,
    Batch,
    Effect,
    FeedRow,
    Projection,
    ProjectionOvertakenError,
    ProjectionUnavailableError,
    State,
)
from veza.integrations.projection.postgres import PostgresProjection
from veza.integrations.projection.redis import RedisProjection

pytestmark = pytest.mark.django_db
EPOCH = "e1"


@pytest.fixture(params=["redis", "postgres"])
def projection(request):
    if request.param == "postgres":
        return PostgresProjection()
    request.getfixturevalue("contract_keys")
    return RedisProjection()


@pytest.fixture
def in_redis(contract_keys):
    return RedisProjection()


def document(number: int, *, slug: str = "t-dice", at: int = 1000, extra: int = 0) -> str:
    finished_at = f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    kept = {
        "id": number, "game_slug": slug, "finished_at": finished_at, "timestamp": at,
        "extras": extra,
    }  # fmt: skip
    return json.dumps(kept, separators=(",", ":"))


def effect(  # noqa: PLR0913 - all but the first two have a default
    kind: Any,
    number: int,
    *,
    slug: str = "t-dice",
    at: int = 1000,
    position: int | None = None,
    extra: int = 0,
    everywhere: bool = False,
) -> Effect:
    told = None
    if position is not None:
        envelope = json.dumps({"id": f"m{position}", "position": position}, separators=(",", ":"))
        rooms = (f"game:{slug}", "game-type:t-luck", *(("games",) if everywhere else ()))
        told = Announcement(position=position, envelope=envelope, rooms=rooms)
    return Effect(
        kind=kind, id=number, slug=slug, type="t-luck", score=at,
        document=document(number, slug=slug, at=at, extra=extra), announcement=told,
    )  # fmt: skip


def apply(
    projection: Projection,
    *effects: Effect,
    begins_epoch: bool = False,
    epoch: str = EPOCH,
    is_ready: bool = True,
) -> State:
    before = projection.state()
    positions = [each.announcement.position for each in effects if each.announcement]
    place = str(int(before.place or 0) + 1)
    after = State(
        epoch=epoch, head=max([before.head, *positions]), place=place, order="1:2",
        is_ready=is_ready,
    )  # fmt: skip
    settle(
        projection,
        Batch(after=before.place, state=after, begins_epoch=begins_epoch, effects=effects),
    )
    return after


def settle(projection: Projection, batch: Batch) -> None:
    turn = projection.turn(batch)
    turn.begin()
    turn.settle()


def positions(rows: Iterable[FeedRow]) -> list[int]:
    return [row.position for row in rows]


class TestState:
    def test_is_empty_at_first(self, projection):
        assert projection.state()[:4] == ("", 0, "", "")
        assert projection.bounds() == ("", 1, 0)

    def test_is_what_the_last_batch_said(self, projection):
        after = apply(projection, effect("finished", 7, position=1))

        assert projection.state() == after

    def test_a_batch_that_comes_too_late_changes_nothing(self, projection):
        apply(projection, effect("finished", 7, position=1))
        late = Batch(
            after="", state=State(epoch=EPOCH, head=9, place="9", order="", is_ready=True),
            begins_epoch=False, effects=[effect("finished", 8, position=9)],
        )  # fmt: skip

        with pytest.raises(ProjectionOvertakenError):
            settle(projection, late)

        assert projection.state().head == 1
        assert positions(projection.feed_after(0, limit=10, wait_s=0)) == [1]


class TestFeed:
    def test_tells_messages_in_order_with_their_rooms(self, projection):
        apply(projection, *(effect("finished", 7, position=number) for number in range(1, 6)))

        rows = projection.feed_after(2, limit=2, wait_s=0)

        assert positions(rows) == [3, 4]
        assert rows[0].rooms == ("game:t-dice", "game-type:t-luck")
        assert json.loads(rows[0].envelope) == {"id": "m3", "position": 3}

    def test_a_room_holds_its_own(self, projection):
        apply(
            projection, effect("finished", 1, position=1),
            effect("finished", 2, position=2, slug="t-coin"), effect("finished", 3, position=3),
        )  # fmt: skip

        held = projection.room_after("game:t-dice", 0, through=3)

        assert (held.floor, positions(held.rows)) == (0, [1, 3])
        assert positions(projection.room_after("game:t-dice", 1, through=3).rows) == [3]
        assert positions(projection.room_after("game-type:t-luck", 0, through=2).rows) == [1, 2]

    def test_finds_a_message_of_a_room_by_its_id(self, projection):
        apply(projection, *(effect("finished", n, position=n) for n in range(1, 251)))

        found = [projection.find("game:t-dice", f"m{number}") for number in (1, 100, 151, 250, 251)]

        assert found == [1, 100, 151, 250, None]
        assert projection.find("game:t-coin", "m1") is None

    def test_known_rows_are_not_told(self, projection):
        apply(projection, effect("known", 1), effect("finished", 2, position=1))

        assert positions(projection.feed_after(0, limit=10, wait_s=0)) == [1]

    def test_a_new_epoch_forgets_what_was(self, projection):
        apply(projection, effect("finished", 1, position=1))

        apply(projection, effect("finished", 2, position=2), begins_epoch=True, epoch="e2")

        assert projection.bounds() == ("e2", 2, 2)
        assert positions(projection.room_after("game:t-dice", 1, through=9).rows) == [2]
        assert projection.room_after("game:t-dice", 0, through=9).floor == 1

    def test_reaches_back_to_the_beginning_through_the_room_of_all(self, projection):
        for first in range(1, 301, 100):
            apply(
                projection,
                *(effect("finished", n, position=n, everywhere=True)
                  for n in range(first, first + 100)),
            )  # fmt: skip

        held = projection.room_after("games", 120, through=130)

        assert positions(held.rows) == list(range(121, 131))
        assert held.floor == 0
        assert [projection.find("games", f"m{n}") for n in (1, 50, 51, 300)] == [1, 50, 51, 300]
        assert projection.find("games", "m301") is None

    def test_goes_on_from_any_position(self, projection):
        apply(projection, *(effect("finished", n, position=n) for n in range(1, 121)))
        apply(projection, effect("finished", 121, position=121))

        assert positions(projection.feed_after(57, limit=3, wait_s=0)) == [58, 59, 60]
        assert positions(projection.feed_after(99, limit=90, wait_s=0)) == list(range(100, 122))
        assert projection.feed_after(121, limit=9, wait_s=0) == []
        assert projection.bounds() == (EPOCH, 1, 121)


class TestKeysOfRedis:
    def test_the_newest_by_time_then_by_id_is_the_latest(self, in_redis):
        apply(in_redis, effect("finished", 9, at=2000, position=1))
        apply(in_redis, effect("finished", 10, at=2000, position=2))
        apply(in_redis, effect("finished", 11, at=1000, position=3))

        assert in_redis.latest("t-dice").decode() == document(10, at=2000)

    def test_histories_are_newest_first_and_of_one_time_the_highest_id_first(self, in_redis):
        apply(
            in_redis,
            *(effect("finished", n, at=1000, position=n) for n in range(1, 13)),
            effect("finished", 13, at=900, position=13, slug="t-coin"),
        )

        ids = [json.loads(each)["id"] for each in in_redis.history("t-dice", limit=3)]
        of_type = [json.loads(each)["id"] for each in in_redis.history("type:t-luck", limit=50)]

        assert ids == [12, 11, 10]
        assert of_type == [*range(12, 0, -1), 13]

    def test_a_correction_takes_the_place_of_what_was(self, in_redis):
        apply(in_redis, effect("finished", 1, position=1), effect("finished", 2, position=2))

        apply(in_redis, effect("corrected", 2, position=3, extra=5))

        assert in_redis.latest("t-dice").decode() == document(2, extra=5)
        assert [each.decode() for each in in_redis.history("t-dice", limit=9)] == [
            document(2, extra=5), document(1),
        ]  # fmt: skip

    def test_a_removed_round_is_followed_by_the_one_before(self, in_redis):
        apply(in_redis, effect("finished", 1, position=1), effect("finished", 2, position=2))

        apply(in_redis, effect("removed", 2, position=3))

        assert in_redis.latest("t-dice").decode() == document(1)
        assert len(in_redis.history("type:t-luck", limit=9)) == 1

    def test_of_a_game_whose_last_round_was_removed_nothing_is_left(self, in_redis):
        apply(in_redis, effect("finished", 1, position=1))

        apply(in_redis, effect("removed", 1, position=2))

        assert in_redis.latest("t-dice") is None
        assert in_redis.history("t-dice", limit=9) == []

    def test_a_history_is_trimmed(self, in_redis, redis_connection):
        effects = [effect("finished", n, at=n, position=n) for n in range(1, 1201)]
        for first in range(0, 1200, 400):
            apply(in_redis, *effects[first : first + 400])

        assert redis_connection.zcard("history:t-dice") <= 1001
        ids = [json.loads(each)["id"] for each in in_redis.history("t-dice", limit=1000)]
        assert ids == list(range(1200, 200, -1))
        assert in_redis.room_after("game:t-dice", 0, through=1200).floor == 200

    def test_more_rounds_of_one_time_than_are_kept_are_read_elsewhere(self, in_redis):
        effects = [effect("finished", n, at=5, position=n) for n in range(1, 1201)]
        for first in range(0, 1200, 400):
            apply(in_redis, *effects[first : first + 400])

        with pytest.raises(LookupError):
            in_redis.history("t-dice", limit=10)

    def test_until_all_rows_are_known_readers_ask_elsewhere(self, in_redis):
        apply(in_redis, effect("known", 1), begins_epoch=True, is_ready=False)

        with pytest.raises(LookupError):
            in_redis.latest("t-dice")
        with pytest.raises(LookupError):
            in_redis.history("t-dice", limit=1)

    def test_a_round_is_published_and_marked_as_processed(self, in_redis, redis_connection):
        channel = redis_connection.pubsub()
        channel.subscribe("stream:t-dice")
        channel.get_message(timeout=PATIENCE_S)

        apply(in_redis, effect("finished", 7, position=1))

        assert channel.get_message(timeout=PATIENCE_S)["data"].decode() == document(7)
        assert 290 <= redis_connection.ttl("processed:7") <= 300
        assert redis_connection.zscore("history:t-dice", document(7)) == 1000
        channel.close()

    def test_a_redis_that_has_forgotten_the_script_is_given_it(self, in_redis, redis_connection):
        redis_connection.script_flush()

        apply(in_redis, effect("finished", 7, position=1))

        assert in_redis.latest("t-dice") == document(7).encode()

    def test_a_new_epoch_forgets_keys_of_all_games(self, in_redis, redis_connection):
        apply(in_redis, effect("finished", 1, position=1))

        apply(in_redis, begins_epoch=True, epoch="e2")

        assert not redis_connection.exists("latest:t-dice", "history:t-dice", "history:type:t-luck")


class TestWithoutRedis:
    def test_rounds_are_read_elsewhere(self):
        with pytest.raises(LookupError):
            PostgresProjection().latest("t-dice")

    def test_a_redis_that_is_away_is_told(self, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        projection = RedisProjection()

        for call in (projection.state, projection.bounds, lambda: projection.latest("x")):
            with pytest.raises(ProjectionUnavailableError):
                call()
