"""`/api/v1/uploads`: the tus protocol 1.0.0, as an ASGI application.

It stands beside Django, whose handlers want the whole body before they begin.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from apps.track.api.authentication import identify_uploader
from apps.track.api.views.tus_answers import Answer
from apps.track.api.views.tus_arrivals import Arrival, arriving
from apps.track.api.views.tus_bodies import ClientGoneError, write_body
from apps.track.api.views.tus_requests import (
    Fields,
    announced,
    brings_bytes,
    check_bytes,
    check_version,
    read_checksum,
    read_length,
    read_metadata,
    upload_id_of,
)
from apps.track.api.views.tus_threads import in_thread
from apps.track.errors.uploads import (
    TusVersionError,
    UploadDirectError,
    UploadExceededError,
    UploadLockedError,
    UploadOffsetError,
)
from apps.track.models import Upload
from apps.track.rules.uploads import parse_count
from apps.track.selectors.uploads import get_upload
from apps.track.services.upload_sweep import finish_left
from apps.track.services.uploads import create_upload_once, terminate_upload
from apps.track.services.writers import Hold, let_go, look, take_hold
from apps.track.services.writing import Checksum
from apps.track.types.uploads import UploadState
from veza.kit.api.failures import Failure
from veza.kit.api.idempotency import HEADER as IDEMPOTENCY_KEY
from veza.kit.api.native import spend
from veza.kit.asgi import lifecycle
from veza.kit.asgi.refusals import Receive, Scope, Send, request_id_of, stopping
from veza.kit.context import bind_request_id
from veza.kit.errors import ThrottledError

WAIT_S = 2.6
"""For a writer to end: longer than the lease of one that was killed, and than the silence after
which one gives way.
"""
ASK_EVERY_S = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request by a known user. `upload_id` is None where uploads are made."""

    scope: Scope
    receive: Receive
    fields: Fields
    user_id: UUID
    session_id: UUID
    upload_id: UUID
    arrival: Arrival
    answer: Answer


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    request_id = request_id_of(scope["headers"])
    answer = Answer(scope=scope, send=send, request_id=request_id)
    with bind_request_id(request_id):
        try:
            await _route(scope, receive, answer)
        except ClientGoneError:
            return
        except asyncio.CancelledError:  # the server ends its tasks before itself
            await answer.refuse(stopping())
        except Exception as exc:
            await answer.refuse(exc)


async def _route(scope: Scope, receive: Receive, answer: Answer) -> None:
    upload_id = upload_id_of(scope)
    actions = _COLLECTION if upload_id is None else _RESOURCE
    allowed = ", ".join(sorted([*actions, "OPTIONS"]))
    if scope["method"] == "OPTIONS":
        await answer.options(methods=allowed)
        return
    action = actions.get(scope["method"])
    if action is None:
        await answer.problem(_not_allowed(allowed))
        return
    with arriving(upload_id, writes=scope["method"] == "PATCH") as arrival:
        await action(await _identified(scope, receive, answer, arrival))


async def _identified(scope: Scope, receive: Receive, answer: Answer, arrival: Arrival) -> Call:
    if scope["method"] in ("POST", "DELETE"):
        await _spend(scope, answer)
    fields = Fields(scope["headers"])
    if not _may_be_direct(scope, fields):
        check_version(fields)
    header = fields.get("Authorization") or ""
    user_id, session_id = await in_thread(identify_uploader, header, now=timezone.now())
    if lifecycle.is_stopping():
        raise stopping()
    return Call(
        scope=scope, receive=receive, fields=fields, user_id=user_id, session_id=session_id,
        arrival=arrival,
        upload_id=upload_id_of(scope) or UUID(int=0), answer=answer,
    )  # fmt: skip


def _may_be_direct(scope: Scope, fields: Fields) -> bool:
    """Who sends to the bucket speaks another protocol, and gives his upload up here."""
    return scope["method"] == "DELETE" and fields.get("Tus-Resumable") is None


async def _create(call: Call) -> None:
    size_bytes, metadata = read_length(call.fields), read_metadata(call.fields)
    checksum = read_checksum(call.fields)
    has_body, length = brings_bytes(call.fields), announced(call.fields)
    if has_body and (length or 0) > size_bytes:
        raise UploadExceededError
    key = call.fields.get(IDEMPOTENCY_KEY)
    row, is_replay = await in_thread(
        create_upload_once,
        key=key, user_id=call.user_id, size_bytes=size_bytes, metadata=metadata,
        now=timezone.now(),
    )  # fmt: skip
    if has_body and row.state == UploadState.RECEIVING and not is_replay:
        row = await _fill(call, row, checksum=checksum, can_ask_again=key is not None)
    await call.answer.created(row, is_replay=is_replay)


