"""Where an ingestor's prices come from: a random walk, or lines of JSON."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from typing import TextIO

TICK_S = 0.01
FIRST_PRICE = 100.0
STEP = 0.0005
LEAST = 0.01

Batch = list[str]
"""Frames to be sent one after the other without a pause."""


async def random_walk(instruments: Sequence[str], *, per_s: float) -> AsyncIterator[Batch]:
    """Prices of the instruments in turn, `per_s` a second over all; `ts` in milliseconds."""
    loop = asyncio.get_running_loop()
    prices = dict.fromkeys(instruments, FIRST_PRICE)
    began, made = loop.time(), 0
    while True:
        due = int((loop.time() - began) * per_s) + 1
        batch = []
        for number in range(made, due):
            name = instruments[number % len(instruments)]
            prices[name] = max(LEAST, prices[name] * (1 + random.gauss(0, STEP)))
            batch.append(frame(name, round(prices[name], 4)))
        made = due
        yield batch
        await asyncio.sleep(max(TICK_S, began + made / per_s - loop.time()))


async def json_lines(lines: TextIO) -> AsyncIterator[Batch]:
    """A message a line; the type may be left out. Raises ValueError for what is no JSON object."""
    number = 0
    while line := await asyncio.to_thread(lines.readline):
        number += 1
        if not line.strip():
            continue
        yield [_message(line, number)]


def frame(instrument: str, price: float) -> str:
    """A price as it is now."""
    now_ms = time.time_ns() // 1_000_000
    return (
        f'{{"type":"price_update","instrument":{json.dumps(instrument)}'
        f',"price":{price},"ts":{now_ms}}}'
    )


def _message(line: str, number: int) -> str:
    try:
        return json.dumps({"type": "price_update"} | json.loads(line))
    except (ValueError, TypeError):
        raise ValueError(f"Line {number} is no JSON object.") from None
