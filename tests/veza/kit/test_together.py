"""Questions of many, answered in a row by a thread."""

import asyncio
import threading

import pytest

from tests.patience import PATIENCE_S
from veza.kit.together import AT_ONCE, Together


class Answers:
    """Twice the number; an odd one is refused, and `gate` lets the answers out."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.asked: list[list[int]] = []

    def __call__(self, numbers: list[int]) -> list[int | Exception]:
        self.asked.append(numbers)
        assert self.gate.wait(PATIENCE_S)
        return [ValueError(number) if number % 2 else 2 * number for number in numbers]


@pytest.fixture
def answers() -> Answers:
    return Answers()


async def test_those_of_one_moment_are_asked_together(answers: Answers) -> None:
    answers.gate.set()
    together = Together(answers)
    assert await asyncio.gather(*map(together.ask, [2, 4, 6])) == [4, 8, 12]
    assert answers.asked == [[2, 4, 6]]


async def test_what_comes_while_others_are_answered_is_asked_next(answers: Answers) -> None:
    together = Together(answers)
    waiting = [asyncio.create_task(together.ask(2 * number)) for number in range(1)]
    for number in range(1, 20):
        while len(answers.asked) < min(number, AT_ONCE):
            await asyncio.sleep(0.001)  # until a thread has taken the one before
        waiting.append(asyncio.create_task(together.ask(2 * number)))
        await asyncio.sleep(0)
    answers.gate.set()
    assert await asyncio.gather(*waiting) == [4 * number for number in range(20)]
    assert len(answers.asked) == AT_ONCE + 1


async def test_an_exception_is_theirs_who_asked(answers: Answers) -> None:
    answers.gate.set()
    together = Together(answers)
    found = await asyncio.gather(*map(together.ask, [2, 3, 4]), return_exceptions=True)
    assert [type(each) for each in found] == [int, ValueError, int]
    assert await together.ask(10) == 20


async def test_a_failure_of_all_is_told_to_all_and_the_next_are_answered() -> None:
    failures = [OSError("away")]

    def answer_all(numbers: list[int]) -> list[int | Exception]:
        if failures:
            raise failures.pop()
        return [*numbers]

    together = Together(answer_all)
    found = await asyncio.gather(*map(together.ask, [1, 2]), return_exceptions=True)
    assert [str(each) for each in found] == ["away", "away"]
    assert await together.ask(3) == 3


async def test_who_has_gone_takes_no_answer_from_others(answers: Answers) -> None:
    together = Together(answers)
    gone, stays = (asyncio.create_task(together.ask(number)) for number in (2, 4))
    await asyncio.sleep(0)
    gone.cancel()
    answers.gate.set()
    assert await stays == 8
