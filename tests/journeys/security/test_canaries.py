"""No secret of a person is written down anywhere but where it has to be.

Somebody goes every way of signing in, rightly and wrongly, with secrets that nothing else holds.
Afterwards all that the run wrote is searched for them: logs of every process at their most
talkative, every column of every table, every command to Redis, every problem document, every file,
every trace and every report of a bug.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_httpserver import HTTPServer

from tests.apps.auth.oidc.forger import Forger
from tests.apps.auth.oidc.provider import CALLBACK, CLIENT_ID
from tests.apps.realtime import live as lives
from tests.apps.realtime.live import Live, Program, installed
from tests.factories.factors import code_of
from tests.journeys.security.canaries import (
    MAILED,
    Monitor,
    Person,
    files,
    mailed,
    monitored,
    rows,
)
from tests.veza.asgi.wire import until
from tests.veza.collector import Collected, collecting
from tests.veza.integrations.own_redis import OwnRedis

ADDRESS = "canary-7f3a91@canary-post.example"
NAME = "songbird"
PASSWORD, NEW_PASSWORD = "canary rain 7f3a91 violet", "canary snow c04e55 marble"
WRONG = "canary fog 91d2bb copper"
CLIENT_SECRET = "canary-client-secret-5d1f"
HAS_TO_BE = {
    "accounts_user.email": "mails are sent to it",
    "accounts_socialidentity.email": "by it the owner knows the login again",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canaries")


@pytest.fixture(scope="module")
def own_redis(folder: Path) -> Iterator[OwnRedis]:
    (folder / "redis").mkdir()
    with OwnRedis(folder / "redis") as own:
        yield own


@pytest.fixture(scope="module")
def forger() -> Iterator[Forger]:
    server = HTTPServer(host="127.0.0.1")
    server.start()
    yield Forger(server)
    server.stop()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collected]:
    with collecting() as collected:
        yield collected


@pytest.fixture(scope="module")
def live(folder: Path, own_redis: OwnRedis, forger: Forger, collector: Collected) -> Iterator[Live]:
    """With a worker, on a Redis that carries the tasks too, and with talkative logs."""
    providers = (
        f'{{"forged": {{"issuer": "{forger.issuer}", "client_id": "{CLIENT_ID}",'
        f' "client_secret": "{CLIENT_SECRET}", "label": "Forger"}}}}'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_URL", own_redis.url)
        patch.delenv("AMQP_URL", raising=False)
        patch.setenv("OIDC_PROVIDERS", providers)
        patch.setenv("OIDC_REDIRECT_URIS", CALLBACK)
        patch.setenv("SENTRY_DSN", collector.dsn)
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        patch.setitem(lives.ENVIRONMENT, "LOG_LEVEL", "DEBUG")
        with installed(folder) as live:
            worker = Program(
                arguments=["worker", "--concurrency", "1"], environment=live.environment(),
                log=folder / "worker.log", is_ready=lambda: True,
            )  # fmt: skip
            worker.start()
            yield live
            worker.end()


@pytest.fixture(scope="module")
def person(live: Live, forger: Forger, own_redis: OwnRedis) -> Person:
    """He has done everything, and the commands to Redis are noted in `monitor`."""
    person = Person(web=live.web)
    person.keep(address=ADDRESS, password=PASSWORD, new=NEW_PASSWORD, wrong=WRONG)
    person.keep(client_secret=CLIENT_SECRET)
    with monitored(own_redis.url) as monitor:
        access = register(person)
        access = verify(live, person, access)
        access = go_wrong(person, access)
        program(person, access)
        social(person, forger, access)
        meet_a_bug(live, person)
        second_factor(person, access)
        reset_password(live, person)
        until(lambda: not live.query("SELECT 1 FROM events_outbox LIMIT 1"))
        person.monitor = monitor  # type: ignore[attr-defined]
    return person


def signed_in(person: Person, path: str, **body: str) -> str:
    answer = person.post(path, body)
    assert answer.is_success, answer.text
    told = answer.json()
    person.keep(access=told["access"], refresh=told["refresh"])
    person.keep(signature=told["access"].rpartition(".")[2])
    return str(told["access"])


def register(person: Person) -> str:
    access = signed_in(person, "auth/register", username=NAME, email=ADDRESS, password=PASSWORD)
    person.post("auth/register", {"username": NAME, "email": ADDRESS, "password": WRONG})
    person.post("auth/register", {"username": ADDRESS, "email": PASSWORD, "password": "short"})
    return access


def verify(live: Live, person: Person, access: str) -> str:
    until(lambda: MAILED.search(mailed(live, "")), timeout_s=60)
    key = MAILED.findall(mailed(live, ""))[0]
    person.keep(verification=key)
    person.post("auth/email/verify", {"key": f"{key}x"})
    person.send("GET", f"/api/v1/auth/email/verify?key={key}")
    assert person.post("auth/email/verify", {"key": key}).status_code == 204
    person.post("auth/email/verify", {"key": key})
    return access


def go_wrong(person: Person, access: str) -> str:
    """Secrets where none belong."""
    for login in (NAME, ADDRESS):
        person.post("auth/login", {"login": login, "password": WRONG})
    person.post("auth/login", {"login": PASSWORD, "password": ADDRESS})
    person.post("auth/login", {"login": NAME, "password": [WRONG], "otp": {PASSWORD: 1}})
    person.post("auth/login", f'{{"login": "{ADDRESS}", "password": "{PASSWORD}", ')
    person.post("auth/refresh", {"refresh": access})
    person.post("auth/step-up", {"password": WRONG}, token=access)
    person.post("auth/password/change",
                {"current_password": WRONG, "password": NEW_PASSWORD}, token=access)  # fmt: skip
    person.send("DELETE", "/api/v1/users/me", {"password": WRONG}, token=access)
    person.send("GET", "/api/v1/users/me", token=f"{access}x")
    person.send("GET", f"/api/v1/nowhere?access_token={access}&email={ADDRESS}")
    person.send("GET", "/api/v1/users/me", Authorization=f"Basic {PASSWORD.replace(' ', '')}")
    person.send("GET", "/api/v1/users/me", Cookie=f"sessionid={access}; csrftoken={access}")
    person.send("GET", f"/api/v1/events/watch?token={access}&last_event_id={access}&rooms=user:1")
    person.send("GET", f"/connection/websocket?token={access}")
    for secret in (ADDRESS, access, access.replace(".", "%2E"), ADDRESS.replace("@", "%40")):
        person.send("GET", f"/api/v1/users/{secret}")
        person.send("GET", f"/api/v1/auth/social/{secret}/begin")
        person.send("GET", f"/nowhere/{secret}")
    person.send("PATCH", "/api/v1/users/me", {"links": [{"title": "x", "url": f"x:{PASSWORD}"}]},
                token=access)  # fmt: skip
    return signed_in(person, "auth/login", login=ADDRESS, password=PASSWORD)


def program(person: Person, access: str) -> None:
    made = person.post("auth/tokens", {"name": "robot", "scopes": ["read"]}, token=access).json()
    person.keep(program=made["token"])
    for method, path in (("GET", "users/me"), ("POST", "auth/tokens"), ("GET", "audit")):
        person.send(method, f"/api/v1/{path}", token=made["token"])
    person.send("GET", f"/api/v1/auth/tokens/{made['id']}?token={made['token']}")
    chat = person.post("chat/token", {}, token=access).json()
    person.keep(chat=chat["token"])
    person.send("GET", "/api/v1/users/me", token=chat["token"])
    person.post("chat/token", {"rooms": [chat["token"]]}, token=access)


def social(person: Person, forger: Forger, access: str) -> None:
    """Refused in several ways, and once because the address has an account."""
    forger.claims = {"email": ADDRESS}
    for status, changes in (
        (200, {}), (400, {}), (500, {}), (200, {"code": "canary-code-83bb1c"}),
        (200, {"state": "canary-state-83bb1c"}), (200, {"secret": "canary-secret-83bb1c"}),
        (200, {"iss": "https://canary-issuer-83bb1c.example"}),
    ):  # fmt: skip
        forger.token_status = status
        begun = person.post("auth/social/forged/begin", {"redirect_uri": CALLBACK}).json()
        back = forger.authorize(begun["authorization_url"])
        person.keep(state=begun["state"], secret=begun["secret"], code=back["code"])
        person.keep(**{name: value for name, value in changes.items() if name != "iss"})
        body = {**back, "secret": begun["secret"], **changes}
        assert person.post("auth/social/forged/finish", body).status_code >= 400
    person.post("auth/social/nowhere/finish", {"code": "canary-code-83bb1c"})
    person.send("GET", "/api/v1/auth/social/identities?code=canary-code-83bb1c", token=access)


def second_factor(person: Person, access: str) -> None:
    made = person.post("auth/2fa/setup", token=access).json()
    secret = made["secret"]
    person.keep(totp=secret)
    person.post("auth/2fa/confirm", {"code": secret}, token=access)
    ago = timezone.now() - timedelta(seconds=30)
    confirmed = person.post("auth/2fa/confirm", {"code": code_of(secret, at=ago)}, token=access)
    codes = confirmed.json()["recovery_codes"]
    for code in codes:
        person.keep(recovery=code, plain=code.replace("-", ""))
    for otp in ("", secret, WRONG):
        person.post("auth/login", {"login": NAME, "password": PASSWORD, "otp": otp})
    again = signed_in(person, "auth/login", login=NAME, password=PASSWORD, otp=codes[0])
    person.post("auth/login", {"login": NAME, "password": PASSWORD, "otp": codes[0]})
    body = {"password": WRONG, "code": codes[1]}
    person.send("DELETE", "/api/v1/auth/2fa", body, token=again)
    person.post("auth/step-up", {"otp": codes[2].upper()}, token=again)


def reset_password(live: Live, person: Person) -> None:
    person.send("POST", f"/api/v1/auth/password/reset?email={ADDRESS}", {"email": ADDRESS})
    until(lambda: MAILED.search(mailed(live, "assword")), timeout_s=60)
    key = MAILED.findall(mailed(live, "assword"))[0]
    person.keep(reset=key, part=key.rpartition("-")[2])
    confirm = "auth/password/reset/confirm"
    person.post(confirm, {"key": key, "password": "short"})
    person.post(confirm, {"key": f"{key}x", "password": NEW_PASSWORD})
    assert person.post(confirm, {"key": key, "password": NEW_PASSWORD}).status_code == 204
    person.post(confirm, {"key": key, "password": NEW_PASSWORD})


def meet_a_bug(live: Live, person: Person) -> None:
    """What nobody foresaw, with everything in hand that a report could tell."""
    live.query("ALTER TABLE accounts_session RENAME TO accounts_session_gone")
    body = {"login": ADDRESS, "password": PASSWORD}
    path = f"/api/v1/auth/login?login={ADDRESS}"
    assert person.send("POST", path, body, token=WRONG).status_code == 500
    live.query("ALTER TABLE accounts_session_gone RENAME TO accounts_session")


def found_in(person: Person, texts: Iterator[tuple[str, str]]) -> dict[str, set[str]]:
    """Which secrets stand where."""
    found: dict[str, set[str]] = {}
    for place, text in texts:
        for name, secret in person.secrets.items():
            if secret.casefold() in text.casefold():
                found.setdefault(place, set()).add(name)
    return found


class TestSecretsOfAPerson:
    def test_stand_in_no_file(self, live: Live, person: Person):
        """Logs of the web process, the relay and the worker; files; all but the mails."""
        texts = dict(files(live.folder, without="mail/"))
        assert "worker.log" in texts
        assert "task_succeeded" in texts["worker.log"]
        assert "request_finished" in texts[Path(live.web.log).name]

        assert found_in(person, iter(texts.items())) == {}

    def test_stand_in_no_column_that_need_not_hold_them(self, live: Live, person: Person):
        """Facts in outbox and log, deliveries, the audit log, and everything else."""
        places = {re.sub("_p?[0-9]+", "", place) for place, _ in rows(live)}
        assert {"events_log.payload", "accounts_auditentry.details"} <= places

        found = found_in(person, rows(live))

        assert {place: names for place, names in found.items() if place not in HAS_TO_BE} == {}
        assert set().union(*found.values()) == {"address 0"}

    def test_stand_in_no_command_to_redis(self, person: Person):
        monitor: Monitor = person.monitor  # type: ignore[attr-defined]
        assert any("auth.send_verification" in line for line in monitor.lines), "no task was seen"

        assert found_in(person, ((line[:80], line) for line in monitor.lines)) == {}

    def test_stand_in_no_trace_and_no_report(self, person: Person, collector: Collected):
        """Spans of requests, SQL, Redis and tasks; what Sentry is told of bugs."""

        def sent() -> list[str]:
            return [body.decode("utf-8", "replace") for body in collector.bodies]

        until(lambda: any('"ProgrammingError"' in body for body in sent()), timeout_s=30)
        until(lambda: any("auth/password/reset/confirm" in body for body in sent()), timeout_s=30)
        until(lambda: any("run/events.deliver" in body for body in sent()), timeout_s=30)

        assert found_in(person, ((body[:80], body) for body in sent())) == {}

    def test_stand_in_no_problem_document(self, person: Person):
        assert len(person.problems) >= 30

        assert found_in(person, iter(person.problems)) == {}

    def test_would_have_been_found(self, live: Live, person: Person):
        """The search sees what has to be there."""
        mails = [(path.name, path.read_text()) for path in (live.folder / "mail").glob("*.log")]
        names = set().union(*found_in(person, iter(mails)).values())
        assert {re.sub(r" \d+", "", name) for name in names} >= {"address", "verification", "reset"}
