"""P7, P8, P9: slow readers, the limit of clients, and everybody coming back at once."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.client import connect

from tests.faults.rig.centrifugo import Session, opened
from tests.faults.rig.facts import ROOM
from tests.faults.rig.programs import Web
from tests.faults.rig.sizes import SIZE
from tests.faults.rig.sse import Stream
from tests.faults.rig.system import System
from tests.faults.rig.trial import trial
from tests.faults.rig.waiting import say, until, until_elsewhere

MIB = 1024**2
PAYLOAD_BYTES = 8_000
LARGE_FACTS = 600
"""About 5 MB for each client: more than what may wait for it, and what the kernel takes."""
STREAM_LIMIT = 12
USER_LIMIT = 10
RECEIVE_BYTES = 4096


@asynccontextmanager
async def another_web(system: System, name: str, **settings: object) -> AsyncIterator[Web]:
    """One more web process, with settings of its own."""
    web = system.web(name, **settings)
    try:
        await web.start()
        yield web
    finally:
        web.stop()


def _narrow(port: int) -> socket.socket:
    """The window that a client offers is set before it connects."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    connection.connect(("127.0.0.1", port))
    connection.setblocking(False)
    return connection


async def test_who_does_not_read_is_dropped_and_takes_no_memory(system: System) -> None:
    async with trial(system) as run, another_web(system, "web-slow") as web:
        await run.watch(sse=3, sockets=3, ports=lambda: [web.client_port])
        before = web.memory_bytes()
        # Straight to the process: a proxy between would read, and hold what it reads.
        slow = [await DEAF[number % 2](web.port) for number in range(SIZE.slow)]
        streams = _streams(web)
        await run.write(
            publishers=2, pause_s=0.002,
            arguments=("--payload-bytes", str(PAYLOAD_BYTES), "--count", str(LARGE_FACTS)),
        )  # fmt: skip
        publisher = run.publishers[0]
        highest = 0
        while publisher.is_running:
            highest = max(highest, web.memory_bytes())
            await asyncio.sleep(0.05)
        await until_elsewhere(
            lambda: _streams(web) <= streams - SIZE.slow,
            what="those who do not read are dropped",
        )  # fmt: skip
        await run.judge(at_least=LARGE_FACTS // 2)
        say(f"memory grew from {before / MIB:.0f} to {highest / MIB:.0f} MiB at most")
        # The facts themselves stay in memory, in several forms.
        facts = 6 * LARGE_FACTS * PAYLOAD_BYTES
        assert highest - before < facts + SIZE.slow * (256 + 128) * 1024 + 16 * MIB
        for close in slow:
            close()
        back = await run.watch(sse=2, sockets=2, ports=lambda: [web.client_port])
        await run.drain()
        assert all(len(each.seen) == len(run.watchers[0].seen) for each in back)
        assert [each.resets for each in back] == [[]] * 4


async def _deaf_stream(port: int) -> Callable[[], None]:
    """A stream whose bytes nobody takes; how to close it."""
    stream = await Stream.open(port, sock=_narrow(port))
    stream.writer.transport.pause_reading()  # type: ignore[attr-defined]
    return stream.close


async def _deaf_socket(port: int) -> Callable[[], None]:
    """A WebSocket that has joined the same room, and whose frames nobody takes."""
    socket = await connect(
        f"ws://127.0.0.1:{port}/connection/websocket", sock=_narrow(port), proxy=None,
        ping_interval=None, compression=None, max_queue=1,
    )  # fmt: skip
    session = Session(socket)
    await session.ask("connect")
    await session.ask("subscribe", channel=ROOM)
    socket.transport.pause_reading()
    return socket.transport.abort


DEAF = (_deaf_stream, _deaf_socket)


def _streams(web: Web) -> float:
    return web.metric("veza_realtime_connections{")


async def test_at_the_limit_the_oldest_stream_gives_way(system: System) -> None:
    async with another_web(system, "web-limit", SSE_MAX_CLIENTS=STREAM_LIMIT) as web:
        streams: list[Stream] = []
        words: list[asyncio.Task[str]] = []

        async def open_another() -> None:
            stream = await Stream.open(web.port)
            streams.append(stream)
            words.append(asyncio.create_task(_last_word(stream)))

        def gone() -> list[bool]:
            return [word.done() for word in words]

        try:
            for _ in range(2 * STREAM_LIMIT):
                await open_another()
            first = [True] * STREAM_LIMIT + [False] * STREAM_LIMIT
            await until(lambda: gone() == first, what="the oldest gave way")
            # Many at once: who comes last stays, and there are never more than the limit.
            await asyncio.gather(*(open_another() for _ in range(3 * STREAM_LIMIT)))
            await until(lambda: gone().count(False) == STREAM_LIMIT, what="the limit holds")
            assert _streams(web) == STREAM_LIMIT
            assert all(gone()[: 2 * STREAM_LIMIT])
            assert {word.result() for word in words if word.done()} == {"disconnected"}
        finally:
            for word in words:
                word.cancel()
            for stream in streams:
                stream.close()


async def _last_word(stream: Stream) -> str:
    """What the server said last before it ended the stream."""
    told = ""
    with suppress(EOFError):
        while True:
            told = (await stream.next()).get("data", "")
    return told


async def test_the_eleventh_socket_of_a_user_ends_his_oldest(system: System) -> None:
    web, token = system.webs[0], system.tokens[1]
    closed: list[int] = []

    async def hold(number: int, there: asyncio.Event) -> None:
        async with opened(web.client_port) as socket:
            session = Session(socket)
            await session.ask("connect", token=token)
            there.set()
            with suppress(Exception):
                while True:
                    await session.next()
            closed.append(number)
            assert socket.close_code == 3504

    tasks = []
    for number in range(USER_LIMIT + 2):
        there = asyncio.Event()
        tasks.append(asyncio.create_task(hold(number, there)))
        await asyncio.wait_for(there.wait(), 10)
    await until(lambda: len(closed) >= 2, what="the two oldest are closed")
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert closed == [0, 1]
    assert results[:2] == [None, None]


async def test_everybody_comes_back_at_once_after_a_crash(system: System) -> None:
    async with trial(system) as run:
        await run.watch(sse=SIZE.storm // 2, sockets=SIZE.storm // 2)
        await run.write(publishers=1, pause_s=0.02)
        await asyncio.sleep(0.5)
        victim = system.webs[0]
        connects = sum(watcher.connects for watcher in run.watchers)
        victim.kill()
        began = time.monotonic()

        def are_back() -> bool:
            again = sum(watcher.connects for watcher in run.watchers) - connects
            are_there = all(watcher.is_connected.is_set() for watcher in run.watchers)
            return are_there and again >= len(run.watchers) // 3

        await until(
            are_back, what="all clients are back",
        )  # fmt: skip
        say(f"all {len(run.watchers)} are back after {time.monotonic() - began:.2f} s")
        await victim.start()
        rows = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        assert system.query(rows)[0][0] <= 60, "more connections than all pools together"
        await run.judge(at_least=20)
