"""WSGI applications behind an ASGI server, at the price of one hop into a thread.

Django's own ASGI handler makes several hops a request and takes its database connections from
another thread each time; the figures are in docs/adr. The body is complete before a thread is
taken, and a complete answer crosses back at once, so slow clients cost memory and no threads.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from veza.kit.asgi.body import Body, BodyReader, ClientGoneError
from veza.kit.asgi.environ import build_environ
from veza.kit.asgi.exchange import (
    SEND_TIMEOUT_S,
    Answer,
    Chunks,
    Exchange,
    FileWrapper,
    WSGIApp,
)
from veza.kit.asgi.refusals import (
    Headers,
    Receive,
    RefusalError,
    Scope,
    Send,
    internal_error,
    request_id_of,
    send_refusal,
    stopping,
)
from veza.kit.asgi.threads import ThreadPool

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 1024**2
UPLOAD_TIMEOUT_S = 1800.0
NO_PATHS: Mapping[str, int] = MappingProxyType({})
FILE_BLOCK_BYTES = 256 * 1024
_WITHOUT_CONTENT = (204, 304)


class WSGIBridge:
    """An ASGI application for the scope type `http` that answers with `wsgi_app`.

    `threads` requests run at a time and `max_waiting` wait in line; more are told 503 `overloaded`.
    A request whose answer has not begun `timeout_s` after its headers arrived ends as 503
    `request_timeout`; its thread goes on, and what comes out of it is dropped. Bodies larger than
    `max_body_bytes` are told 413 `body_too_large`; `larger_bodies` says for which paths it is more.
    """

    def __init__(  # noqa: PLR0913 - all but the first have a name
        self,
        wsgi_app: WSGIApp,
        *,
        threads: int,
        timeout_s: float,
        max_waiting: int = 200,
        max_body_bytes: int = MAX_BODY_BYTES,
        larger_bodies: Mapping[str, int] = NO_PATHS,
    ) -> None:
        self._app = wsgi_app
        self._timeout_s = timeout_s
        self._max_waiting = max_waiting
        self._bodies = BodyReader(limit=max_body_bytes)
        self._larger = {path: BodyReader(limit=limit) for path, limit in larger_bodies.items()}
        self._threads = ThreadPool(size=threads, name="django")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises nothing that a client can cause."""
        request_id = request_id_of(scope["headers"])
        try:
            exchange, answer = await self._ask(scope, receive, request_id=request_id)
        except ClientGoneError:
            return
        except RefusalError as refusal:
            await send_refusal(refusal, scope=scope, send=send, request_id=request_id)
            return
        except asyncio.CancelledError:  # the server ends its tasks before itself
            await send_refusal(stopping(), scope=scope, send=send, request_id=request_id)
            return
        try:
            await self._send(answer, exchange=exchange, scope=scope, receive=receive, send=send)
        except TimeoutError:
            logger.info("The client stopped reading its answer")
        finally:
            exchange.abandon()
            if isinstance(answer.content, FileWrapper):
                self._threads.submit(answer.content.close)

    async def stop(self, *, timeout_s: float) -> bool:
        """Let the threads finish; False if some still run after `timeout_s`."""
        return await asyncio.to_thread(self._threads.stop, timeout_s=timeout_s)

    async def _ask(
        self, scope: Scope, receive: Receive, *, request_id: str
    ) -> tuple[Exchange, Answer]:
        if self._is_full():  # first, so that a refusal costs as little as it can
            raise _overloaded()
        environ = build_environ(scope, request_id=request_id)
        has_body = False
        try:
            larger = self._larger.get(scope["path"].rstrip("/"))
            async with asyncio.timeout(self._timeout_s) as clock:
                if larger:  # files may take their time
                    clock.reschedule(asyncio.get_running_loop().time() + UPLOAD_TIMEOUT_S)
                body = await (larger or self._bodies).read(
                    receive, scope=scope, declared=environ.get("CONTENT_LENGTH")
                )
                if larger:
                    clock.reschedule(asyncio.get_running_loop().time() + self._timeout_s)
                has_body = True
                environ["CONTENT_LENGTH"] = str(body.size)
                environ["wsgi.input"] = body.file
                environ["wsgi.file_wrapper"] = FileWrapper
                exchange = self._enter(environ, body)
                return exchange, await self._outcome(exchange, receive)
        except TimeoutError:
            raise _timed_out(closes=not has_body) from None

    def _enter(self, environ: dict[str, object], body: Body) -> Exchange:
        if self._is_full():
            body.file.close()
            raise _overloaded()
        exchange = Exchange(app=self._app, environ=environ, submit=self._threads.submit)
        self._threads.submit(exchange.run)
        return exchange

    def _is_full(self) -> bool:
        return self._threads.waiting >= self._max_waiting

    async def _outcome(self, exchange: Exchange, receive: Receive) -> Answer:
        try:
            if self._threads.waiting:  # who leaves the line must not cost a thread
                with _watching(exchange, receive):
                    answer = await exchange.answer
            else:
                answer = await exchange.answer
        except asyncio.CancelledError:
            exchange.abandon()
            raise
        except Exception:  # logged where it happened
            raise internal_error() from None
        if answer is None:
            raise ClientGoneError
        return answer

    async def _send(
        self, answer: Answer, *, exchange: Exchange, scope: Scope, receive: Receive, send: Send
    ) -> None:
        headers, content = answer.headers, answer.content
        is_empty = scope["method"] == "HEAD" or answer.status in _WITHOUT_CONTENT
        if answer.status in _WITHOUT_CONTENT:
            headers = _without_length(headers)
        elif isinstance(content, bytes) and not (is_empty and _has_length(headers)):
            headers = [*_without_length(headers), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if is_empty or isinstance(content, bytes):
            body = content if isinstance(content, bytes) and not is_empty else b""
            await send({"type": "http.response.body", "body": body})
            return
        with _watching(exchange, receive):
            if isinstance(content, FileWrapper):
                await _send_file(content, exchange=exchange, send=send)
            else:
                await _send_chunks(content, exchange=exchange, send=send)


async def _send_file(wrapper: FileWrapper, *, exchange: Exchange, send: Send) -> None:
    while chunk := await asyncio.to_thread(wrapper.file.read, FILE_BLOCK_BYTES):
        if exchange.is_abandoned:
            return
        await _send_part(send, chunk)
    await _send_part(send, b"", more=False)


async def _send_chunks(chunks: Chunks, *, exchange: Exchange, send: Send) -> None:
    """Without the last message the server breaks the connection: so the client sees a failure."""
    while not exchange.is_abandoned:
        chunk = await chunks.get()
        if chunk is None:
            return
        await _send_part(send, chunk, more=bool(chunk))
        if not chunk:
            return


async def _send_part(send: Send, body: bytes, *, more: bool = True) -> None:
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await send({"type": "http.response.body", "body": body, "more_body": more})


@contextmanager
def _watching(exchange: Exchange, receive: Receive) -> Iterator[None]:
    """Abandon the exchange when the client goes away."""

    def tell(watch: "asyncio.Task[None]") -> None:
        if not watch.cancelled():
            watch.exception()  # a server that cannot say more is as good as a lost client
            exchange.lose_client()

    watch = asyncio.create_task(_until_gone(receive))
    watch.add_done_callback(tell)
    try:
        yield
    finally:
        watch.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _overloaded() -> RefusalError:
    return RefusalError(
        status=503,
        code="overloaded",
        detail="More requests are waiting than this server can take. Try again.",
        retry_after_s=1,
    )


def _timed_out(*, closes: bool) -> RefusalError:
    return RefusalError(
        status=503,
        code="request_timeout",
        detail="The request took longer than this server allows.",
        closes=closes,
    )


def _has_length(headers: Headers) -> bool:
    return any(name == b"content-length" for name, _ in headers)


def _without_length(headers: Headers) -> Headers:
    return [header for header in headers if header[0] != b"content-length"]
