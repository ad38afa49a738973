"""Expected failures, by kind. Apps subclass these; each interface renders the kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """What is wrong with one field of the input; `field` is a dotted path."""

    field: str
    code: str
    detail: str


class VezaError(Exception):
    """A failure that a caller can do something about."""

    code = "error"
    message = "The request failed."

    def __init__(
        self,
        message: str = "",
        *,
        fields: Sequence[FieldError] = (),
        retry_after_s: int | None = None,
        **details: object,
    ) -> None:
        super().__init__(message or self.message)
        self.fields = tuple(fields)
        self.retry_after_s = retry_after_s
        self.details: Mapping[str, object] = details


class InvalidError(VezaError):
    """What was asked for breaks a rule (400)."""

    code = "invalid"
    message = "The request is not valid."


class UnauthenticatedError(VezaError):
    """We do not know who is asking (401)."""

    code = "not_authenticated"
    message = "Authentication is needed."
    scheme = "Bearer"  # what WWW-Authenticate asks for


class ForbiddenError(VezaError):
    """The caller is known, and may not do this (403)."""

    code = "forbidden"
    message = "You may not do this."


class NotFoundError(VezaError):
    """It is not there, or this caller may not know that it is (404)."""

    code = "not_found"
    message = "There is no such thing."


class ConflictError(VezaError):
    """The present state does not allow it (409)."""

    code = "conflict"
    message = "The present state does not allow this."


class GoneError(VezaError):
    """It was there and never will be again (410)."""

    code = "gone"
    message = "This is gone."


class PreconditionError(VezaError):
    """The resource is not in the version that the caller named (412)."""

    code = "precondition_failed"
    message = "The resource has changed since you read it."


class TooLargeError(VezaError):
    """More bytes than are taken (413)."""

    code = "body_too_large"
    message = "The body is larger than this endpoint takes."


class MediaTypeError(VezaError):
    """A body of another kind than is taken here (415)."""

    code = "unsupported_media_type"
    message = "A body of this type is not taken here."


class LockedError(VezaError):
    """Another writer is at it (423)."""

    code = "locked"
    message = "Another writer is at it."


class ThrottledError(VezaError):
    """Too many requests (429); `retry_after_s` says when to come back."""

    code = "rate_limited"
    message = "Too many requests."


class ChecksumError(VezaError):
    """The bytes that arrived are not those that were sent (460, a status of the tus protocol)."""

    code = "checksum_mismatch"
    message = "The bytes do not have this checksum."


class UpstreamError(VezaError):
    """A system outside this process failed; trying again may work (503)."""

    code = "upstream_unavailable"
    message = "A system that this needs does not answer."


class StorageFullError(VezaError):
    """There is no room left to store it (507)."""

    code = "storage_full"
    message = "There is no storage left."
