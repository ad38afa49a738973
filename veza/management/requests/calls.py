"""The calls of the schema, each with values that one could send."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Node = Mapping[str, Any]

METHODS = ("get", "head", "post", "put", "patch", "delete")
LEFT_OUT = {"internal"}
"""Tags of calls that servers sign; nobody sends them by hand."""
FIRST = ("auth_login", "auth_register")
LAST = ("auth_logout", "users_me_delete")
"""They end the session in which the others are sent."""
JSON, FORM = "application/json", "multipart/form-data"
SAMPLE_ID = "01936f2e-8c00-7b5a-9d3e-4f1a2b3c4d51"
VARIABLES = {
    "baseUrl": "http://127.0.0.1:8000",
    "username": "ada",
    "email": "ada@example.org",
    "password": "violet tape under rain",
}
"""What is asked for once, at the head of a file or in the environment of a collection."""
PARTS = {
    ("auth", "name"): "example",
    ("instruments", "name"): "BTC_USDT",
    ("tracks", "name"): "master.m3u8",
}
"""What stands for a parameter of the path in the calls of a tag."""
WORDS: Mapping[str, Any] = {
    "login": "{{username}}",
    "username": "{{username}}",
    "email": "{{email}}",
    "password": "{{password}}",
    "current_password": "{{password}}",
    "refresh": "{{refresh}}",
    "code": "123456",
    "otp": "123456",
    "title": "Night train",
    "name": "temperature",
    "input_frequency": "5s",
    "value": 21.5,
    "slug": "dice",
    "game_type": "chance",
    "q": "night",
    "n": 1,
    "language": "en",
    "timezone": "Europe/Paris",
    "Upload-Length": 7,
    "Upload-Offset": 0,
}
"""Values by the name of a member or parameter, where its type says too little."""

BODIES: Mapping[str, Mapping[str, Any]] = {
    "auth_step_up": {"password": "{{password}}"},
    "playlists_update": {"title": "Night train", "collaborative": True},
}
"""Of calls that do not take all their members at once."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A header or a parameter of the query."""

    name: str
    value: str
    is_required: bool


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request."""

    id: str
    title: str
    tag: str
    method: str
    path: str
    """With its parameters in braces."""
    parts: Sequence[str]
    """The names of these parameters."""
    query: Sequence[Field]
    headers: Sequence[Field]
    needs_token: bool
    content_type: str
    """"": no body."""
    body: Mapping[str, Any]
    """The members of a JSON body or a form; empty for the bytes of a file."""
    file: str
    """The member of a form that is a file."""
    makes: str
    """The parameter of other calls that is the `id` in this one's answer; "" if none."""

    @property
    def json(self) -> str:
        """The body as it is sent."""
        return json.dumps(self.body, indent=2, ensure_ascii=False)


def calls(schema: Node) -> dict[str, list[Call]]:
    """By tag, in the order in which they are best sent."""
    found: dict[str, list[Call]] = {}
    for call in _all(schema):
        found.setdefault(call.tag, []).append(call)
    return {tag: sorted(_linked(found[tag]), key=_place) for tag in sorted(found)}


def sample_part(tag: str, name: str) -> str:
    """What stands for a parameter of the path until it is known better."""
    return str(PARTS.get((tag, name)) or WORDS.get(name, SAMPLE_ID))


def _linked(calls: Sequence[Call]) -> Iterator[Call]:
    """A body names what another of these calls has made."""
    made = {call.makes: f"{{{{{call.makes}}}}}" for call in calls if call.makes}
    for call in calls:
        body = {name: made.get(name, value) for name, value in call.body.items()}
        yield replace(call, body=BODIES.get(call.id, body))


def _place(call: Call) -> tuple[int, int]:
    """Those that open a session come first, what removes things late, what ends it last."""
    if call.id in FIRST:
        return (0, FIRST.index(call.id))
    if call.id in LAST:
        return (4, LAST.index(call.id))
    if call.method == "DELETE":
        return (3, -call.path.count("/"))
    return (1 if call.method == "POST" and not call.parts else 2, 0)


def _all(schema: Node) -> Iterator[Call]:
    for path, operations in schema["paths"].items():
        for method in METHODS:
            operation = operations.get(method)
            if operation and operation["tags"][0] not in LEFT_OUT:
                yield _call(schema, path, method, operation)


