"""A service is had in the first way that works; instances of our own are used again."""

import os
import shutil
import signal
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.services import instances, nats, ways
from deploy.services.recipes import Launch, Recipe, Service, nothing_to_prepare
from deploy.services.ways import Available, Context, Missing, NotThisWay
from tests.deploy.listeners import listener
from veza.embedded.ports import free_port

PROGRAM = textwrap.dedent(
    """
    import pathlib, socket, sys
    if pathlib.Path(sys.argv[1], "damaged").exists():
        sys.exit("my data is damaged")
    server = socket.create_server(("127.0.0.1", int(sys.argv[2])))
    while True:
        connection, _ = server.accept()
        connection.sendall(b'INFO {"jetstream": true}\\r\\n')
        connection.close()
    """
)


def _launch(directory: Path, port: int) -> Launch:
    return Launch(argv=[sys.executable, "-c", PROGRAM, str(directory), str(port)])


RECIPE = Recipe(name="greeter", origin="the greeter", prepare=nothing_to_prepare, launch=_launch)
SERVICE = Service(
    name="greeter",
    title="Greeter",
    variable="GREETER_URL",
    url="nats://127.0.0.1:{port}",
    port=1,
    suites="needs_greeter",
    probe=nats.probe,
    installed=lambda: RECIPE,
)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def context(tmp_path: Path, said: list[str]) -> Iterator[Context]:
    yield Context(root=tmp_path, environ={}, database="veza", say=said.append)
    for name in instances.find_all(tmp_path):
        instances.stop(tmp_path, name)


def obtained(context: Context) -> Available:
    outcome = ways.obtain(SERVICE, context, order=(ways.listening, ways.installed))
    assert isinstance(outcome, Available), outcome
    return outcome


class TestOrder:
    def test_is_the_promised_one(self):
        assert (
            ways.listening, ways.installed, ways.wheel, ways.apt_get, ways.docker_compose,
        ) == ways.ORDER  # fmt: skip

    def test_the_first_that_works_is_taken_and_no_later_one_tried(self, context):
        tried = []

        def way(name: str, result: Available | NotThisWay) -> ways.Way:
            def attempt(service: Service, context: Context) -> Available | NotThisWay:
                tried.append(name)
                return result

            return attempt

        found = Available(SERVICE, "nats://127.0.0.1:2", "found")
        order = [way("a", NotThisWay("no a")), way("b", found), way("c", NotThisWay("no c"))]

        assert ways.obtain(SERVICE, context, order=order) == found
        assert tried == ["a", "b"]

    def test_all_reasons_are_kept_when_none_works(self, context):
        order = [lambda *_: NotThisWay("no a"), lambda *_: NotThisWay("no b")]

        assert ways.obtain(SERVICE, context, order=order) == Missing(SERVICE, ("no a", "no b"))


class TestListening:
    def test_what_the_environment_names_is_used_as_it_is(self, context):
        with listener(b'INFO {"jetstream":true}\r\n', speaks_first=True) as port:
            url = f"nats://somebody:secret@127.0.0.1:{port}"
            given = Context(
                root=context.root, environ={"GREETER_URL": url}, database="veza", say=context.say
            )
            outcome = ways.listening(SERVICE, given)

        assert outcome == Available(SERVICE, url, "runs already at GREETER_URL")

    def test_a_port_taken_by_something_else_is_said_aloud(self, context, said):
        with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n", speaks_first=True) as port:
            given = Context(
                root=context.root,
                environ={"GREETER_URL": f"nats://127.0.0.1:{port}"},
                database="veza",
                say=context.say,
            )
            ways.obtain(SERVICE, given, order=(ways.listening,))

        assert said == ["GREETER_URL: PORT-TAKEN, what listens there is not NATS"]


class TestOwnInstance:
    def test_is_started_and_used_again_by_the_next_run(self, context, said):
        first, second = obtained(context), obtained(context)

        assert nats.probe(first.url).is_usable
        assert second.url == first.url
        assert len(said) == 1

    def test_is_replaced_when_it_was_killed(self, context):
        first = obtained(context)
        instance = instances.find(context.root, "greeter")
        assert instance is not None
        os.kill(instance.pid, signal.SIGKILL)

        second = obtained(context)

        assert nats.probe(second.url).is_usable
        assert second.url != first.url

    def test_begins_anew_when_its_data_is_damaged(self, context, said, monkeypatch):
        monkeypatch.setattr(instances, "PAUSES_S", (0.0, 0.0))
        (context.root / "greeter").mkdir()
        (context.root / "greeter" / "damaged").touch()

        assert nats.probe(obtained(context).url).is_usable
        assert any("my data is damaged" in line for line in said)

    def test_that_cannot_start_is_a_reason_to_try_the_next_way(self, context, monkeypatch):
        monkeypatch.setattr(instances, "PAUSES_S", ())
        broken = Recipe(
            name="broken",
            origin="the broken one",
            prepare=nothing_to_prepare,
            launch=lambda *_: Launch(argv=[sys.executable, "-c", "raise SystemExit('no luck')"]),
        )
        service = Service(**{**vars(SERVICE), "installed": lambda: broken})

        result = ways.installed(service, context)

        assert isinstance(result, NotThisWay)
        assert result.reason.startswith("the broken one: it ended at once: no luck")

    def test_is_gone_after_stop_and_its_directory_stays(self, context):
        url = obtained(context).url

        instances.stop(context.root, "greeter")

        assert not nats.probe(url).is_usable
        assert instances.find_all(context.root) == {}
        assert (context.root / "greeter").is_dir()

    def test_a_foreign_process_with_the_recorded_number_is_left_alone(self, context):
        obtained(context)
        record = context.root / "greeter" / instances.RECORD
        text = record.read_text()
        instance = instances.find(context.root, "greeter")
        assert instance is not None
        record.write_text(text.replace(f'"born": "{instance.born}"', '"born": "long ago"'))

        instances.stop(context.root, "greeter")
        record.write_text(text)

        assert instances.find(context.root, "greeter") == instance

    def test_does_not_outlive_its_directory_by_name_only(self, context):
        obtained(context)
        instances.stop(context.root, "greeter")
        shutil.rmtree(context.root / "greeter")

        assert nats.probe(obtained(context).url).is_usable


def test_free_ports_are_free():
    assert not nats.probe(f"nats://127.0.0.1:{free_port()}").is_usable
