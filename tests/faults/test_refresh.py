"""P39: a refresh token works once, whoever asks how often on which process."""

import asyncio
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import httpx

from tests.faults.rig.sizes import SIZE
from tests.faults.rig.system import PASSWORD, System

TOKENS = {"small": 6, "medium": 30, "large": 100}[SIZE.name]
AT_ONCE = 32
AGENT = {"User-Agent": "phone/1"}


def _register(system: System, names: Iterable[str]) -> list[dict[str, Any]]:
    """What registration answered to each."""
    found = []
    for name in names:
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        answer = httpx.post(_url(system, "register"), json=body, headers=AGENT, timeout=30)
        assert answer.status_code == 201, answer.text
        found.append(answer.json())
    return found


def _url(system: System, call: str, number: int = 0) -> str:
    web = system.webs[number % len(system.webs)]
    return f"http://127.0.0.1:{web.client_port}/api/v1/auth/{call}"


async def _refresh(system: System, token: str, *, agents: Sequence[str]) -> list[httpx.Response]:
    """Each agent at once, turn by turn on the processes."""
    async with httpx.AsyncClient(timeout=60) as client:
        return await asyncio.gather(
            *(
                client.post(
                    _url(system, "refresh", number),
                    json={"refresh": token},
                    headers={"User-Agent": agent},
                )
                for number, agent in enumerate(agents)
            )
        )


async def test_of_many_at_once_all_get_the_same_successor(system: System) -> None:
    for person in _register(system, (f"refresher{number}" for number in range(TOKENS))):
        answers = await _refresh(system, person["refresh"], agents=["phone/1"] * AT_ONCE)

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["refresh"] for answer in answers}) == 1


async def test_reuse_ends_that_session_and_no_other(system: System) -> None:
    thieves = list(itertools.islice(itertools.cycle(["phone/1", "thief/1"]), AT_ONCE))
    robbed, other = _register(system, ["robbed", "neighbour"])
    answers = await _refresh(system, robbed["refresh"], agents=thieves)

    assert {answer.status_code for answer in answers} <= {200, 401}
    assert "refresh_reused" in {answer.json().get("code") for answer in answers}
    successors = {answer.json()["refresh"] for answer in answers if answer.status_code == 200}
    assert len(successors) <= 1
    async with httpx.AsyncClient(timeout=30) as client:
        for token in successors | {robbed["refresh"]}:
            again = await _refresh(system, token, agents=["phone/1"])
            assert again[0].json()["code"] in ("refresh_reused", "token_invalid")
        me = await client.get(
            _url(system, "sessions"), headers={"Authorization": f"Bearer {other['access']}"}
        )
        assert me.status_code == 200
