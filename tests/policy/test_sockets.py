"""Every message on every socket as every kind of caller, and every stream, on a running server."""

import json
from collections.abc import Iterator

import pytest

from apps.auth import realtime as _accounts  # noqa: F401 - declares its rooms
from apps.chat import realtime as _chat  # noqa: F401 - as above
from apps.datastream import realtime as _prices  # noqa: F401 - as above
from apps.realtime import domains, rooms
from apps.realtime.domains import Role
from apps.realtime.transports.backbone import app as backbone
from apps.realtime.transports.backbone.consumer import JOIN, LEAVE
from apps.realtime.transports.centrifugo import app as centrifugo
from apps.realtime.transports.centrifugo.session import METHODS
from apps.realtime.transports.sse import app as sse
from apps.realtime.transports.webtransport.client import COMMANDS
from tests.apps.realtime.live import Live, installed
from tests.apps.realtime.webtransport.serving import serving
from tests.policy.matrix import Row, columns, document, rows
from tests.policy.sockets import Line
from veza.kit.models import new_id
from veza.kit.webtransport.address import PATH

PLACES = tuple(document()["sockets"])
IN_ROOMS = ("subscribe", "publish", "presence", "presence_stats", "history")
_MAKE = """
import json
from tests.policy.callers import make_callers
made = make_callers()
tokens = {name: caller.token for name, caller in made.items()}
print(json.dumps({"tokens": tokens, "owner": str(made["owner"].user.id)}))
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with installed(tmp_path_factory.mktemp("policy")) as live, serving(live):
        yield live


def rows_at(place: str) -> list[Row]:
    return [row for row in rows("sockets") if row.place == place]


def test_every_caller_is_answered_as_the_policy_says(live: Live, subtests: pytest.Subtests) -> None:
    made = json.loads(live.manage("shell", "--no-imports", "-c", _MAKE))
    names = {"owner": made["owner"], "absent": str(new_id())}
    for place in PLACES:
        for name in columns():
            with subtests.test(f"{place} as {name}"):
                token = made["tokens"][name]
                with Line(
                    web=live.web, path=place, token=token, tokens=made["tokens"], names=names
                ) as line:
                    faults = [
                        f"{row.name} as {name}: {row.cells[name]} is right, and {came} came."
                        for row in rows_at(place)
                        if (came := line.say(row)) != row.cells[name]
                    ]
                assert faults == []


class TestEveryMessage:
    """Has a row, so that a new one cannot be forgotten."""

    def test_address_has_rows(self) -> None:
        paths = {*centrifugo.PATHS, *backbone.PATHS, *sse.PATHS, PATH}
        assert {*PLACES, "/events/watch"} == paths, "policy.yaml, `sockets`: add it or remove it."

    def test_command_of_the_application_socket_has_rows(self) -> None:
        assert {row.verb for row in rows_at("/connection/websocket")} == set(METHODS)

    @pytest.mark.parametrize("place", ["/ws", "/ws/ingest"])
    def test_type_of_the_sockets_of_programs_has_rows(self, place: str) -> None:
        known = {*JOIN, *LEAVE, "ping", "auth", *domains._types}
        assert {row.verb for row in rows_at(place)} == known | {"dance"}
        assert {each.sent_by for each in domains._types.values()} == set(Role)

    def test_command_of_webtransport_has_rows(self) -> None:
        assert {row.verb for row in rows_at("/wt")} == {*COMMANDS, "dance"}

    @pytest.mark.parametrize(
        ("place", "verbs"),
        [
            ("/connection/websocket", IN_ROOMS),
            ("/ws", ("join", "subscribe", "message")),
            ("/api/v1/events/watch", ("GET",)),
            ("/wt", ("subscribe",)),
        ],
    )
    def test_kind_of_room_has_rows(self, place: str, verbs: tuple[str, ...]) -> None:
        declared = [rule for rules in rooms._rules.values() for rule in rules]
        for verb in verbs:
            asked = [row.says["room"] for row in rows_at(place) if row.verb == verb]
            full = [room.format(owner=new_id(), absent=new_id()) for room in asked]
            for rule in declared:
                names = [*full, *(f"instrument:{name}" for name in full)]
                assert any(rule.form.fullmatch(name) for name in names), (
                    f"{place} {verb}: add a row to policy.yaml for a room {rule.pattern}."
                )
