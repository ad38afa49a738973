"""The published SDKs behind one face, so that one test speaks with all of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import centrifuge  # type: ignore[import-untyped]
from centrifuge.handlers import (  # type: ignore[import-untyped]
    ClientEventHandler,
    SubscriptionEventHandler,
)
from centrifuge.types import StreamPosition  # type: ignore[import-untyped]

from tests import npm
from tests.patience import PATIENCE_S

HERE = Path(__file__).parent
KINDS = ("javascript-json", "javascript-protobuf", "python-json", "python-protobuf")
Event = dict[str, Any]


class ReplyError(Exception):
    """The server answered with an error."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Client:
    """What has happened, in order, and what can be asked for."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._seen = 0
        self._happened = asyncio.Condition()

    async def act(self, do: str, **arguments: Any) -> Any:
        """Ask the SDK for something; its answer. Raises ReplyError."""
        raise NotImplementedError

    async def connect(self, **arguments: Any) -> Event:
        """`token` and then, each time the SDK asks for a new one, the next of `tokens`."""
        await self.act("connect", **arguments)
        return await self.until("connected")

    async def subscribe(self, channel: str, **options: Any) -> Event:
        """The event `subscribed`."""
        await self.act("subscribe", channel=channel, options=options)
        return await self.until("subscribed", channel=channel)

    async def until(self, event: str, **details: Any) -> Event:
        """The next such event after the one that was last waited for."""
        wanted = {"event": event, **details}
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for number in range(self._seen, len(self.events)):
                    if wanted.items() <= self.events[number].items():
                        self._seen = number + 1
                        return self.events[number]
                async with self._happened:
                    before = len(self.events)
                    await self._happened.wait_for(lambda: len(self.events) > before)  # noqa: B023

    async def until_received(self, channel: str, ids: list[str]) -> None:
        """Until the last of these facts has come."""
        async with asyncio.timeout(PATIENCE_S), self._happened:
            await self._happened.wait_for(lambda: ids[-1] in self.received(channel))

    def publications(self, channel: str) -> list[Event]:
        """All that came in this channel."""
        return [
            event for event in self.events
            if event["event"] == "publication" and event["channel"] == channel
        ]  # fmt: skip

    def received(self, channel: str) -> list[str]:
        """The ids of all that came in this channel, in order, doubles too."""
        return [event["data"]["id"] for event in self.publications(channel)]

    async def note(self, event: Event) -> None:
        """Something happened."""
        async with self._happened:
            self.events.append(event)
            self._happened.notify_all()


class JavaScriptClient(Client):
    """The npm package in a Node process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        self._process = process
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}

    async def act(self, do: str, **arguments: Any) -> Any:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        line = json.dumps({"id": number, "do": do, **arguments})
        self._process.stdin.write(line.encode() + b"\n")
        async with asyncio.timeout(PATIENCE_S):
            return await answer

    async def listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if "event" in said:
                await self.note(said)
            elif "error" in said:
                self._answers.pop(said["id"]).set_exception(ReplyError(said["error"]["code"]))
            else:
                self._answers.pop(said["id"]).set_result(said["result"])
        for answer in self._answers.values():
            answer.set_exception(ConnectionError("The Node process has ended."))


