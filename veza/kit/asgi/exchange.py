"""One request in its thread: the WSGI application is called, its answer handed to the loop."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from veza.kit.asgi.refusals import Headers
from veza.kit.asgi.threads import Call

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
WSGIApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Chunks = asyncio.Queue[bytes | None]

SEND_TIMEOUT_S = 30.0


class FileWrapper:
    """`wsgi.file_wrapper` (PEP 3333): a file that the loop sends, so that no thread waits."""

    def __init__(self, file: BinaryIO, block_size: int = 65536) -> None:
        self.file = file
        self.block_size = block_size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(self.block_size), b"")

    def close(self) -> None:
        """Close the file, and with it the answer that it belongs to."""
        if hasattr(self.file, "close"):
            self.file.close()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the application answered. Chunks end with an empty one, or with None if they broke."""

    status: int
    headers: Headers
    content: bytes | FileWrapper | Chunks


class StartError(Exception):
    """The application did not begin its answer as PEP 3333 asks."""


class Exchange:
    """Runs in a thread (`run`); everything else is called on the loop."""

    def __init__(self, *, app: WSGIApp, environ: Environ, submit: Callable[[Call], None]) -> None:
        self._app = app
        self._environ = environ
        self._submit = submit
        self._loop = asyncio.get_running_loop()
        self._head: tuple[int, Headers] | None = None
        self._written: list[bytes] = []
        self._chunks: Chunks | None = None
        self.is_abandoned = False
        self.answer: asyncio.Future[Answer | None] = self._loop.create_future()

    def abandon(self) -> None:
        """Nobody waits for the answer, or for the rest of it: `answer` becomes None if it is open.

        What has begun in the thread goes on to its end; what waits in line will not begin.
        """
        self.is_abandoned = True
        if not self.answer.done():
            self.answer.set_result(None)
        if self._chunks is not None and not self._chunks.empty():
            self._chunks.get_nowait()  # the thread may be waiting to put the next one

    def lose_client(self) -> None:
        """`abandon`, and wake who waits for the next chunk: it may never come."""
        self.abandon()
        if self._chunks is not None and self._chunks.empty():
            self._chunks.put_nowait(None)

    def run(self) -> None:
        """Call the application and see its answer off."""
        try:
            if not self.is_abandoned:
                self._call()
        finally:
            self._environ["wsgi.input"].close()

    def _call(self) -> None:
        try:
            content = self._app(self._environ, self._start_response)
        except Exception as error:
            self._fail(error)
            return
        if isinstance(content, FileWrapper):
            self._post(content)
            return
        try:
            if isinstance(content, list | tuple) or getattr(content, "streaming", True) is False:
                self._post(b"".join([*self._written, *content]))
            else:
                self._stream(iter(content))
        except Exception as error:
            self._fail(error)
        finally:
            _close(content)

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if self._head is not None and exc_info is None:
            raise StartError("start_response was called twice")
        encoded = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]
        self._head = (int(status[:3]), encoded)
        return self._written.append

    def _stream(self, chunks: Iterator[bytes]) -> None:
        first = next(chunks, b"")
        queue: Chunks = asyncio.Queue(maxsize=1)
        self._chunks = queue
        self._post(queue)
        try:
            for chunk in [*self._written, first]:
                self._put(chunk)
            for chunk in chunks:
                if self.is_abandoned:
                    return
                self._put(chunk)
        except Exception:
            self._send_mark(queue, None)
            raise
        self._send_mark(queue, b"")

    def _put(self, chunk: bytes) -> None:
        """Wait until the loop has taken the chunk before this one. Raises TimeoutError."""
        if chunk and self._chunks is not None and not self.is_abandoned:
            self._wait_for(self._chunks.put(chunk))

    def _send_mark(self, queue: Chunks, mark: bytes | None) -> None:
        if not self.is_abandoned:
            self._wait_for(queue.put(mark))

    def _wait_for(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:  # the loop has ended
            coroutine.close()
            self.is_abandoned = True
            return
        try:
            future.result(2 * SEND_TIMEOUT_S)  # the loop gives up before, and abandons us
        except TimeoutError:
            future.cancel()
            raise

    def _post(self, content: bytes | FileWrapper | Chunks) -> None:
        if self._head is None:
            _close(content)
            raise StartError("the application answered without start_response")
        status, headers = self._head
        answer = Answer(status=status, headers=headers, content=content)
        try:
            self._loop.call_soon_threadsafe(self._deliver, answer)
        except RuntimeError:  # the loop has ended
            _close(content)

    def _deliver(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)
        elif isinstance(answer.content, FileWrapper):
            self._submit(answer.content.close)

    def _fail(self, error: Exception) -> None:
        logger.error("The WSGI application failed", exc_info=error)
        try:
            self._loop.call_soon_threadsafe(self._deliver_failure, error)
        except RuntimeError:
            return

    def _deliver_failure(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


def _close(content: object) -> None:
    close = getattr(content, "close", None)
    if close is not None:
        close()
