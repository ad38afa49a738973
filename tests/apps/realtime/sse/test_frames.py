"""How facts stand in a stream, and that they are what REST answered."""

import json
from uuid import UUID

from tests.apps.realtime.live import Account, Live, Web
from tests.apps.realtime.sse.stream import CONNECTED, Event, Stream


def test_a_metric_and_its_reading_come_as_rest_answered_them(web: Web, account: Account) -> None:
    with Stream(web.port) as stream:
        assert stream.next() == CONNECTED
        metric = web.create_metric(account, name="größe \u2028 \n line\r two")
        reading = web.add_reading(account, metric["id"], value=-1.5e300)
        made, read = stream.events(2)
    assert (made.event, made.json) == ("metric_created", metric)
    assert (read.event, read.json) == ("metric_reading_created", reading)
    assert [UUID(event.id or "").version for event in (made, read)] == [7, 7]
    assert made.data is not None
    assert "\r" not in made.data


def test_a_fact_has_an_id_a_type_and_its_data(live: Live, web: Web) -> None:
    with Stream(web.port) as stream:
        assert stream.next() == CONNECTED
        [fact_id] = live.commit([{"value": 1, "text": "ä"}])
        event = stream.event()
    assert event == Event(id=fact_id, event="metric_reading_created", data='{"text":"ä","value":1}')


def test_the_whole_envelope_comes_to_those_who_ask(web: Web, account: Account) -> None:
    with Stream(web.port, envelope="1") as stream:
        assert stream.next() == CONNECTED
        metric = web.create_metric(account)
        event = stream.event()
    envelope = event.json
    assert set(envelope) == {
        "id", "type", "version", "time", "subject", "actor", "data", "position", "epoch", "room",
    }  # fmt: skip
    assert envelope["id"] == event.id
    assert envelope["type"] == event.event == "metric_created"
    assert envelope["version"] == 1
    assert envelope["subject"] == {"type": "metric", "id": metric["id"]}
    assert envelope["actor"] == {"type": "user", "id": account.id}
    assert envelope["data"] == metric
    assert isinstance(envelope["position"], int)
    assert isinstance(envelope["epoch"], str)
    assert envelope["room"] == "metrics"


def test_a_replayed_envelope_is_the_one_that_came_live(live: Live, web: Web) -> None:
    with Stream(web.port, envelope="1", rooms="public,metrics") as stream:
        assert stream.next() == CONNECTED
        [before] = live.commit([{}], rooms=["public"])
        assert stream.facts(1) == [before]
        live.commit([{"n": 1}], rooms=["metrics"])
        live.commit([{"n": 2}], rooms=["public"])
        came_live = stream.events(2)
    with Stream(web.port, envelope="1", rooms="public,metrics", last_event_id=before) as stream:
        assert stream.next() == CONNECTED
        replayed = stream.events(2)
    assert replayed == came_live
    assert [event.json["room"] for event in replayed] == ["metrics", "public"]


def test_what_is_no_fact_comes_without_an_id(live: Live, web: Web) -> None:
    price = {"instrument": "SSE_TEST", "price": 1.5, "ts": 1710000000}
    with Stream(web.port, rooms="instrument:SSE_TEST") as stream:
        assert stream.next() == CONNECTED
        live.ingest(web, price)
        event = stream.event()
    assert (event.id, event.event, event.json) == (None, "price_update", price)


def test_the_last_value_of_a_room_comes_first(live: Live, web: Web) -> None:
    price = {"instrument": "SSE_WARM", "price": 2.5, "ts": 1710000000}
    live.ingest(web, price)
    with Stream(web.port, rooms="metrics,instrument:SSE_WARM,instrument:SSE_COLD") as stream:
        assert stream.next() == CONNECTED
        event = stream.event()
    assert (event.id, event.event, event.json) == (None, "price_update", price)


def test_one_may_go_on_elsewhere_with_the_same_id(live: Live, web: Web) -> None:
    """Another process knows the fact by the same id and position."""
    with Stream(web.port, envelope="1") as stream:
        assert stream.next() == CONNECTED
        ids = live.commit([{}, {}, {}])
        first = stream.event()
    with (
        live.another_web() as other,
        Stream(other.port, envelope="1", headers={"Last-Event-ID": first.id or ""}) as stream,
    ):
        assert stream.next() == CONNECTED
        second = stream.event()
    assert [first.id, second.id] == ids[:2]
    assert second.json["position"] == first.json["position"] + 1
    assert second.json["epoch"] == first.json["epoch"]
    assert json.loads(first.data or "")["id"] == ids[0]
