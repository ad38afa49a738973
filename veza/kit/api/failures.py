"""What an exception means to a client: status, code, sentence, fields and headers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil

from django.core import exceptions as django_exceptions
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as drf
from rest_framework.fields import get_error_detail
from rest_framework.settings import api_settings

from veza.kit import errors
from veza.kit.api.database_failures import read_database_error
from veza.kit.errors import FieldError
from veza.kit.idempotency import IdempotencyKeyReusedError

MAX_FIELDS = 100
MAX_DETAIL = 500
INVALID = "Some of the values are not valid."

STATUS_BY_KIND: list[tuple[type[errors.VezaError], int]] = [
    (errors.InvalidError, 400),
    (errors.UnauthenticatedError, 401),
    (errors.ForbiddenError, 403),
    (errors.NotFoundError, 404),
    (errors.ConflictError, 409),
    (errors.GoneError, 410),
    (IdempotencyKeyReusedError, 422),
    (errors.PreconditionError, 412),
    (errors.TooLargeError, 413),
    (errors.MediaTypeError, 415),
    (errors.LockedError, 423),
    (errors.ThrottledError, 429),
    (errors.ChecksumError, 460),
    (errors.UpstreamError, 503),
    (errors.StorageFullError, 507),
]
CODES = {
    "parse_error": "json_invalid",
    "permission_denied": "forbidden",
    "throttled": "rate_limited",
    "error": "server_error",
}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A failure in the words of HTTP."""

    status: int
    code: str
    detail: str
    fields: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, object] = field(default_factory=dict)


def read_failure(exc: BaseException | None) -> Failure | None:
    """What to tell the client about `exc`; None for a bug of ours."""
    if isinstance(exc, errors.VezaError):
        return _read_veza(exc)
    if isinstance(exc, drf.ValidationError):
        return _invalid(exc.detail)
    if isinstance(exc, django_exceptions.ValidationError):
        return _invalid(get_error_detail(exc))
    if isinstance(exc, drf.APIException):
        return _read_drf(exc)
    return _read_django(exc) or read_database_failure(exc)


def read_database_failure(exc: BaseException | None) -> Failure | None:
    """What a failure of the database means, as far as a client can be told."""
    reading = read_database_error(exc)
    if reading is None:
        return None
    headers = {"Retry-After": "1"} if reading.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Failure(status=reading.status, code=reading.code, detail=reading.detail, headers=headers)


def _read_veza(exc: errors.VezaError) -> Failure:
    status = next((status for kind, status in STATUS_BY_KIND if isinstance(exc, kind)), 400)
    headers: dict[str, str] = {}
    if isinstance(exc, errors.UnauthenticatedError):
        headers["WWW-Authenticate"] = exc.scheme
    if exc.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, exc.retry_after_s))
    return Failure(
        status=status,
        code=exc.code,
        detail=str(exc),
        fields=exc.fields,
        headers=headers,
        members=exc.details,
    )


def _read_drf(exc: drf.APIException) -> Failure:
    authenticates = isinstance(exc, drf.NotAuthenticated | drf.AuthenticationFailed)
    headers: dict[str, str] = {}
    if authenticates:  # the framework says 403 where a view names no scheme; we never do
        headers["WWW-Authenticate"] = getattr(exc, "auth_header", "") or "Bearer"
    wait_s = getattr(exc, "wait", None)
    if wait_s is not None:
        headers["Retry-After"] = str(max(1, ceil(wait_s)))
    first = next(_flatten(exc.detail), None)
    code = _first_code(exc, first)
    return Failure(
        status=401 if authenticates else exc.status_code,
        code=CODES.get(code, code),
        detail=first.detail if first else str(exc.default_detail),
        headers=headers,
    )


def _first_code(exc: drf.APIException, first: FieldError | None) -> str:
    """simplejwt puts a whole document into `detail`; its own code stands inside."""
    if isinstance(exc.detail, dict) and "code" in exc.detail:
        return str(exc.detail["code"])
    return first.code if first else str(exc.default_code)


def _read_django(exc: BaseException | None) -> Failure | None:
    match exc:
        case Http404():
            return Failure(status=404, code="not_found", detail="There is no such thing.")
        case django_exceptions.PermissionDenied():
            return Failure(status=403, code="forbidden", detail="You may not do this.")
        case django_exceptions.RequestDataTooBig():
            return Failure(
                status=413, code=errors.TooLargeError.code, detail=errors.TooLargeError.message
            )
        case (
            django_exceptions.SuspiciousOperation()
            | django_exceptions.BadRequest()
            | MultiPartParserError()
        ):
            return Failure(status=400, code="bad_request", detail="The request is malformed.")
    return None


def _invalid(detail: object) -> Failure:
    fields: list[FieldError] = []
    for problem in _flatten(detail):
        if len(fields) == MAX_FIELDS:
            break
        fields.append(problem)
    whole = next((problem.detail for problem in fields if not problem.field), INVALID)
    return Failure(status=400, code="invalid", detail=whole, fields=tuple(fields))


def _flatten(detail: object, path: tuple[str, ...] = ()) -> Iterator[FieldError]:
    """Every sentence in the framework's nest of dicts and lists, with its dotted path."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            is_whole = name == api_settings.NON_FIELD_ERRORS_KEY
            yield from _flatten(inner, path if is_whole else (*path, str(name)))
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            is_nest = isinstance(inner, Mapping | list | tuple)
            yield from _flatten(inner, (*path, str(index)) if is_nest else path)
    else:
        text = str(detail)
        yield FieldError(
            field=".".join(path),
            code=str(getattr(detail, "code", None) or "invalid"),
            detail=text if len(text) <= MAX_DETAIL else text[:MAX_DETAIL] + "...",
        )
