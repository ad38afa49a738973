"""Neither words nor time tell who has an account.

Login, reset and register answer alike for accounts of every kind, and as fast: each kind is asked
in turn, and the times are compared with those for an account that does not exist. What is measured
on a machine that others use too may be measured three times.
"""

import random
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import httpx
import pytest

from tests.apps.realtime.live import PASSWORD, Live, Web, installed
from tests.journeys.security.ranks import mann_whitney_p
from tests.patience import PATIENCE_S

SAMPLES = 60
TRIES = 3
MOST_APART_S = 0.005
SETTINGS = "tests.journeys.security.costly_settings"
KINDS = ("existing", "deactivated", "passwordless", "two_factor")
_TWO_FACTOR = """
from django.utils import timezone
from apps.auth.models import SecondFactor, User
from veza.kit.crypto import encrypt
user = User.objects.get(username="two_factor")
SecondFactor.objects.create(user=user, secret=encrypt("A" * 32), confirmed_at=timezone.now())
"""

Sample = tuple[float, httpx.Response]
Ask = Callable[[httpx.Client, str], httpx.Response]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """With the real hasher."""
    with installed(tmp_path_factory.mktemp("enumeration"), DJANGO_SETTINGS_MODULE=SETTINGS) as live:
        yield live


@pytest.fixture(scope="module")
def web(live: Live) -> Web:
    """Its web process, with one account of each kind."""
    for kind in KINDS:
        body = {"username": kind, "email": address(kind), "password": PASSWORD}
        live.web.call("POST", "/api/v1/auth/register", json=body).raise_for_status()
    live.query("UPDATE accounts_user SET is_active = false WHERE username = 'deactivated'")
    live.query("UPDATE accounts_user SET password = '!' || repeat('x', 40)"
               " WHERE username = 'passwordless'")  # fmt: skip
    live.manage("shell", "--no-imports", "-c", _TWO_FACTOR)
    return live.web


def address(kind: str) -> str:
    return f"{kind}@example.org"


def log_in_by_name(client: httpx.Client, kind: str) -> httpx.Response:
    body = {"login": kind, "password": "marble lamp beside the sea"}
    return client.post("/api/v1/auth/login", json=body)


def log_in_by_address(client: httpx.Client, kind: str) -> httpx.Response:
    body = {"login": address(kind), "password": "marble lamp beside the sea"}
    return client.post("/api/v1/auth/login", json=body)


def log_in_rightly(client: httpx.Client, kind: str) -> httpx.Response:
    return client.post("/api/v1/auth/login", json={"login": kind, "password": PASSWORD})


def reset(client: httpx.Client, kind: str) -> httpx.Response:
    return client.post("/api/v1/auth/password/reset", json={"email": address(kind)})


def register(client: httpx.Client, kind: str) -> httpx.Response:
    body = {"username": f"{kind}-again", "email": address(kind), "password": PASSWORD}
    return client.post("/api/v1/auth/register", json=body)


def measure(web: Web, ask: Ask, kinds: tuple[str, ...]) -> dict[str, list[Sample]]:
    """So many samples of each, in turns whose order is drawn."""
    taken: dict[str, list[Sample]] = {kind: [] for kind in kinds}
    with httpx.Client(base_url=web.base_url, timeout=PATIENCE_S) as client:
        for kind in kinds:
            ask(client, kind)  # whatever is done once is done
        for _ in range(SAMPLES):
            for kind in random.sample(kinds, len(kinds)):
                began = time.perf_counter()
                answer = ask(client, kind)
                taken[kind].append((time.perf_counter() - began, answer))
    return taken


def differences(taken: dict[str, list[Sample]], base: str) -> dict[str, tuple[float, float]]:
    """Those whose times tell them from `base`: the difference of medians, and p."""
    found = {}
    times = {kind: [each for each, _ in samples] for kind, samples in taken.items()}
    for kind, seconds in times.items():
        apart = median(seconds) - median(times[base])
        p = mann_whitney_p(seconds, times[base])
        if abs(apart) >= MOST_APART_S and p <= 0.01:
            found[kind] = (apart, p)
    return found


def hash_or_none(client: httpx.Client, kind: str) -> httpx.Response:
    """A login hashes once, a reset never."""
    return (log_in_by_name if kind == "hashed" else reset)(client, "missing")


def told(answer: httpx.Response) -> tuple[Any, ...]:
    """All of an answer that is not another one each time."""
    own = {"date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset"}
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    body = {k: v for k, v in answer.json().items() if k != "request_id"} if answer.content else None
    return answer.status_code, headers, body


@pytest.mark.parametrize(
    ("ask", "kinds"),
    [
        (log_in_by_name, ("missing", *KINDS)),
        (log_in_by_address, ("missing", *KINDS)),
        (log_in_rightly, ("missing", "deactivated", "passwordless")),
        (reset, ("missing", *KINDS)),
        (register, KINDS),  # a free address gets an account: the contract tells what is taken
    ],
)
def test_tell_nothing(web: Web, ask: Ask, kinds: tuple[str, ...]) -> None:
    for _ in range(TRIES):
        taken = measure(web, ask, kinds)
        words = {repr(told(answer)) for samples in taken.values() for _, answer in samples}
        assert len(words) == 1, words
        if not (found := differences(taken, kinds[0])):
            return
    pytest.fail(f"the time tells who has an account (seconds apart, p): {found}")


def test_a_hash_more_or_less_would_be_seen(web: Web) -> None:
    """What this can measure."""
    tries = (measure(web, hash_or_none, ("hashed", "plain")) for _ in range(TRIES))

    assert any("plain" in differences(taken, "hashed") for taken in tries)


class TestRanks:
    def test_of_one_distribution_are_mixed(self):
        assert mann_whitney_p([1, 2, 3, 4] * 15, [1, 2, 3, 4] * 15) == pytest.approx(1.0, abs=0.01)

    def test_of_two_are_not(self):
        left = [number / 100 for number in range(60)]
        assert mann_whitney_p(left, [each + 0.3 for each in left]) < 0.001

    def test_are_those_of_a_book(self):
        """Hollander and Wolfe, "Nonparametric Statistical Methods" (1973), page 69."""
        term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
        early = [1.15, 0.88, 0.90, 0.74, 1.21]
        assert mann_whitney_p(term, early) == pytest.approx(0.2544, abs=0.02)

    def test_of_equal_numbers_say_nothing(self):
        assert mann_whitney_p([1.0] * 9, [1.0] * 9) == 1.0
