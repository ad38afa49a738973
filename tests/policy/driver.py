"""Sends the request of one cell, and tells what is not as the policy has it."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone

from tests.policy.bodies import BODIES, Upload
from tests.policy.callers import Caller
from tests.policy.checksum import checksum
from tests.policy.matrix import Row
from tests.policy.objects import MAKERS
from tests.policy.routes import parameters
from tests.policy.world import Scene
from veza.kit.models import new_id
from veza.kit.signing import HEADER, Call, sign

OF_ONE_REQUEST = ("instance", "request_id")
AGENT = "policy/1"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    code: str
    document: Any
    text: str

    def comparable(self, path: str) -> Any:
        """Without what differs between any two requests; what the path named is a name."""
        told = {key: value for key, value in self.document.items() if key not in OF_ONE_REQUEST}
        text = json.dumps(told, sort_keys=True)
        for each in _ID.findall(path):
            text = text.replace(each, "ID")
        return json.loads(text)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A request that can be sent."""

    method: str
    path: str
    body: Any


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside did not happen afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def scene_of(callers: Mapping[str, Caller], name: str) -> Scene:
    """The caller, now."""
    return Scene(callers=callers, caller=callers[name], now=timezone.now())


def prepare(row: Row, scene: Scene, *, is_absent: bool = False) -> Prepared:
    """Make the objects that the row needs; `is_absent`: name what does not exist."""
    if "there" in row.says:
        MAKERS[row.says["there"]].make(scene)
    kinds = row.says.get("with", {})
    path = row.place
    for name in parameters(row.place):
        maker = MAKERS[kinds.get(name, name)]
        value = maker.absent() if is_absent else maker.make(scene)
        path = path.replace(f"{{{name}}}", str(value))
    owner = new_id() if is_absent else scene.owner.id
    query = str(row.says.get("query", "")).replace("{owner}", str(owner))
    body = row.says.get("body")
    content = BODIES[body](scene) if isinstance(body, str) else body
    return Prepared(method=row.verb, path=path + query, body=content)


def send(request: Prepared, caller: Caller, **headers: str) -> Answer:
    """Through the whole stack of middleware, from an address of its own."""
    content, content_type = _encoded(request.body)
    headers = {"User-Agent": AGENT, **caller.headers, **headers}
    method = request.method
    if caller.is_signed:
        call = Call(method=method, target=request.path, body=content)
        secret = settings.INTERNAL_API_SECRETS[0]
        headers[HEADER] = sign(call, secret=secret, now=timezone.now())
    client = _client()
    client.cookies.clear()
    response = client.generic(
        method, request.path, content, content_type=content_type, headers=headers,
        REMOTE_ADDR=_next_address(),
    )  # fmt: skip
    return _read(response)


def faults_of(row: Row, scene: Scene) -> list[str]:
    """What is wrong with this cell, in sentences."""
    expected = row.cells[scene.caller.name]
    with undone():
        request = prepare(row, scene)
        before = checksum() if expected.is_refused else {}
        answer = send(request, scene.caller)
        faults = _faults(row, scene, answer)
        if expected.is_refused:
            faults += [
                f"it was refused, and yet {table} has changed"
                for table, now in checksum().items()
                if now != before[table]
            ]
    return [f"{row.name} as {scene.caller.name}: {fault}." for fault in faults]


def _faults(row: Row, scene: Scene, answer: Answer) -> list[str]:
    expected = row.cells[scene.caller.name]
    came = f"{answer.status} {answer.code}".strip()
    if came != str(expected):
        return [f"{expected} is right, and {came} came"]
    if answer.status >= 400:
        return []
    if answer.document is None or not row.place.startswith("/api/v1/"):
        return []
    shown = str(row.says.get("shows", ""))
    more = set(members_of(answer.document)) - set(shown.split())
    return [f"the answer shows {sorted(more)}, which is not in `shows`"] if more else []


def members_of(document: Any) -> Iterator[str]:
    """The names of all members, at any depth."""
    if isinstance(document, dict):
        for name, inner in document.items():
            yield name
            yield from members_of(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from members_of(inner)


@cache
def _client() -> Client:
    """One for all, because making one reads all static files."""
    return Client()


def _encoded(body: Any) -> tuple[bytes, str]:
    if isinstance(body, Upload):
        return body.content, body.content_type
    return (b"" if body is None else json.dumps(body).encode()), "application/json"


def _next_address() -> str:
    """Documentation's own addresses (RFC 3849), each once."""
    return f"2001:db8:{next(_numbers):x}::1"


def _read(response: HttpResponseBase) -> Answer:
    content: Any = getattr(response, "streaming_content", None)
    raw = b"".join(content) if content is not None else getattr(response, "content", b"")
    text = raw.decode("utf-8", "replace")
    is_json = "json" in response.get("Content-Type", "") and bool(text)
    document = json.loads(text) if is_json else None
    code = document.get("code", "") if isinstance(document, dict) else ""
    is_failure = response.status_code >= 400
    return Answer(
        status=response.status_code, code=code if is_failure else "", document=document, text=text
    )
