"""Questions that block, asked by many at the same moment: a thread answers them in a row.

To hand a question to a thread and its answer back costs more than most answers.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")

AT_ONCE = 2
"""So many threads are asked at the same time: a slow answer does not hold up everybody."""


class Together(Generic[Question, Answer]):
    """Called on one event loop. `answer_all` is called in a thread with the questions that have
    come meanwhile, and answers in their order; an answer that is an exception is raised to who
    asked, and what `answer_all` raises to all of them.
    """

    def __init__(
        self,
        answer_all: Callable[[list[Question]], Sequence[Answer | Exception]],
        *,
        executor: Executor | None = None,
    ) -> None:
        self._answer_all = answer_all
        self._executor = executor
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._asking: set[asyncio.Task[None]] = set()
        self._busy = 0

    async def ask(self, question: Question) -> Answer:
        """The answer, as it is at some moment after the call."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((question, answer))
        if self._busy < AT_ONCE and len(self._waiting) == 1:
            self._busy += 1
            task = loop.create_task(self._ask_all())  # begins when this turn is over
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        return await answer

    async def _ask_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                questions = [question for question, _ in waiting]
                try:
                    answers = await loop.run_in_executor(
                        self._executor, self._answer_all, questions
                    )
                except Exception as fault:
                    answers = [fault] * len(waiting)
                for (_, future), answer in zip(waiting, answers, strict=True):
                    _give(future, answer)
        finally:
            self._busy -= 1


def _give(future: "asyncio.Future[Answer]", answer: Answer | Exception) -> None:
    if future.done():  # who asked has gone
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
