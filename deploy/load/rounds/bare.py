"""The projector's script alone, with the words of the batches that the stream now holds: prints
how many rounds a second it takes. Leaves nothing behind.
"""

import time

import django

django.setup()

# What follows needs the settings.
from apps.datastream.services.projector import Projector  # noqa: E402
from veza.integrations.change_stream import change_stream  # noqa: E402
from veza.integrations.projection import Batch, State  # noqa: E402
from veza.integrations.projection.redis import RedisProjection  # noqa: E402


class Recording(RedisProjection):
    """Keeps batches instead of applying them."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[Batch] = []

    def state(self) -> State:
        return State()

    def turn(self, batch: Batch) -> "Kept":
        self.batches.append(batch)
        return Kept()


class Kept:
    """Is never applied."""

    def begin(self) -> None:
        pass

    def settle(self) -> None:
        pass


def main() -> None:
    recording, stream = Recording(), change_stream()
    trimmed = stream.trim
    stream.trim = lambda *_: None  # type: ignore[method-assign] # the projector is to read it, too
    projector = Projector(stream=stream, into=recording)
    while projector.step(wait_s=0.1):
        pass
    stream.trim = trimmed  # type: ignore[method-assign]
    store = RedisProjection()
    turns = [store.turn(each) for each in recording.batches]
    began = time.perf_counter()
    for each in turns:
        each.begin()
        each.settle()
    took = time.perf_counter() - began
    print(sum(len(each.effects) for each in recording.batches) / took)
    for key in store._patient.scan_iter("*"):  # noqa: SLF001
        if not key.startswith(b"veza.public."):
            store._patient.delete(key)  # noqa: SLF001


if __name__ == "__main__":
    main()
