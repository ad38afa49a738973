"""The parts of the OpenAPI document that ProblemAutoSchema hangs on operations."""

from typing import Any

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer"}

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "A failure (RFC 9457). `code` is stable: programs decide by it.",
    "required": [
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "code",
        "request_id",
        "success",
        "error",
    ],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:veza:error:not_found"]},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "One sentence for people."},
        "instance": {"type": "string", "description": "The path that was asked."},
        "code": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
        "request_id": {"type": "string", "description": "Name it when you report the failure."},
        "success": {"type": "boolean", "const": False},
        "error": {"type": "string", "description": "The same as `detail`."},
        "errors": {
            "type": "array",
            "description": "On 400: what is wrong with which field.",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail"],
                "properties": {
                    "field": {
                        "type": "string",
                        "description": "A dotted path, `links.0.url`; empty for the whole.",
                    },
                    "code": _TEXT,
                    "detail": _TEXT,
                },
            },
        },
    },
}

DESCRIPTIONS = {
    304: "You have the present version.",
    400: "The request is not valid.",
    401: "Authentication is missing or no longer valid.",
    403: "You may not do this.",
    404: "It is not there, or you may not see it.",
    406: "There is no representation that you accept.",
    409: "The present state, or a running request with this Idempotency-Key, does not allow it.",
    412: "The resource has changed since you read it.",
    413: "The body is larger than this takes.",
    415: "The body has a media type that this does not take.",
    422: "This Idempotency-Key was used for another request.",
    429: "Too many requests.",
    500: "A fault of the server.",
    503: "Something that this needs does not answer, or it took too long.",
}

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {"description": "The id of this request, yours or ours.", "schema": _TEXT},
    "X-RateLimit-Limit": {"description": "What the bucket holds.", "schema": _NUMBER},
    "X-RateLimit-Remaining": {"description": "What is left in it.", "schema": _NUMBER},
    "X-RateLimit-Reset": {"description": "The Unix second when it is full.", "schema": _NUMBER},
    "Retry-After": {"description": "Seconds to wait.", "schema": _NUMBER},
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": _TEXT},
    "ETag": {"description": "The version of the resource.", "schema": _TEXT},
    "Idempotency-Key": {
        "description": "1 to 255 printable ASCII characters; the same key and body within 24 hours"
        " give the first answer again, with `Idempotent-Replayed: true`.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^[\\x20-\\x7e]+$",
        },
    },
    "If-Match": {
        "description": "Only change the version that has this ETag, else 412.",
        "schema": _TEXT,
    },
    "If-None-Match": {
        "description": "Answer 304 if the present version has this ETag.",
        "schema": _TEXT,
    },
}
REQUEST_ID = "X-Request-ID"
LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
