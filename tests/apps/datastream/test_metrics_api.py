"""The sample domain of metrics: its addresses, and the facts that it publishes."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from apps.datastream.events import MetricCreated, MetricReadingCreated
from apps.datastream.models import Metric, Reading
from apps.datastream.services import metrics
from apps.events.models import OutboxFact
from tests.factories.auth import client_of, make_user
from tests.support import published
from veza.kit.models import first_id_of

pytestmark = pytest.mark.django_db

METRICS = "/api/v1/metrics"
READINGS = "/api/v1/metrics/readings"
NEW = {"name": "temperature", "input_frequency": "500ms"}
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def writer() -> APIClient:
    return client_of(make_user())


def make_metric(name: str = "temperature") -> Metric:
    return Metric.objects.create(name=name, input_frequency_ns=1_000_000_000)


def make_readings(metric: Metric, values: Sequence[float]) -> list[Reading]:
    return Reading.objects.bulk_create(
        Reading(metric=metric, value=value, timestamp=NOON + timedelta(seconds=nth))
        for nth, value in enumerate(values)
    )


class TestCreating:
    def test_answers_with_the_metric_in_nanoseconds(self, writer: APIClient) -> None:
        answer = writer.post(METRICS, NEW, format="json")
        assert answer.status_code == 201
        metric = Metric.objects.get()
        assert answer.json() == {
            "id": str(metric.id),
            "name": "temperature",
            "input_frequency": 500_000_000,
        }
        assert answer["Location"] == f"{METRICS}/{metric.id}"
        assert metric.id.version == 7

    def test_publishes_the_very_body_in_the_room_metrics(self, writer: APIClient) -> None:
        body = writer.post(METRICS, NEW, format="json").json()
        assert published(MetricCreated) == [body]
        fact = OutboxFact.objects.get(type="metric_created")
        assert fact.rooms == ["metrics"]
        assert fact.aggregateid == body["id"]
        assert fact.actor is not None
        assert fact.actor["type"] == "user"

    def test_anonymous_callers_may_not(self, api_client: APIClient) -> None:
        answer = api_client.post(METRICS, NEW, format="json")
        assert answer.status_code == 401
        assert answer.json()["code"] == "not_authenticated"
        assert not Metric.objects.exists()
        assert published(MetricCreated) == []

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"input_frequency": value}, "input_frequency")
            for value in ["", "0", "0s", "-5s", "5", "5 s", "abc", "9e9s", "2562048h", 5, None, []]
        ]
        + [({"name": value}, "name") for value in ["", "  ", 5, None, True, [], "x" * 201]],
    )  # fmt: skip
    def test_a_bad_field_is_named_and_nothing_happens(
        self, writer: APIClient, change: dict[str, Any], field: str
    ) -> None:
        answer = writer.post(METRICS, NEW | change, format="json")
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == [field]
        assert not Metric.objects.exists()
        assert published(MetricCreated) == []

    def test_the_same_key_makes_one_metric(self, writer: APIClient) -> None:
        first = writer.post(METRICS, NEW, format="json", HTTP_IDEMPOTENCY_KEY="k1")
        second = writer.post(METRICS, NEW, format="json", HTTP_IDEMPOTENCY_KEY="k1")
        assert second["Idempotent-Replayed"] == "true"
        assert second.json() == first.json()
        assert second["Location"] == first["Location"]
        assert Metric.objects.count() == 1
        assert len(published(MetricCreated)) == 1


class TestReadingOne:
    def test_anyone_may(self, api_client: APIClient) -> None:
        metric = make_metric()
        answer = api_client.get(f"{METRICS}/{metric.id}")
        assert answer.status_code == 200
        assert answer.json() == {
            "id": str(metric.id),
            "name": "temperature",
            "input_frequency": 1_000_000_000,
        }

    def test_who_has_it_is_not_sent_it_again(self, api_client: APIClient) -> None:
        address = f"{METRICS}/{make_metric().id}"
        etag = api_client.get(address)["ETag"]
        again = api_client.get(address, HTTP_IF_NONE_MATCH=etag)
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)

    def test_an_unknown_one_is_404(self, api_client: APIClient) -> None:
        answer = api_client.get(f"{METRICS}/{uuid4()}")
        assert answer.status_code == 404
        assert answer.json()["code"] == "metric_not_found"

    def test_what_is_no_id_is_404(self, api_client: APIClient) -> None:
        assert api_client.get(f"{METRICS}/x").status_code == 404


class TestListing:
    def test_is_a_bare_array_newest_first(self, api_client: APIClient) -> None:
        first, second = make_metric("a"), make_metric("b")
        body = api_client.get(METRICS).json()
        assert [metric["id"] for metric in body] == [str(second.id), str(first.id)]
        assert set(body[0]) == {"id", "name", "input_frequency"}

    def test_readings_come_with_the_latest_first(self, api_client: APIClient) -> None:
        metric, bare = make_metric(), make_metric()
        low, high = make_readings(metric, [1.5, 2.5])
        body = api_client.get(METRICS, {"with_readings": "true"}).json()
        assert [each["id"] for each in body] == [str(bare.id), str(metric.id)]
        assert body[0]["readings"] == []
        assert body[1]["readings"] == [
            {"id": str(high.id), "value": 2.5, "timestamp": "2026-01-02T12:00:01Z"},
            {"id": str(low.id), "value": 1.5, "timestamp": "2026-01-02T12:00:00Z"},
        ]

    def test_holds_the_newest_thousand_of_each(self, api_client: APIClient) -> None:
        Metric.objects.bulk_create(
            Metric(name=str(nth), input_frequency_ns=1) for nth in range(1_001)
        )
        newest = Metric.objects.order_by("-id").first()
        assert newest is not None
        make_readings(newest, list(range(1_001)))
        body = api_client.get(METRICS, {"with_readings": "true"}).json()
        assert len(body) == 1_000
        assert body[0]["id"] == str(newest.id)
        assert [each["value"] for each in body[0]["readings"]] == list(range(1_000, 0, -1))

    @pytest.mark.parametrize("count", [1, 20])
    def test_takes_two_statements_however_many_there_are(
        self, api_client: APIClient, django_assert_num_queries: Any, count: int
    ) -> None:
        for _ in range(count):
            make_readings(make_metric(), [1, 2, 3])
        with django_assert_num_queries(2):
            api_client.get(METRICS, {"with_readings": "true"})

    def test_of_nothing_is_an_empty_array(self, api_client: APIClient) -> None:
        assert api_client.get(METRICS, {"with_readings": "true"}).json() == []

    def test_a_word_that_is_no_yes_or_no_is_400(self, api_client: APIClient) -> None:
        answer = api_client.get(METRICS, {"with_readings": "perhaps"})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "with_readings"


class TestAddingReadings:
    def test_answers_with_the_reading_and_publishes_the_very_body(self, writer: APIClient) -> None:
        metric = make_metric()
        sent = {
            "metric_id": str(metric.id),
            "value": 21.5,
            "timestamp": "2026-01-02T14:00:00+02:00",
        }
        answer = writer.post(READINGS, sent, format="json")
        assert answer.status_code == 201
        reading = Reading.objects.get()
        assert answer.json() == {
            "id": str(reading.id),
            "metric_id": str(metric.id),
            "value": 21.5,
            "timestamp": "2026-01-02T12:00:00Z",
        }
        assert answer["Location"] == f"{METRICS}/{metric.id}"
        assert published(MetricReadingCreated) == [answer.json()]
        assert OutboxFact.objects.get(type="metric_reading_created").rooms == ["metrics"]

    @pytest.mark.parametrize(
        "value",
        [0, -0.0, 1, -1.5, 1e15, 1e16, 1.2345678901234567e20, -1.5e300, 1.7976931348623157e308,
         5e-324, 1e-7, 0.1, 12345678901234567890],
    )  # fmt: skip
    def test_any_finite_number_stays_the_same_everywhere(
        self, writer: APIClient, value: float
    ) -> None:
        sent = {"metric_id": str(make_metric().id), "value": value}
        body = writer.post(READINGS, json.dumps(sent), content_type="application/json").json()
        assert float(body["value"]) == float(value)
        assert published(MetricReadingCreated) == [body]
        listed = writer.get(METRICS, {"with_readings": "true"}).json()[0]["readings"]
        assert listed == [{key: body[key] for key in ("id", "value", "timestamp")}]

    @pytest.mark.parametrize("extra", [{}, {"timestamp": None}])
    def test_without_a_time_it_is_now(self, writer: APIClient, extra: dict[str, None]) -> None:
        before = datetime.now(UTC)
        sent = {"metric_id": str(make_metric().id), "value": 1} | extra
        body = writer.post(READINGS, sent, format="json").json()
        assert body["timestamp"].endswith("Z")
        assert before <= datetime.fromisoformat(body["timestamp"]) <= before + timedelta(minutes=1)
        assert published(MetricReadingCreated) == [body]

    def test_for_an_unknown_metric_is_404_and_changes_nothing(self, writer: APIClient) -> None:
        answer = writer.post(READINGS, {"metric_id": str(uuid4()), "value": 1}, format="json")
        assert answer.status_code == 404
        assert answer.json()["code"] == "metric_not_found"
        assert not Reading.objects.exists()
        assert published(MetricReadingCreated) == []

    def test_anonymous_callers_may_not(self, api_client: APIClient) -> None:
        sent = {"metric_id": str(make_metric().id), "value": 1}
        assert api_client.post(READINGS, sent, format="json").status_code == 401
        assert not Reading.objects.exists()

    @pytest.mark.parametrize(
        "raw",
        ["NaN", "Infinity", "-Infinity", "1e400", '"1"', "true", "null", "[]", "{}", "1" * 21],
    )
    def test_what_is_no_finite_number_is_400(self, writer: APIClient, raw: str) -> None:
        sent = f'{{"metric_id": "{make_metric().id}", "value": {raw}}}'
        answer = writer.post(READINGS, sent, content_type="application/json")
        assert answer.status_code == 400
        assert not Reading.objects.exists()
        assert published(MetricReadingCreated) == []

    @pytest.mark.parametrize("timestamp", ["yesterday", "", 5, [], "2026-13-01T00:00:00Z"])
    def test_what_is_no_time_is_400(self, writer: APIClient, timestamp: object) -> None:
        sent = {"metric_id": str(make_metric().id), "value": 1, "timestamp": timestamp}
        answer = writer.post(READINGS, sent, format="json")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "timestamp"

    def test_the_same_key_adds_one_reading(self, writer: APIClient) -> None:
        sent = {"metric_id": str(make_metric().id), "value": 1}
        first = writer.post(READINGS, sent, format="json", HTTP_IDEMPOTENCY_KEY="k1")
        second = writer.post(READINGS, sent, format="json", HTTP_IDEMPOTENCY_KEY="k1")
        assert second.json() == first.json()
        assert Reading.objects.count() == 1


class TestTables:
    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_hold_no_number_that_json_cannot_say(self, value: float) -> None:
        metric = make_metric()
        with pytest.raises(IntegrityError), transaction.atomic():
            Reading.objects.create(metric=metric, value=value, timestamp=NOON)

    def test_hold_no_frequency_of_0(self) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            Metric.objects.create(name="x", input_frequency_ns=0)


def test_ids_can_be_sorted_by_time() -> None:
    ids: list[UUID] = [make_metric().id for _ in range(3)]
    assert ids == sorted(ids)


class TestRetention:
    def test_old_readings_go_in_batches_and_others_stay(self, settings, monkeypatch):
        metric = make_metric()
        make_readings(metric, [1.0, 2.0, 3.0, 4.0, 5.0])
        monkeypatch.setattr(metrics, "TRIMMED_AT_ONCE", 2)
        after = timezone.now() + timedelta(seconds=settings.READING_RETENTION_S)
        [young] = make_readings(metric, [6.0])

        assert metrics.trim_readings(now=timezone.now()) == 0
        Reading.objects.filter(pk=young.pk).update(id=first_id_of(after + timedelta(seconds=1)))
        assert metrics.trim_readings(now=after + timedelta(milliseconds=2)) == 5

        assert list(Reading.objects.values_list("value", flat=True)) == [6.0]
