"""Order, completeness and cost of what the hub hands out."""

from hypothesis import given
from hypothesis import strategies as st

from apps.realtime import hub as hubs
from apps.realtime.hub import Hub
from tests.apps.realtime.fakes import Clock, LineWire, Member, fact


def new_hub() -> tuple[Hub, Clock]:
    clock = Clock()
    return Hub(clock=clock, soon=clock.soon), clock


class TestAtRest:
    def test_a_message_is_written_to_all_and_framed_once(self):
        hub, clock = new_hub()
        wire = LineWire()
        members = [Member(wire=wire) for _ in range(100)]
        for member in members:
            hub.join("a", member)
        assert hub.publish("a", fact(1)) == 100
        clock.settle()
        assert all(member.writes == [b"a thing.changed 1\n"] for member in members)
        assert wire.framed == 1
        assert hub.deliveries == 100

    def test_only_members_get_it(self):
        hub, clock = new_hub()
        inside, outside, left = Member(), Member(), Member()
        hub.join("a", inside)
        hub.join("b", outside)
        hub.join("a", left)
        hub.leave("a", left)
        hub.publish("a", fact(1))
        clock.settle()
        assert (inside.lines, outside.lines, left.lines) == (["a thing.changed 1"], [], [])

    def test_a_room_without_members_costs_and_leaves_nothing(self):
        hub, _ = new_hub()
        member = Member()
        assert hub.publish("a", fact(1)) == 0
        hub.join("a", member)
        hub.leave("a", member)
        assert hub.rooms() == []
        assert hub.subscribers() == []
        assert hub.counts() == {}

    def test_joining_twice_is_joining_once(self):
        hub, clock = new_hub()
        member = Member()
        hub.join("a", member)
        hub.join("a", member)
        hub.publish("a", fact(1))
        clock.settle()
        assert len(member.lines) == 1
        assert hub.counts() == {"a": 1}


class TestSeveralRooms:
    def test_a_merged_subscriber_gets_a_fact_once_a_socket_once_for_each_room(self):
        hub, clock = new_hub()
        stream, socket = Member(is_merged=True), Member()
        for member in (stream, socket):
            hub.join("a", member)
            hub.join("b", member)
        hub.publish_all(("a", "b", "c"), fact(1))
        hub.publish_all(("b",), fact(2))
        clock.settle()
        assert stream.lines == ["a thing.changed 1", "b thing.changed 2"]
        assert socket.lines == ["a thing.changed 1", "b thing.changed 1", "b thing.changed 2"]

    def test_also_those_in_one_of_the_rooms_only_get_it(self):
        hub, clock = new_hub()
        first, second = Member(is_merged=True), Member(is_merged=True)
        hub.join("a", first)
        hub.join("b", second)
        hub.publish_all(("a", "b"), fact(1))
        clock.settle()
        assert first.lines == ["a thing.changed 1"]
        assert second.lines == ["b thing.changed 1"]


class TestTogether:
    def test_what_is_published_in_one_turn_leaves_in_one_write(self):
        hub, clock = new_hub()
        member = Member()
        hub.join("a", member)
        for position in (2, 3, 4):
            hub.publish("a", fact(position))
        assert member.writes == []
        clock.settle()
        assert member.writes == [b"a thing.changed 2\na thing.changed 3\na thing.changed 4\n"]

    def test_alone_it_leaves_in_the_turn_after_the_next(self):
        hub, clock = new_hub()
        member = Member()
        hub.join("a", member)
        hub.publish("a", fact(1))
        clock.turn()
        clock.turn()
        assert member.lines == ["a thing.changed 1"]

    def test_as_long_as_more_comes_it_waits_but_not_for_long(self):
        hub, clock = new_hub()
        member = Member()
        hub.join("a", member)
        position = 0
        while not member.writes:
            position += 1
            hub.publish("a", fact(position))
            clock.pass_(0.001)
            clock.turn()
        assert position == round(hubs.WAIT_S / 0.001) + 1
        assert len(member.lines) == position

    def test_many_bytes_for_one_room_do_not_wait(self):
        hub, _ = new_hub()
        member = Member()
        hub.join("a", member)
        position = 2
        while not member.writes:
            hub.publish("a", fact(position))
            position += 1
        assert 0 <= len(member.writes[0]) - hubs.COALESCED_BYTES < len("a thing.changed 1000\n")

    def test_who_joins_gets_nothing_that_was_published_before(self):
        hub, clock = new_hub()
        early, late = Member(), Member()
        hub.join("a", early)
        hub.publish("a", fact(2))
        hub.join("a", late)
        hub.publish("a", fact(3))
        clock.settle()
        assert early.lines == ["a thing.changed 2", "a thing.changed 3"]
        assert late.lines == ["a thing.changed 3"]

    def test_who_leaves_gets_all_that_was_published_before(self):
        hub, clock = new_hub()
        member = Member()
        hub.join("a", member)
        hub.publish("a", fact(2))
        hub.leave("a", member)
        hub.publish("a", fact(3))
        clock.settle()
        assert member.lines == ["a thing.changed 2"]

    def test_who_publishes_while_he_is_written_to_comes_after(self):
        hub, clock = new_hub()

        class Answering(Member):
            def write(self, data: bytes) -> None:
                super().write(data)
                if len(self.writes) == 1:
                    hub.publish("a", fact(2))
                    hub.flush()

        members = [Member(), Answering(), Member()]
        for member in members:
            hub.join("a", member)
        hub.publish("a", fact(1))
        clock.settle()
        assert [member.lines for member in members] == [
            ["a thing.changed 1", "a thing.changed 2"]
        ] * 3


