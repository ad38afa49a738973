"""What a process could not read is read when it is asked for again."""

import asyncio

from apps.datastream.selectors import held
from apps.realtime.types import Place
from tests.apps.datastream.documents import GAME_ID


async def test_a_reading_that_failed_in_any_way_is_tried_again(monkeypatch):
    document = (
        f'{{"id":1,"game_id":"{GAME_ID}","finished_at":"2026-11-21T10:00:00Z","timestamp":1}}'
    )
    answers = iter([RuntimeError("nobody expected this"), ([document.encode()], 0)])
    rounds = held.RoundsInMemory()
    rounds._place = lambda _: Place(fills=1, head=0)

    def read(_):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(held, "_read_rounds", read)
    for _ in range(2):
        rounds.warm("dice")
        await asyncio.gather(*rounds._reading, return_exceptions=True)
        await asyncio.sleep(0)  # what follows an ended task is called in the next turn

    assert rounds.find("dice") is not None
