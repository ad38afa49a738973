"""Several requests on one upload, in one process and in two."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest

from tests.apps.realtime.live import Live, Web
from tests.apps.track.uploads.conftest import SETTINGS
from tests.apps.track.uploads.tus import Tus
from tests.faults.rig.sizes import SIZE
from tests.veza.asgi.wire import until

ROUNDS = {"small": 30, "medium": 100, "large": 200}[SIZE.name]
ONE = os.urandom(200_000)
OTHER = os.urandom(200_000)


@pytest.fixture(scope="module")
def second_web(live: Live) -> Iterator[Web]:
    with live.another_web(**SETTINGS) as second:
        yield second


@pytest.fixture(params=["same process", "two processes"])
def second(request: pytest.FixtureRequest, tus: Tus) -> Tus:
    """The same person, at the same server or at another one."""
    if request.param == "same process":
        return tus
    return Tus(port=request.getfixturevalue("second_web").port, account=tus.account)


def test_at_once_never_mix(tus, second, disk):
    with ThreadPoolExecutor(2) as both:
        for _ in range(ROUNDS):
            path = tus.create(len(ONE))
            answers = [
                both.submit(tus.patch, path, 0, ONE),
                both.submit(second.patch, path, 0, OTHER),
            ]
            statuses = [answer.result().status for answer in answers]

            assert sorted(statuses) in ([204, 409], [204, 413], [204, 423])
            assert disk.content(path) == (ONE if statuses[0] == 204 else OTHER)
            assert len(disk.facts(path)) == 1


def test_one_whose_bytes_keep_coming_stays(tus, second, disk):
    path = tus.create(len(ONE))
    with tus.start(path, 0, announced=len(ONE), sent=ONE[:1000]) as first:
        until(lambda: disk.row(path).offset_bytes > 0)
        with ThreadPoolExecutor(1) as aside:
            late = aside.submit(second.patch, path, 1000, OTHER[1000:])
            sent = 1000
            while not late.done():
                first.send(ONE[sent : sent + 10])
                sent += 10
                _pause(late)
        answer = late.result()
        first.send(ONE[sent:])

        assert (answer.status, answer.document["code"]) == (423, "upload_locked")
        assert first.answer().status == 204
    assert disk.content(path) == ONE


def test_one_that_fell_silent_gives_way(tus, second, disk):
    path = tus.create(len(ONE))
    with tus.start(path, 0, announced=len(ONE), sent=ONE[:1000]) as first:
        until(lambda: disk.row(path).offset_bytes > 0)
        answer = second.patch(path, 1000, ONE[1000:])

        assert answer.status == 204
        assert first.answer().status == 423
    assert disk.content(path) == ONE


def test_asking_does_not_disturb_one_whose_bytes_keep_coming(tus, second, disk):
    path = tus.create(len(ONE))
    with tus.start(path, 0, announced=len(ONE), sent=ONE[:1000]) as first:
        with ThreadPoolExecutor(1) as aside:
            asked = aside.submit(second.offset, path)
            sent = 1000
            while not asked.done():
                first.send(ONE[sent : sent + 10])
                sent += 10
                _pause(asked)
        assert asked.result() <= sent
        first.send(ONE[sent:])
        assert first.answer().status == 204
    assert disk.content(path) == ONE


def test_one_that_is_signed_out_ends(web, disk):
    account = web.register()
    tus = Tus(port=web.port, account=account)
    path = tus.create(len(ONE))
    with tus.start(path, 0, announced=len(ONE), sent=ONE[:1000]) as wire:
        until(lambda: disk.row(path).offset_bytes > 0)
        web.log_out(account)
        answer = wire.answer()

    assert (answer.status, answer.document["code"]) == (401, "token_invalid")


def _pause(answer: Future[Any]) -> None:
    """A client that sends a little now and then."""
    wait([answer], timeout=0.2)