class TestFailingSubscribers:
    def test_one_that_fails_is_forgotten_and_harms_nobody(self):
        hub, clock = new_hub()

        class Broken(Member):
            def write(self, data: bytes) -> None:
                raise OSError("gone")

        before, broken, after = Member(), Broken(), Member()
        for member in (before, broken, after):
            hub.join("a", member)
        hub.publish("a", fact(1))
        clock.settle()
        assert before.lines == after.lines == ["a thing.changed 1"]
        assert hub.members("a") == [before, after]

    def test_one_that_leaves_while_it_is_written_to(self):
        hub, clock = new_hub()

        class Leaving(Member):
            def write(self, data: bytes) -> None:
                super().write(data)
                hub.forget(self)

        members = [Member(), Leaving(), Member()]
        for member in members:
            hub.join("a", member)
        for position in (1, 2):
            hub.publish("a", fact(position))
            clock.settle()
        assert [len(member.lines) for member in members] == [2, 1, 2]


class TestRewiring:
    def test_from_then_on_it_is_written_to_in_the_new_way(self):
        hub, clock = new_hub()
        alone, among_several = Member(), Member()
        hub.join("a", alone)
        for room in ("a", "b"):
            hub.join(room, among_several)
        later: dict[Member, list[bytes]] = {}
        for position in (1, 2):
            hub.publish("a", fact(position))
            clock.settle()
            for member in (alone, among_several):
                later[member] = []
                member.write = later[member].append  # type: ignore[method-assign, assignment]
                hub.rewire(member)
        hub.publish("a", fact(3))
        clock.settle()
        for member in (alone, among_several):
            assert member.lines == ["a thing.changed 1"]
            assert later[member] == [b"a thing.changed 3\n"]

    def test_one_that_is_in_no_room_may_be_rewired(self):
        hub, clock = new_hub()
        gone, stays = Member(), Member()
        for member in (gone, stays):
            hub.join("a", member)
        hub.forget(gone)
        hub.rewire(gone)
        hub.publish("a", fact(1))
        clock.settle()
        assert (gone.lines, stays.lines) == ([], ["a thing.changed 1"])


ROOMS = ("a", "b", "c")
STEPS = st.one_of(
    st.tuples(st.just("publish"), st.sets(st.sampled_from(ROOMS), min_size=1)),
    st.tuples(st.just("join"), st.tuples(st.integers(0, 3), st.sampled_from(ROOMS))),
    st.tuples(st.just("leave"), st.tuples(st.integers(0, 3), st.sampled_from(ROOMS))),
    st.tuples(st.just("forget"), st.integers(0, 3)),
    st.tuples(st.just("pass"), st.floats(0, 0.01)),
    st.tuples(st.just("turn"), st.none()),
)


class Model:
    """What each member has to get, said the slow way."""

    def __init__(self) -> None:
        self.members = [Member(is_merged=number % 2 == 0) for number in range(4)]
        self.expected: list[list[str]] = [[] for _ in self.members]
        self.rooms: list[list[str]] = [[] for _ in self.members]

    def publish(self, rooms: list[str], position: int) -> None:
        for member, expected, joined in zip(self.members, self.expected, self.rooms, strict=True):
            lines = [f"{room} thing.changed {position}" for room in rooms if room in joined]
            expected.extend(lines[:1] if member.is_merged else lines)


@given(st.lists(STEPS, max_size=60))
def test_everyone_gets_what_was_published_to_his_rooms_in_order(steps):
    hub, clock = new_hub()
    model = Model()
    for position, (step, what) in enumerate(steps, 1):
        if step == "publish":
            rooms = sorted(what)
            hub.publish_all(rooms, fact(position))
            model.publish(rooms, position)
        elif step == "join":
            number, room = what
            hub.join(room, model.members[number])
            model.rooms[number] = [*model.rooms[number], room]
        elif step == "leave":
            number, room = what
            hub.leave(room, model.members[number])
            model.rooms[number] = [each for each in model.rooms[number] if each != room]
        elif step == "forget":
            hub.flush()
            hub.forget(model.members[what])
            model.rooms[what] = []
        elif step == "pass":
            clock.pass_(what)
        else:
            clock.turn()
    clock.settle()
    assert [member.lines for member in model.members] == model.expected
    assert hub.deliveries == sum(map(len, model.expected))
