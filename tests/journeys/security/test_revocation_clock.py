"""Whatever takes a token's power away bites everywhere within five seconds, Redis or not.

Two web processes and one that serves the API alone share a database. All have believed the token
a moment before, and so remember whose it is.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import pytest

from tests.apps.realtime.live import PASSWORD, Account, Live, Program, Web, installed
from tests.journeys.security.watching import connected
from tests.veza.asgi.serving import is_alive
from tests.veza.integrations.own_redis import OwnRedis
from veza.embedded.ports import free_port

BITES_WITHIN_S = 5.0
TRIES = 3
REVOKED = 3500
_SERVICE = """
import time
from django.utils import timezone
from apps.auth.services import accounts
from apps.auth.types import RoleName
now, user_id = timezone.now(), {id!r}
{call}
print(time.time())
"""
DEACTIVATE = "accounts.set_active(user_id=user_id, is_active=False, now=now)"
TAKE_ROLES = "accounts.set_roles(user_id=user_id, roles={RoleName.LISTENER}, now=now)"


@dataclass(kw_only=True)
class Site:
    """The processes, and a Redis of their own."""

    live: Live
    other: Web
    api: Program
    api_port: int
    redis: OwnRedis

    @property
    def webs(self) -> list[Web]:
        return [self.live.web, self.other]

    def shell(self, account: Account, call: str) -> float:
        """When a service that was called elsewhere was done."""
        code = _SERVICE.format(id=account.id, call=call)
        return float(self.live.shell.run(code))

    def sign_in_again(self, account: Account) -> dict[str, str]:
        """The headers of another session of the same person."""
        body = {"login": account.username, "password": PASSWORD}
        answer = self.live.web.call("POST", "/api/v1/auth/login", json=body).raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['access']}"}

    def program_token(self, account: Account) -> tuple[str, str]:
        """A new access token for programs, and its id."""
        self.live.query(
            "UPDATE accounts_user SET email_verified_at = now() WHERE id = %s", account.id
        )
        body = {"name": "robot", "scopes": ["read", "write", "ingest"]}
        answer = self.live.web.call(
            "POST", "/api/v1/auth/tokens", json=body, headers=account.headers
        ).raise_for_status()
        return answer.json()["token"], answer.json()["id"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("clock")
    with pytest.MonkeyPatch.context() as patch, OwnRedis(folder) as redis:
        patch.setenv("REDIS_URL", redis.url)
        with installed(folder) as live, live.another_web() as other, _api(live) as (api, port):
            yield Site(live=live, other=other, api=api, api_port=port, redis=redis)


@contextmanager
def _api(live: Live) -> Iterator[tuple[Program, int]]:
    port = free_port()
    program = Program(
        arguments=["api", "--port", str(port)], environment=live.environment(),
        log=live.folder / "api.log", is_ready=lambda: is_alive(port),
    )  # fmt: skip
    program.start()
    try:
        yield program, port
    finally:
        program.end()


LoseRedis = Callable[[], AbstractContextManager[None]]


@pytest.fixture(params=["redis", "no redis"])
def lose_redis(request: pytest.FixtureRequest, site: Site) -> LoseRedis:
    """To be entered when all is connected; Redis is there again afterwards."""

    @contextmanager
    def lost() -> Iterator[None]:
        site.redis.kill()
        try:
            yield
        finally:
            site.redis.start()

    return lost if request.param == "no redis" else nullcontext


def check(end: Callable[[], dict[str, float]], *, ways: int) -> None:
    """All have ended in time. A machine that others keep busy may be late, and is asked again."""
    for _ in range(TRIES):
        late = end()
        assert len(late) == ways, sorted(late)
        if max(late.values()) < BITES_WITHIN_S:
            return
    pytest.fail(f"too late: {late}")


Act = Callable[[Site, Account], float]


def log_out(site: Site, account: Account) -> float:
    site.other.log_out(account)
    return time.time()


def end_the_session(site: Site, account: Account) -> float:
    headers = site.sign_in_again(account)
    listed = site.other.call("GET", "/api/v1/auth/sessions", headers=headers).json()["results"]
    [session] = [each["id"] for each in listed if not each["current"]]
    path = f"/api/v1/auth/sessions/{session}"
    site.other.call("DELETE", path, headers=headers).raise_for_status()
    return time.time()


def change_the_password(site: Site, account: Account) -> float:
    headers = site.sign_in_again(account)
    body = {"current_password": PASSWORD, "password": "marble lamp beside the sea"}
    path = "/api/v1/auth/password/change"
    site.live.web.call("POST", path, headers=headers, json=body).raise_for_status()
    return time.time()


def deactivate(site: Site, account: Account) -> float:
    return site.shell(account, DEACTIVATE)


def make_ingestor(site: Site, account: Account) -> None:
    statement = "INSERT INTO accounts_userrole (user_id, role_id, created_at)"
    site.live.query(f"{statement} VALUES (%s, 'ingestor', now())", account.id)


def take_a_role(site: Site, account: Account) -> float:
    return site.shell(account, TAKE_ROLES)


@pytest.mark.parametrize(
    "act", [log_out, end_the_session, change_the_password, deactivate, take_a_role]
)
def test_a_session_ends_everywhere(site: Site, lose_redis: LoseRedis, act: Act) -> None:
    def end() -> dict[str, float]:
        account = site.live.web.register()
        with connected(site.webs, site.api_port, account.access) as ways, lose_redis():
            done_at = act(site, account)
            ways.watch_refusals()
        return ways.late(done_at, code=REVOKED)

    check(end, ways=9)  # three processes; a stream and two sockets on two of them


def revoke(site: Site, account: Account, token_id: str) -> float:
    path = f"/api/v1/auth/tokens/{token_id}"
    site.other.call("DELETE", path, headers=account.headers).raise_for_status()
    return time.time()


@pytest.mark.parametrize("act", [revoke, lambda site, account, _: deactivate(site, account)],
                         ids=["revoked", "its user deactivated"])  # fmt: skip
def test_a_token_for_programs_ends_everywhere(
    site: Site, lose_redis: LoseRedis, act: Callable[[Site, Account, str], float]
) -> None:
    def end() -> dict[str, float]:
        account = site.live.web.register()
        token, token_id = site.program_token(account)
        with connected(site.webs, site.api_port, token) as ways, lose_redis():
            done_at = act(site, account, token_id)
            ways.watch_refusals()
        return ways.late(done_at, code=REVOKED)

    check(end, ways=9)


FORBID = """
from apps.auth.services import roles
from apps.auth.models import User
roles.change_permissions(
    role=RoleName.INGESTOR, by=User(is_superuser=True), now=now,
    {what}=frozenset({{"backbone.ingest"}}), {other}=frozenset(),
)
"""


@pytest.mark.parametrize("call", [TAKE_ROLES, FORBID.format(what="taken", other="given")],
                         ids=["role lost", "role allows less"])  # fmt: skip
def test_a_program_does_not_go_on_with_powers_that_its_user_has_lost(
    site: Site, lose_redis: LoseRedis, call: str
) -> None:
    def end() -> dict[str, float]:
        account = site.live.web.register()
        make_ingestor(site, account)
        token, _ = site.program_token(account)
        with connected(site.webs, site.api_port, token) as ways, lose_redis():
            done_at = site.shell(account, call)
            ways.watch_ends()
            assert ways.statuses() == [200, 200, 200]
            site.shell(account, FORBID.format(what="given", other="taken"))
        return ways.late(done_at, code=REVOKED)

    check(end, ways=6)
