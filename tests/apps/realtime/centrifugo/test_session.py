"""The state machine, by tables. Times are the seconds of the clock that it is given."""

from typing import Any

import pytest

from apps.realtime.limits import End
from apps.realtime.transports.centrifugo.codes import CommandError, EndError
from apps.realtime.transports.centrifugo.session import MAX_CHANNELS, Session
from apps.realtime.types import ANONYMOUS, Viewer

CONNECT = {"id": 1, "connect": {}}


def viewer(*, expires_at: float | None = 1900.0, user_id: str = "u1") -> Viewer:
    return Viewer(
        user_id=user_id, session_id="s1", roles=frozenset(), permissions=frozenset(),
        expires_at=expires_at,
    )  # fmt: skip


def new_session(*, chance: float = 0.0) -> Session:
    return Session(client="c1", now=100.0, chance=chance)


def connected(*, who: Viewer = ANONYMOUS, chance: float = 0.0) -> Session:
    session = new_session(chance=chance)
    session.accept(CONNECT)
    session.connect(who, unix_now=1000.0)
    return session


class TestOrderOfCommands:
    @pytest.mark.parametrize(
        "message",
        [
            {},
            {"id": 1},
            {"connect": {}},
            {"id": 0, "connect": {}},
            {"id": 1, "subscribe": {"channel": "public"}},
            {"id": 1, "ping": {}},
            {"send": {}},
            {"id": 1, "connect": {}, "ping": {}},
        ],
    )
    def test_only_connect_comes_first(self, message: dict[str, Any]) -> None:
        with pytest.raises(EndError) as refused:
            new_session().accept(message)
        assert refused.value.end is End.BAD_REQUEST

    @pytest.mark.parametrize(
        "message",
        [
            {"id": 2, "connect": {}},
            {"id": 2},
            {"ping": {}},
            {"id": 0, "subscribe": {"channel": "public"}},
            {"id": 2, "ping": {}, "send": {}},
            {},  # an answer to a ping that nobody sent
        ],
    )
    def test_later_messages_have_an_id_and_one_method(self, message: dict[str, Any]) -> None:
        with pytest.raises(EndError) as refused:
            connected().accept(message)
        assert refused.value.end is End.BAD_REQUEST

    @pytest.mark.parametrize(
        "method",
        ["subscribe", "unsubscribe", "publish", "presence", "presence_stats", "history", "ping",
         "send", "rpc", "refresh", "sub_refresh"],
    )  # fmt: skip
    def test_every_method_of_the_protocol_is_known(self, method: str) -> None:
        command = connected().accept({"id": 9, method: {"channel": "public"}})
        assert command is not None
        assert (command.id, command.method) == (9, method)

    def test_send_needs_no_id(self) -> None:
        command = connected().accept({"send": {}})
        assert command is not None


class TestChannels:
    @pytest.mark.parametrize(
        ("channel", "code"), [("", 107), ("room0", 105), ("one too many", 106)]
    )
    def test_refuses(self, channel: str, code: int) -> None:
        session = connected()
        session.channels = {f"room{number}": False for number in range(MAX_CHANNELS)}
        with pytest.raises(CommandError) as refused:
            session.check_channel(channel)
        assert refused.value.failure.code == code

    def test_allows_128(self) -> None:
        session = connected()
        session.channels = {f"room{number}": False for number in range(MAX_CHANNELS - 1)}
        session.check_channel("the last")


class TestConnect:
    def test_tells_a_viewer_with_a_token_when_it_expires(self) -> None:
        session = new_session()
        reply = session.connect(viewer(expires_at=1899.2), unix_now=1000.0)
        assert reply == {
            "client": "c1", "version": "veza 1", "ping": 25, "pong": True, "expires": True,
            "ttl": 900,
        }  # fmt: skip

    def test_tells_nothing_of_that_to_anyone_else(self) -> None:
        reply = new_session().connect(ANONYMOUS, unix_now=1000.0)
        assert reply == {"client": "c1", "version": "veza 1", "ping": 25, "pong": True}

    @pytest.mark.parametrize(("now", "end"), [(114.9, None), (115.0, End.STALE)])
    def test_must_come_within_15_s(self, now: float, end: End | None) -> None:
        assert new_session().next_step(now) is end


class TestRefresh:
    def test_tells_when_the_new_token_expires(self) -> None:
        session = connected(who=viewer(expires_at=1060.0))
        reply = session.refresh(viewer(expires_at=1200.0), unix_now=1050.0)
        assert reply == {"client": "c1", "version": "veza 1", "expires": True, "ttl": 150}

    def test_is_for_the_same_user(self) -> None:
        with pytest.raises(EndError) as refused:
            connected(who=viewer()).refresh(viewer(user_id="u2"), unix_now=1050.0)
        assert refused.value.end.code == 3500


class TestPings:
    @pytest.mark.parametrize(("chance", "first"), [(0.0, 112.5), (0.5, 118.75), (1.0, 125.0)])
    def test_begin_at_a_time_of_ones_own(self, chance: float, first: float) -> None:
        session = connected(chance=chance)
        assert session.due_at() == first
        assert session.next_step(first - 0.1) is None
        assert session.next_step(first) == "ping"
        session.hear()
        assert session.due_at() == first + 25

    def test_without_an_answer_end_the_connection_after_10_s(self) -> None:
        session = connected()
        assert session.next_step(113.0) == "ping"
        assert session.due_at() == 123.0
        assert session.next_step(122.9) is None
        assert session.next_step(123.0) is End.NO_PONG

    def test_are_answered_by_whatever_the_client_says(self) -> None:
        session = connected()
        session.next_step(113.0)
        session.hear()
        assert session.next_step(123.0) is None
        assert session.accept({}) is None

    def test_are_answered_once(self) -> None:
        session = connected()
        session.next_step(113.0)
        assert session.accept({}) is None
        with pytest.raises(EndError):
            session.accept({})
