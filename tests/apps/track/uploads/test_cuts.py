"""Whatever ends a request, what had arrived is kept, and what was acknowledged is there."""

import os
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.apps.track.uploads.tus import reset, send_what_goes
from tests.veza.asgi.wire import until

SOME = os.urandom(3_000_000)
RESUMED_WITHIN_S = 3.5


def resume(tus, path, content) -> int:
    """Ask for the offset and send the rest; the offset."""
    offset: int = tus.offset(path)
    answer = tus.patch(path, offset, content[offset:])
    assert answer.status == 204, answer
    return offset


def is_beyond(disk, path, offset) -> bool:
    """Whether more is written down by now."""
    return bool(disk.row(path).offset_bytes > offset)


class TestConnections:
    @pytest.mark.parametrize("sent", [0, 1, 1000, 65_536, 1_000_001, 2_999_999])
    def test_that_are_closed_lose_no_byte(self, tus, disk, sent):
        path = tus.create(len(SOME))
        tus.start(path, 0, announced=len(SOME), sent=SOME[:sent]).socket.close()

        assert resume(tus, path, SOME) == sent
        assert disk.content(path) == SOME

    def test_that_are_closed_with_the_last_byte_have_sent_it(self, tus, disk):
        path = tus.create(len(SOME))
        tus.start(path, 0, announced=len(SOME), sent=SOME).socket.close()

        assert tus.offset(path) == len(SOME)
        assert disk.content(path) == SOME
        assert len(disk.facts(path)) == 1

    @pytest.mark.parametrize("sent", [1, 1000, 1_000_001])
    def test_that_are_reset_lose_what_the_kernel_drops(self, tus, disk, sent):
        path = tus.create(len(SOME))
        reset(tus.start(path, 0, announced=len(SOME), sent=SOME[:sent]))

        assert resume(tus, path, SOME) <= sent
        assert disk.content(path) == SOME

    def test_that_fall_silent_give_way(self, tus, disk):
        # A machine that stands still at the wrong moment may have it take longer.
        assert any(self._gives_way_s(tus, disk) < RESUMED_WITHIN_S for _ in range(3))

    @staticmethod
    def _gives_way_s(tus, disk) -> float:
        path = tus.create(len(SOME))
        with tus.start(path, 0, announced=len(SOME), sent=SOME[:70_001]) as silent:
            started = time.monotonic()
            assert resume(tus, path, SOME) == 70_001
            took_s = time.monotonic() - started
            answer = silent.answer()

        assert (answer.status, answer.document["code"]) == (423, "upload_interrupted")
        assert disk.content(path) == SOME
        return took_s

    def test_that_end_within_a_chunk(self, tus, disk):
        path = tus.create(len(SOME))
        with tus.start(path, 0, announced=len(SOME), sent=SOME[:10]) as wire:
            wire.socket.shutdown(socket.SHUT_WR)
            wire.rest()

        assert resume(tus, path, SOME) == 10
        assert disk.content(path) == SOME

    def test_many_times_at_random(self, tus, disk):
        chance = random.Random(7)

        def upload(number: int) -> None:
            path = tus.create(len(SOME))
            seen = 0
            for _ in range(6):
                offset = tus.offset(path)
                assert offset >= seen
                seen = offset
                sent = chance.randrange(len(SOME) - offset)
                wire = tus.start(
                    path, offset, announced=len(SOME) - offset, sent=SOME[offset : offset + sent]
                )
                reset(wire) if chance.random() < 0.5 else wire.socket.close()
            resume(tus, path, SOME)
            assert disk.content(path) == SOME

        with ThreadPoolExecutor(4) as people:
            list(people.map(upload, range(8)))


class TestServers:
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_that_end_keep_what_they_acknowledged(self, tus, web, disk, number):
        # A machine that stands still at the wrong moment may have it take longer.
        took_s = (self._resumed_after_an_end_s(tus, web, disk, number) for _ in range(3))
        assert any(each < RESUMED_WITHIN_S for each in took_s)

    @staticmethod
    def _resumed_after_an_end_s(tus, web, disk, number) -> float:
        path = tus.create(len(SOME))
        wire = tus.start(path, 0, announced=len(SOME), sent=SOME[:1_500_000])
        until(lambda: disk.row(path).offset_bytes > 0)
        acknowledged = disk.row(path).offset_bytes
        web.end(number)
        web.start()
        wire.socket.close()
        started = time.monotonic()

        assert resume(tus, path, SOME) >= acknowledged
        took_s = time.monotonic() - started
        assert disk.content(path) == SOME
        assert len(disk.facts(path)) == 1
        return took_s

    def test_that_are_told_to_stop_keep_everything_and_say_so(self, tus, web, disk):
        path = tus.create(len(SOME))
        with tus.start(path, 0, announced=len(SOME), sent=SOME[:1_500_000]) as wire:
            until(lambda: disk.row(path).offset_bytes > 0)
            web.process.send_signal(signal.SIGTERM)
            answer = wire.answer()
        web.end()
        web.start()

        assert (answer.status, answer.document["code"]) == (503, "server_stopping")
        assert resume(tus, path, SOME) == 1_500_000
        assert disk.content(path) == SOME

    def test_that_are_killed_again_and_again(self, tus, web, disk):
        content = SOME * 20
        path = tus.create(len(content))
        seen = 0
        for _ in range(4):
            offset = tus.offset(path)
            assert offset >= seen
            wire = tus.start(path, offset, announced=len(content) - offset)
            sending = threading.Thread(
                target=send_what_goes, args=(wire, content[offset : offset + 12_000_000])
            )
            sending.start()
            until(partial(is_beyond, disk, path, offset))
            seen = disk.row(path).offset_bytes
            web.restart(kill=True)
            sending.join()
            wire.socket.close()

        resume(tus, path, content)
        assert disk.content(path) == content
        assert disk.staged(path) == []

    def test_that_die_between_the_last_byte_and_the_end_are_made_up_for(self, tus, live, disk):
        path = tus.create(len(SOME))
        tus.start(path, 0, announced=len(SOME), sent=SOME[:-1]).socket.close()
        assert tus.offset(path) == len(SOME) - 1
        [staged] = disk.staged(path)
        with staged.open("ab") as file:
            file.write(SOME[-1:])
        live.query(
            "UPDATE track_upload SET offset_bytes = size_bytes, writer = gen_random_uuid(),"
            " lease_until = now(), pieces = jsonb_build_array(jsonb_build_array(1, size_bytes, ''))"
            " WHERE id = %s", path.rpartition("/")[2],
        )  # fmt: skip

        assert tus.offset(path) == len(SOME)
        assert disk.content(path) == SOME
        assert len(disk.facts(path)) == 1