def _call(schema: Node, path: str, method: str, operation: Node) -> Call:
    given = [_resolved(schema, each) for each in operation.get("parameters", ())]
    asked = operation.get("requestBody", {})
    content_type, body = _body(schema, asked, is_sent=method == "patch" or "required" in asked)
    return Call(
        id=operation["operationId"],
        title=operation.get("summary") or operation["description"].partition(".")[0],
        tag=operation["tags"][0],
        method=method.upper(),
        path=path,
        parts=[each["name"] for each in given if each["in"] == "path"],
        query=[_field(schema, each) for each in given if each["in"] == "query"],
        headers=[_field(schema, each) for each in given if each["in"] == "header"],
        needs_token=any("bearer" in each for each in operation.get("security", ())),
        content_type=content_type,
        body=body,
        file=_file(schema, asked) if content_type == FORM else "",
        makes=_makes(schema, path) if method == "post" and _tells(operation) else "",
    )


def _tells(operation: Node) -> bool:
    """Whether what it makes stands in the answer."""
    return any("content" in operation["responses"].get(status, ()) for status in ("201", "202"))


def _makes(schema: Node, path: str) -> str:
    """`playlist_id` of a POST to `/playlists`, because there is `/playlists/{playlist_id}`."""
    below = [each.removeprefix(f"{path}/") for each in schema["paths"] if each.startswith(path)]
    names = [each[1:-1] for each in below if each.startswith("{") and each.endswith("_id}")]
    return names[0] if names else ""


def _field(schema: Node, parameter: Node) -> Field:
    value = sample(schema, parameter.get("schema", {}), name=parameter["name"])
    return Field(
        name=parameter["name"],
        value=json.dumps(value) if not isinstance(value, str) else value,
        is_required=bool(parameter.get("required")),
    )


def _body(schema: Node, asked: Node, *, is_sent: bool) -> tuple[str, Node]:
    contents: Node = asked.get("content", {})
    if not contents:
        return "", {}
    kind = next((each for each in (FORM, JSON) if each in contents), next(iter(contents)))
    if kind not in (JSON, FORM):
        return (kind if is_sent else ""), {}
    if kind == FORM:
        return kind, {}
    content = contents[kind]
    for example in content.get("examples", {}).values():
        told = {name: WORDS.get(name, value) for name, value in example["value"].items()}
        return kind, told
    return kind, _members(schema, _resolved(schema, content["schema"]))


def _file(schema: Node, asked: Node) -> str:
    members = _resolved(schema, asked["content"][FORM]["schema"]).get("properties", {})
    files = (name for name, shape in members.items() if _is_file(shape))
    return next(files, "file")


def _is_file(shape: Node) -> bool:
    return shape.get("format") == "binary" or "contentMediaType" in shape


def _members(schema: Node, shape: Node) -> Node:
    """What has to be there; where nothing has to, everything that has a value."""
    required = shape.get("required") or ()
    members = {
        name: sample(schema, each, name=name)
        for name, each in shape.get("properties", {}).items()
        if name in required or not required
    }
    return {name: value for name, value in members.items() if value is not None}


def sample(schema: Node, shape: Node, *, name: str = "") -> Any:
    """A value of this shape; None where only null or nothing fits."""
    shape = _resolved(schema, shape)
    if name in WORDS and shape.get("type") not in ("array", "object", "boolean"):
        return WORDS[name]
    for key in ("example", "default", "const"):
        if shape.get(key) is not None:
            return shape[key]
    for key in ("examples", "enum"):
        if shape.get(key):
            return shape[key][0]
    for key in ("oneOf", "anyOf", "allOf"):
        for each in shape.get(key, ()):
            return sample(schema, each, name=name)
    return _of_type(schema, shape)


def _of_type(schema: Node, shape: Node) -> Any:
    kind = shape.get("type")
    kind = next((each for each in kind if each != "null"), None) if isinstance(kind, list) else kind
    match kind:
        case "object":
            return dict(_members(schema, shape))
        case "array":
            item = sample(schema, shape.get("items", {}))
            return [] if item is None else [item]
        case "boolean":
            return True
        case "integer" | "number":
            return max(shape.get("minimum", 1), 1)
        case "string":
            return _text(shape)
    return None


def _text(shape: Node) -> str | None:
    formats = {
        "uuid": SAMPLE_ID,
        "date-time": "2026-01-02T03:04:05Z",
        "date": "2026-01-02",
        "email": "{{email}}",
        "uri": "https://example.org/ada",
        "binary": None,
    }
    text = formats.get(shape.get("format", ""), "quiet")
    return text.ljust(shape.get("minLength", 0), "y") if text else None


def _resolved(schema: Node, shape: Node) -> Node:
    while "$ref" in shape:
        place: Any = schema
        for step in shape["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        shape = place
    return shape
