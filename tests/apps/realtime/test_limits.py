"""Connections of a user, clients of a process, messages of a connection."""

import pytest

from apps.realtime.connections import ENDED_KEPT_S, GRACE_S, Connections
from apps.realtime.hub import Hub
from apps.realtime.limits import End, MessageBudget
from apps.realtime.types import Viewer
from tests.apps.realtime.fakes import Clock, Member, fact


def viewer(user: str = "u1", session: str = "s1", expires_at: float | None = None) -> Viewer:
    return Viewer(
        user_id=user, session_id=session, roles=frozenset(), permissions=frozenset(),
        expires_at=expires_at,
    )  # fmt: skip


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def connections(clock):
    return Connections(hub=Hub(clock=clock, soon=clock.soon), clock=clock)


def ended(members: list[Member]) -> list[list[End]]:
    return [member.ended for member in members]


def test_the_oldest_of_a_user_give_way_over_all_sockets(connections, settings):
    settings.MAX_CONNECTIONS_PER_USER = 2
    members = [Member(viewer=viewer(), transport=kind) for kind in ("websocket", "backbone") * 2]
    other = Member(viewer=viewer("u2"))
    for member in [other, *members]:
        connections.add(member)
    assert ended(members) == [[End.CONNECTION_LIMIT]] * 2 + [[]] * 2
    assert other.ended == []
    assert connections.of_user("u1") == members[2:]


def test_streams_and_nobodies_do_not_count(connections, settings):
    settings.MAX_CONNECTIONS_PER_USER = 1
    streams = [Member(viewer=viewer(), transport="sse") for _ in range(3)]
    nobodies = [Member() for _ in range(3)]
    for member in streams + nobodies:
        connections.add(member)
    assert ended(streams + nobodies) == [[]] * 6


def test_who_signs_in_later_counts_from_then(connections, settings):
    settings.MAX_CONNECTIONS_PER_USER = 1
    first, second = Member(), Member(viewer=viewer())
    connections.add(first)
    connections.add(second)
    first.viewer = viewer()
    connections.add(first)
    assert ended([first, second]) == [[], [End.CONNECTION_LIMIT]]


def test_the_oldest_stream_gives_way(connections, settings):
    settings.SSE_MAX_CLIENTS = 5
    streams = [Member(transport="sse") for _ in range(8)]
    for stream in streams:
        connections.add(stream)
    assert ended(streams) == [[End.CONNECTION_LIMIT]] * 3 + [[]] * 5


def test_a_revoked_session_ends_all_of_its_own(connections):
    socket, stream = Member(viewer=viewer()), Member(viewer=viewer(), transport="sse")
    other = Member(viewer=viewer(session="s2"))
    for member in (socket, stream, other):
        connections.add(member)
    connections.end_session("s1")
    assert ended([socket, stream, other]) == [[End.REVOKED], [End.REVOKED], []]


def test_a_token_that_is_over_ends_its_connection(connections, clock):
    stream = Member(viewer=viewer(expires_at=clock.now + 10), transport="sse")
    socket = Member(viewer=viewer(expires_at=clock.now + 10))
    for member in (stream, socket):
        connections.add(member)
    clock.pass_(9)
    connections.end_expired()
    assert ended([stream, socket]) == [[], []]
    clock.pass_(2)
    connections.end_expired()
    assert ended([stream, socket]) == [[End.EXPIRED], []]
    clock.pass_(GRACE_S["websocket"])
    connections.end_expired()
    assert ended([stream, socket]) == [[End.EXPIRED]] * 2


def test_a_refreshed_token_counts_from_the_new_one(connections, clock):
    socket = Member(viewer=viewer(expires_at=clock.now + 10))
    connections.add(socket)
    socket.viewer = viewer(expires_at=clock.now + 1000)
    connections.add(socket)
    clock.pass_(500)
    connections.end_expired()
    assert socket.ended == []
    clock.pass_(600)
    connections.end_expired()
    assert socket.ended == [End.EXPIRED]


def test_who_has_gone_is_in_no_room_and_is_not_counted(connections):
    member = Member(viewer=viewer())
    connections.add(member)
    connections._hub.join("a", member)
    connections.discard(member)
    connections.discard(member)
    assert connections._hub.publish("a", fact(1)) == 0
    assert len(connections) == 0
    assert connections.counts() == {}
    connections.end_session("s1")
    assert member.ended == []


async def test_a_drain_ends_everybody_once(connections):
    members = [Member() for _ in range(20)]
    for member in members:
        connections.add(member)
    await connections.drain(within_s=0.2)
    assert ended(members) == [[End.SHUTDOWN]] * 20


def test_a_budget_is_a_burst_and_then_a_rate():
    clock = Clock()
    budget = MessageBudget(per_s=2, burst=3, clock=clock)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
    clock.pass_(1)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    clock.pass_(100)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]


def test_a_session_that_ended_while_it_was_admitted_opens_nothing(connections, clock):
    early, late, other = (
        Member(viewer=viewer()),
        Member(viewer=viewer()),
        Member(viewer=viewer("u2", "s2")),
    )
    connections.add(early)
    connections.end_session("s1")
    for member in (late, other):
        connections.add(member)
    assert ended([early, late, other]) == [[End.REVOKED], [End.REVOKED], []]

    clock.pass_(ENDED_KEPT_S + 1)  # by now no check of a token from before is still under way
    connections.end_expired()
    latest = Member(viewer=viewer())
    connections.add(latest)
    assert latest.ended == []