async def _fill(
    call: Call, row: Upload, *, checksum: Checksum | None, can_ask_again: bool
) -> Upload:
    """Who does not get the answer does not know the address: then it was never made, unless he
    can ask for it again.
    """
    hold = await in_thread(take_hold, upload_id=row.id, user_id=call.user_id, now=timezone.now())
    if hold is None:  # nobody else knows it, so this is not to be
        raise UploadLockedError
    try:
        return await _write(call, hold, checksum)
    except BaseException:
        if can_ask_again:
            raise
        await in_thread(
            terminate_upload, upload_id=row.id, user_id=call.user_id, now=timezone.now()
        )
        raise


async def _write(call: Call, hold: Hold, checksum: Checksum | None) -> Upload:
    return await write_body(
        call.scope, call.receive, hold=hold, checksum=checksum, session_id=call.session_id
    )


async def _describe(call: Call) -> None:
    row = await _settled(call)
    if row.state == UploadState.RECEIVING and row.offset_bytes == row.size_bytes:
        await in_thread(finish_left, upload_id=row.id, user_id=call.user_id, now=timezone.now())
        row = await in_thread(get_upload, row.id, user_id=call.user_id, now=timezone.now())
    await call.answer.described(row)


async def _settled(call: Call) -> Upload:
    """The upload once its writer has ended; one that is busy is not waited for any longer."""
    await call.arrival.others(within_s=WAIT_S)
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while True:
        row, is_free = await in_thread(
            look, upload_id=call.upload_id, user_id=call.user_id, now=timezone.now()
        )
        if is_free or asyncio.get_running_loop().time() > deadline:
            return row
        await asyncio.sleep(ASK_EVERY_S)


async def _append(call: Call) -> None:
    check_bytes(call.fields)
    offset = call.fields.need("Upload-Offset", parse_count)
    checksum = read_checksum(call.fields)
    hold = await _hold(call, offset=offset)
    if hold.row.state != UploadState.RECEIVING:
        await _append_nothing(call, hold)
        return
    row = await _write(call, hold, checksum)
    await call.answer.stored(row)


async def _hold(call: Call, *, offset: int) -> Hold:
    """The right to write at `offset`. Raises UploadLockedError, UploadOffsetError,
    UploadExceededError.
    """
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while True:
        hold = await in_thread(
            take_hold, upload_id=call.upload_id, user_id=call.user_id, now=timezone.now()
        )
        call.arrival.settle()
        if hold is not None:
            break
        if asyncio.get_running_loop().time() > deadline:
            raise UploadLockedError(retry_after_s=1)
        await asyncio.sleep(ASK_EVERY_S)
    try:
        _check_place(hold.row, offset=offset, length=announced(call.fields))
    except BaseException:
        await in_thread(_give_back, hold)
        raise
    return hold


def _give_back(hold: Hold) -> None:
    """As it was: what was not clean is not clean now."""
    let_go(upload_id=hold.row.id, writer=hold.writer, is_clean=hold.is_clean)


def _check_place(row: Upload, *, offset: int, length: int | None) -> None:
    if row.part_size_bytes is not None:
        raise UploadDirectError
    if offset != row.offset_bytes:
        raise UploadOffsetError
    if offset + (length or 0) > row.size_bytes:
        raise UploadExceededError


async def _append_nothing(call: Call, hold: Hold) -> None:
    """To an upload that is whole: a client that did not get the last answer may ask again."""
    message = await call.receive()
    while message["type"] == "http.request":
        if message.get("body"):
            raise UploadExceededError
        if not message.get("more_body"):
            await call.answer.stored(hold.row)
            return
        message = await call.receive()


async def _terminate(call: Call) -> None:
    if _may_be_direct(call.scope, call.fields):
        await in_thread(_check_direct, call)
    await in_thread(
        terminate_upload, upload_id=call.upload_id, user_id=call.user_id, now=timezone.now()
    )
    await call.answer.deleted()


def _check_direct(call: Call) -> None:
    row = get_upload(call.upload_id, user_id=call.user_id, now=timezone.now())
    if row.part_size_bytes is None:
        raise TusVersionError


async def _spend(scope: Scope, answer: Answer) -> None:
    decision = await spend(scope)
    answer.limits = decision.headers()
    if not decision.is_allowed:
        raise ThrottledError(retry_after_s=decision.retry_after_s)


def _not_allowed(allowed: str) -> Failure:
    return Failure(
        status=405,
        code="method_not_allowed",
        detail=f"This address takes {allowed}.",
        headers={"Allow": allowed},
    )


Action = Callable[[Call], Awaitable[None]]
_COLLECTION: dict[str, Action] = {"POST": _create}
_RESOURCE: dict[str, Action] = {"HEAD": _describe, "PATCH": _append, "DELETE": _terminate}
