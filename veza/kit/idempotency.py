"""Keys by which a client repeats a POST without repeating its effect.

The effect and the stored answer are one transaction, and a PostgreSQL advisory lock says that a
key is at work: it ends with the transaction, or with the connection of a process that was killed.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from veza.kit.crypto import decrypt, encrypt
from veza.kit.errors import ConflictError, InvalidError, VezaError
from veza.kit.models import IdempotencyKey

KEPT = timedelta(hours=24)
MAX_KEY = 255


class IdempotencyKeyInvalidError(InvalidError):
    code = "idempotency_key_invalid"
    message = "An Idempotency-Key is 1 to 255 printable ASCII characters."


class IdempotencyKeyInUseError(ConflictError):
    code = "idempotency_key_in_use"
    message = "A request with this Idempotency-Key is still running; ask again in a moment."


class IdempotencyKeyReusedError(VezaError):
    """The key belongs to another request (422)."""

    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used for another request; take a new one."


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the client was told, and is told again."""

    status: int
    headers: Mapping[str, str]
    body: str


def check_key(key: str) -> None:
    """Raise IdempotencyKeyInvalidError unless `key` is one."""
    if len(key) > MAX_KEY or not key.strip() or not (key.isascii() and key.isprintable()):
        raise IdempotencyKeyInvalidError


def fingerprint(*parts: str) -> str:
    """What the request asked for. Keyed, because bodies hold passwords."""
    text = json.dumps(parts)
    return salted_hmac("veza.kit.idempotency", text, algorithm="sha256").hexdigest()


def answer_once(  # noqa: PLR0913 - what is asked, by whom, and how to answer it
    *,
    scope: str,
    key: str,
    request_hash: str,
    now: datetime,
    run: Callable[[], Answer],
    is_kept: Callable[[Answer], bool],
) -> tuple[Answer, bool]:
    """The answer of `run`, or the one that it gave the first time; and whether it is that one.

    `run` undoes its own effects when it fails. An answer that is not kept leaves the key free.
    Raises IdempotencyKeyInUseError, IdempotencyKeyReusedError.
    """
    with transaction.atomic():
        _lock(scope, key)
        known = _find(scope, key, now)
        if known:
            if known.request_hash != request_hash:
                raise IdempotencyKeyReusedError
            return Answer(**json.loads(decrypt(known.answer))), True
        answer = run()
        if is_kept(answer):
            IdempotencyKey.objects.create(
                scope=scope,
                key=key,
                request_hash=request_hash,
                answer=encrypt(json.dumps(asdict(answer))),
                created_at=now,
            )
        return answer, False


def purge_idempotency_keys(*, now: datetime) -> int:
    """Forget the answers that are older than 24 hours; returns how many."""
    deleted, _ = IdempotencyKey.objects.filter(created_at__lte=now - KEPT).delete()
    return deleted


def _lock(scope: str, key: str) -> None:
    """Its own statement, so that what follows sees what the last holder has committed."""
    digest = hashlib.sha256(f"{scope}\n{key}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise IdempotencyKeyInUseError(retry_after_s=1)


def _find(scope: str, key: str, now: datetime) -> IdempotencyKey | None:
    known = IdempotencyKey.objects.filter(scope=scope, key=key).first()
    if known and known.created_at <= now - KEPT:
        known.delete()
        return None
    return known