class PythonClient(Client):
    """The PyPI package in this process."""

    def __init__(self, url: str, *, is_protobuf: bool) -> None:
        super().__init__()
        self._url = url
        self._is_protobuf = is_protobuf
        self._client: centrifuge.Client | None = None
        self._subscriptions: dict[str, centrifuge.Subscription] = {}

    async def act(self, do: str, **arguments: Any) -> Any:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await getattr(self, f"_{do}")(**arguments)
        except centrifuge.ReplyError as error:
            raise ReplyError(error.code) from None

    @property
    def client(self) -> centrifuge.Client:
        assert self._client is not None
        return self._client

    async def _connect(self, token: str = "", tokens: list[str] | None = None) -> None:
        waiting = list(tokens or [])

        async def get_token() -> str:
            await self.note({"event": "get_token"})
            return waiting.pop(0) if waiting else token

        self._client = centrifuge.Client(
            self._url, events=_ClientEvents(self), token=token,
            get_token=get_token if token else None, use_protobuf=self._is_protobuf,
            timeout=PATIENCE_S, min_reconnect_delay=0.05, max_reconnect_delay=0.4, proxy=None,
        )  # fmt: skip
        await self._client.connect()

    async def _subscribe(self, channel: str, options: dict[str, Any]) -> None:
        since = options.get("since") or {}

        async def get_state(_channel: str) -> StreamPosition:
            return StreamPosition(**since)

        self._subscriptions[channel] = subscription = self.client.new_subscription(
            channel, events=_SubscriptionEvents(self, channel), min_resubscribe_delay=0.05,
            max_resubscribe_delay=0.4, join_leave=options.get("join_leave", False),
            get_state=get_state if since else None,
        )  # fmt: skip
        await subscription.subscribe()

    async def _history(self, channel: str, options: dict[str, Any]) -> dict[str, Any]:
        since = options.get("since")
        result = await self.client.history(
            channel, limit=options.get("limit", 0), reverse=options.get("reverse", False),
            since=StreamPosition(**since) if since else None,
        )  # fmt: skip
        found = [{"data": each.data, "offset": each.offset} for each in result.publications]
        for each in found:
            each["data"] = decoded(each["data"])
        return {"publications": found, "offset": result.offset, "epoch": result.epoch}

    async def _presence(self, channel: str) -> dict[str, Any]:
        result = await self.client.presence(channel)
        return {key: person(info) for key, info in result.clients.items()}

    async def _presence_stats(self, channel: str) -> dict[str, Any]:
        stats = await self.client.presence_stats(channel)
        return {"clients": stats.num_clients, "users": stats.num_users}

    async def _publish(self, channel: str, data: Any) -> None:
        await self.client.publish(channel, self._encoded(data))

    async def _rpc(self) -> None:
        await self.client.rpc("anything", self._encoded({}))

    async def _unsubscribe(self, channel: str) -> None:
        await self._subscriptions[channel].unsubscribe()

    async def _resubscribe(self, channel: str) -> None:
        await self._subscriptions[channel].subscribe()

    async def _disconnect(self) -> None:
        await self.client.disconnect()

    def _encoded(self, data: Any) -> Any:
        return json.dumps(data).encode() if self._is_protobuf else data

    async def close(self) -> None:
        if self._client is not None:
            await self._client.disconnect()


class _ClientEvents(ClientEventHandler):  # type: ignore[misc]
    def __init__(self, client: PythonClient) -> None:
        self._client = client

    async def on_connected(self, ctx: Any) -> None:
        await self._client.note({"event": "connected", "client": ctx.client})

    async def on_connecting(self, ctx: Any) -> None:
        await self._client.note({"event": "connecting", "code": ctx.code})

    async def on_disconnected(self, ctx: Any) -> None:
        told = {"event": "disconnected", "code": ctx.code, "reason": ctx.reason}
        await self._client.note(told)


class _SubscriptionEvents(SubscriptionEventHandler):  # type: ignore[misc]
    def __init__(self, client: PythonClient, channel: str) -> None:
        self._client = client
        self._channel = channel

    async def on_subscribed(self, ctx: Any) -> None:
        position = ctx.stream_position
        await self._tell(
            "subscribed", recoverable=ctx.recoverable, positioned=ctx.positioned,
            was_recovering=ctx.was_recovering, recovered=ctx.recovered,
            offset=position.offset if position else 0, epoch=position.epoch if position else "",
        )  # fmt: skip

    async def on_subscribing(self, ctx: Any) -> None:
        await self._tell("subscribing", code=ctx.code)

    async def on_unsubscribed(self, ctx: Any) -> None:
        await self._tell("unsubscribed", code=ctx.code)

    async def on_publication(self, ctx: Any) -> None:
        await self._tell("publication", data=decoded(ctx.pub.data), offset=ctx.pub.offset)

    async def on_join(self, ctx: Any) -> None:
        await self._tell("join", **person(ctx.info))

    async def on_leave(self, ctx: Any) -> None:
        await self._tell("leave", **person(ctx.info))

    async def _tell(self, event: str, **details: Any) -> None:
        await self._client.note({"event": event, "channel": self._channel, **details})


def decoded(data: Any) -> Any:
    """In Protobuf an SDK leaves it to the application to read what it got as JSON."""
    return json.loads(data) if isinstance(data, bytes) else data


def person(info: Any) -> dict[str, Any]:
    return {"client": info.client, "user": info.user, "info": decoded(info.conn_info) or None}


@asynccontextmanager
async def client_of(kind: str, url: str) -> AsyncIterator[Client]:
    """A client of the SDK and encoding that `kind` names; gone at the end."""
    language, _, encoding = kind.partition("-")
    if language == "python":
        client = PythonClient(url, is_protobuf=encoding == "protobuf")
        try:
            yield client
        finally:
            await client.close()
        return
    process = await asyncio.create_subprocess_exec(
        "node", "client.mjs", url, encoding, cwd=installed_packages(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24,
    )  # fmt: skip
    in_node = JavaScriptClient(process)
    listening = asyncio.create_task(in_node.listen())
    try:
        yield in_node
    finally:
        process.stdin.close()  # type: ignore[union-attr] # it is a pipe
        await process.wait()
        await listening


def installed_packages() -> Path:
    """A folder with the SDKs of JavaScript and the script that speaks by them."""
    return npm.installed_packages(HERE, "client.mjs")
