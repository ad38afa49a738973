"""One code, many senders, two web processes: exactly one gets in (P41)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import httpx
import pytest
from django.utils import timezone

from tests.apps.realtime.live import PASSWORD, Account, Live, Web, installed
from tests.factories.factors import code_of
from tests.patience import PATIENCE_S

SENDERS = 50
AT_ONCE = 25


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with installed(tmp_path_factory.mktemp("live")) as live:
        yield live


@pytest.fixture(scope="module")
def webs(live: Live) -> Iterator[list[Web]]:
    with live.another_web() as other:
        yield [live.web, other]


def turn_on(live: Live, account: Account) -> tuple[str, list[str]]:
    """The secret and the recovery codes; the code that confirmed lies well in the past."""
    call = {"headers": account.headers}
    secret = live.web.call("POST", "/api/v1/auth/2fa/setup", **call).json()["secret"]
    code = code_of(secret, at=timezone.now() - timedelta(seconds=30))
    answer = live.web.call("POST", "/api/v1/auth/2fa/confirm", json={"code": code}, **call)
    codes: list[str] = answer.raise_for_status().json()["recovery_codes"]
    return secret, codes


def log_in_at_once(webs: list[Web], account: Account, otp: str) -> list[tuple[int, str]]:
    """What each of the senders is told; they take turns between the processes."""
    start = Barrier(AT_ONCE)
    body = {"login": account.username, "password": PASSWORD, "otp": otp}

    def send(number: int) -> tuple[int, str]:
        start.wait(timeout=PATIENCE_S)
        answer: httpx.Response = webs[number % 2].call("POST", "/api/v1/auth/login", json=body)
        told: dict[str, Any] = answer.json()
        return answer.status_code, told.get("code", "")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(send, range(SENDERS)))


def test_a_code_signs_in_once(live: Live, webs: list[Web]) -> None:
    account = webs[0].register()
    secret, recovery = turn_on(live, account)

    answers = log_in_at_once(webs, account, code_of(secret, at=timezone.now()))

    assert answers.count((200, "")) == 1
    refused = set(answers) - {(200, "")}
    assert refused == {(401, "otp_invalid"), (429, "otp_locked")}
    assert answers.count((401, "otp_invalid")) == 5  # then the lock holds on both processes
    last = log_in_at_once(webs, account, recovery[0])
    assert last.count((200, "")) == 1  # nor does the race keep the owner out


def test_a_recovery_code_signs_in_once(live: Live, webs: list[Web]) -> None:
    account = webs[0].register()
    _, recovery = turn_on(live, account)

    assert log_in_at_once(webs, account, recovery[3]).count((200, "")) == 1
    used = live.query(
        "SELECT count(*) FROM accounts_recoverycode WHERE user_id = %s AND used_at IS NOT NULL",
        account.id,
    )
    assert used == [(1,)]
