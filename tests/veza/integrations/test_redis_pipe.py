"""Answers that are taken later are those of the commands that they were asked for."""

from collections.abc import Iterator

import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from veza.integrations.redis_pipe import RedisPipe, packed


@pytest.fixture
def pipe(redis_connection: redis.Redis | None) -> Iterator[RedisPipe]:
    assert redis_connection is not None
    made = RedisPipe(redis_connection)
    yield made
    made.drop()


def echo(word: str) -> bytes:
    return packed("ECHO", word)


def test_answers_come_in_the_order_of_the_commands(pipe: RedisPipe) -> None:
    tickets = [pipe.send(echo(word)) for word in "abc"]

    assert [pipe.answer(each) for each in tickets] == [b"a", b"b", b"c"]


def test_an_error_is_the_answer_of_one_command(pipe: RedisPipe) -> None:
    wrong, right = pipe.send(packed("NOSUCH")), pipe.send(echo("b"))

    with pytest.raises(ResponseError):
        pipe.answer(wrong)
    assert pipe.answer(right) == b"b"


def test_an_answer_that_was_lost_is_not_taken_for_another(pipe: RedisPipe) -> None:
    lost = [pipe.send(echo(word)) for word in "ab"]
    pipe.drop()
    sent = pipe.send(echo("c"))

    for each in lost:
        with pytest.raises(RedisConnectionError):
            pipe.answer(each)
    assert pipe.answer(sent) == b"c"


def test_a_connection_that_ends_takes_all_that_it_owes(
    pipe: RedisPipe, redis_connection: redis.Redis
) -> None:
    sent = [packed("CLIENT", "ID"), packed("BLPOP", "t-nothing", "0"), echo("b")]
    named, *held = [pipe.send(each) for each in sent]
    redis_connection.client_kill_filter(_id=str(pipe.answer(named)))

    for each in held:
        with pytest.raises(RedisConnectionError):
            pipe.answer(each)
    assert pipe.answer(pipe.send(echo("c"))) == b"c"
