"""The calls as a collection of Bruno: a folder for each tag, a file for each request."""

import json
from collections.abc import Iterator, Mapping, Sequence

from veza.management.requests.calls import (
    FIRST,
    FORM,
    JSON,
    VARIABLES,
    Call,
    Field,
    sample_part,
)

COLLECTION = """\
meta {
  name: Veza
}

auth {
  mode: bearer
}

auth:bearer {
  token: {{token}}
}

docs {
  Written by `manage.py export_requests` from docs/api/openapi.yaml.

  Choose the environment `local`, send `auth / Sign in`, then any other request: the token of the
  answer is kept, and so is the id of what a request has made.
}
"""


def collection(by_tag: Mapping[str, Sequence[Call]]) -> dict[str, str]:
    """The files of the collection, by path."""
    description = {"version": "1", "name": "Veza", "type": "collection", "ignore": []}
    every = [call for calls in by_tag.values() for call in calls]
    files = {
        "bruno.json": json.dumps(description, indent=2) + "\n",
        "collection.bru": COLLECTION,
        "environments/local.bru": _environment(every),
    }
    for number, (tag, calls) in enumerate(by_tag.items(), 1):
        files[f"{tag}/folder.bru"] = _block("meta", {"name": tag, "seq": str(number)})
        for seq, call in enumerate(calls, 1):
            files[f"{tag}/{call.id}.bru"] = _request(call, seq)
    return files


def _environment(calls: Sequence[Call]) -> str:
    ids = {
        part: call.tag
        for call in calls
        for part in call.parts
        if is_id(part) and part not in VARIABLES
    }
    return _block("vars", VARIABLES | {part: sample_part(ids[part], part) for part in sorted(ids)})


def is_id(part: str) -> bool:
    """Whether it is asked for once; other parameters have a value in each request."""
    return part.endswith("_id") or part in VARIABLES


def _request(call: Call, seq: int) -> str:
    query = "&".join(f"{each.name}={each.value}" for each in call.query if each.is_required)
    line = {
        "url": f"{{{{baseUrl}}}}{_path(call)}{f'?{query}' if query else ''}",
        "body": _mode(call),
        "auth": "inherit" if call.needs_token else "none",
    }
    blocks = [
        _block("meta", {"name": call.title, "type": "http", "seq": str(seq)}),
        _block(call.method.lower(), line),
        _block("params:query", _fields(call.query)),
        _block("params:path", {part: _part(call, part) for part in call.parts}),
        _block("headers", _fields(call.headers)),
        *_body(call),
        _block("vars:post-response", _kept(call)),
    ]
    return "\n".join(block for block in blocks if block)


def _part(call: Call, part: str) -> str:
    return f"{{{{{part}}}}}" if is_id(part) else sample_part(call.tag, part)


def _kept(call: Call) -> dict[str, str]:
    if call.id in FIRST:
        return {"token": "res.body.access", "refresh": "res.body.refresh"}
    return {call.makes: "res.body.id"} if call.makes else {}


def _mode(call: Call) -> str:
    if call.content_type == JSON:
        return "json"
    if call.content_type == FORM:
        return "multipartForm"
    return "file" if call.content_type else "none"


def _body(call: Call) -> Iterator[str]:
    if call.content_type == JSON:
        lines = "\n".join(f"  {line}" for line in call.json.splitlines())
        yield f"body:json {{\n{lines}\n}}\n"
    elif call.content_type == FORM:
        yield _block("body:multipart-form", {call.file: "@file(file.bin)"})
    elif call.content_type:
        yield _block("body:file", {"file": f"@file(file.bin) @contentType({call.content_type})"})


def _fields(fields: Sequence[Field]) -> dict[str, str]:
    """Those that may be left out are there, switched off."""
    return {f"{'' if each.is_required else '~'}{each.name}": each.value for each in fields}


def _path(call: Call) -> str:
    path = call.path
    for part in call.parts:
        path = path.replace(f"{{{part}}}", f":{part}")
    return path


def _block(name: str, values: Mapping[str, str]) -> str:
    if not values:
        return ""
    lines = "".join(f"  {key}: {value}\n" for key, value in values.items())
    return f"{name} {{\n{lines}}}\n"
