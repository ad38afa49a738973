"""What every test may count on: a database of its own process, and empty rate-limit buckets."""

import gc
import os
from collections.abc import Generator, Iterator
from importlib import import_module

import hypothesis
import pytest
import redis
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from apps.auth.models import Role
from apps.auth.selectors import identities
from apps.auth.types import RoleName
from tests.emptying import empty_tables, wait_for_no_disk

ADDRESSES = {
    "needs_rabbitmq": "AMQP_URL",
    "needs_nats": "NATS_URL",
    "needs_clamd": "CLAMD_URL",
    "needs_clamav_testfiles": "CLAMAV_TESTFILES",
    "needs_browser": "CHROMIUM",
    "needs_nginx": "NGINX_BINARY",
    "needs_promtool": "PROMTOOL",
}
# How long an example takes is the machine's affair: it may be busy.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

HOW = "Run `make test`, which finds or starts the servers that the tests need."


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing that is imported is garbage: Python need not look there, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A suite whose server is not there is skipped; where nothing may be left out, it fails."""
    for marker, variable in ADDRESSES.items():
        if item.get_closest_marker(marker) and not os.environ.get(variable):
            if os.environ.get("CI") == "true":
                pytest.fail(f"{variable} is not set. {HOW}", pytrace=False)
            pytest.skip(f"{variable} is not set. {HOW}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test logged may hold half of a surrogate pair, and parallel runs speak UTF-8."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """One database for each parallel process, on the server that DATABASE_URL names."""
    if not os.environ.get("DATABASE_URL"):
        pytest.fail(f"DATABASE_URL is not set. {HOW}", pytrace=False)


@pytest.fixture(scope="session", autouse=True)
def _only_filled_tables_are_emptied() -> Iterator[None]:
    """After tests on real transactions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: empty_tables())
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test database, which waits for no disk."""
    with django_db_blocker.unblock():
        wait_for_no_disk()


@pytest.fixture(scope="session")
def redis_connection() -> Iterator[redis.Redis | None]:
    """The Redis of this run; None when it has none."""
    if not settings.REDIS_URL:
        yield None
        return
    with redis.Redis.from_url(settings.REDIS_URL) as connection:
        yield connection


@pytest.fixture
def contract_keys(redis_connection: redis.Redis | None) -> Iterator[redis.Redis]:
    """Redis without keys of games of tests. The contract fixes their names, without a namespace,
    so tests that use them take turns, whichever process they run in.
    """
    if redis_connection is None:
        pytest.fail(f"REDIS_URL is not set. {HOW}", pytrace=False)
    with redis_connection.lock("tests:contract-keys", timeout=600, blocking_timeout=600):
        for pattern in ("latest:t-*", "history:t-*", "history:type:t-*", "processed:*"):
            if keys := list(redis_connection.scan_iter(pattern)):
                redis_connection.delete(*keys)
        yield redis_connection


@pytest.fixture(autouse=True)
def _own_namespace_is_empty(redis_connection: redis.Redis | None) -> Iterator[None]:
    """No test sees the keys of another: those of this process go, those of others stay."""
    yield
    if redis_connection is None:
        return
    keys = list(redis_connection.scan_iter(f"{settings.REDIS_NAMESPACE}:*", count=1000))
    if keys:
        redis_connection.delete(*keys)


@pytest.fixture(autouse=True)
def _roles(request: pytest.FixtureRequest) -> None:
    """Tests on real transactions empty every table afterwards, those filled by migrations too."""
    marker = request.node.get_closest_marker("django_db")
    if marker:
        request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")
        Role.objects.bulk_create([Role(name=name) for name in RoleName], ignore_conflicts=True)
        seeds = ("auth.0006_permissions", "auth.0015_track_actions", "analytics.0002_permission")
        for name in seeds:
            import_module(f"migrations.{name}").seed(apps, connection.schema_editor())


@pytest.fixture(autouse=True)
def _nobody_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process remembers of a session lives by the clock; tests see each change at once."""
    monkeypatch.setattr(identities, "REMEMBERED_S", 0.0)


@pytest.fixture
def database_url(db: None) -> str:
    """The database of this test, for processes that it starts."""
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    return f"{server}/{connection.settings_dict['NAME']}"


@pytest.fixture
def api_client() -> APIClient:
    """A client of the API that is nobody yet."""
    return APIClient()
