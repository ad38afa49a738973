"""`Idempotency-Key` for views: the same POST twice has one effect and one answer."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from veza.kit.api.requests import client_address
from veza.kit.idempotency import Answer, answer_once, check_key, fingerprint

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT_HEADERS = ("Content-Type", "Location", "ETag")
FORGOTTEN = (400, 401, 403, 429)
SERVER_ERROR = 500

Handler = Callable[..., HttpResponseBase]


class IdempotentMixin(APIView):
    """Put it first among the bases of a view whose POST creates something or moves money.

    With the header, the handler runs in one transaction with the stored answer: it must not call
    slow systems, and what it wrote is undone when it fails. Keys belong to the user, or to the
    address of an anonymous caller. 400, 401, 403, 429 and 5xx are not stored: the client may
    correct itself and use the key again.
    """

    is_idempotent = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and HEADER in request.headers:
            handler: Handler = getattr(self, "post", self.http_method_not_allowed)
            # The framework looks `post` up after this, on the instance that serves one request.
            self.__dict__["post"] = partial(self._once, handler)

    def _once(
        self, handler: Handler, request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        key = request.headers[HEADER]
        check_key(key)
        answer, is_replay = answer_once(
            scope=_scope(request),
            key=key,
            request_hash=_request_hash(request),
            now=timezone.now(),
            run=lambda: self._run(handler, request, *args, **kwargs),
            is_kept=lambda answer: answer.status not in FORGOTTEN and answer.status < SERVER_ERROR,
        )
        response = HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
        if is_replay:
            response[REPLAYED] = "true"
        return response

    def _run(self, handler: Handler, request: Request, *args: Any, **kwargs: Any) -> Answer:
        try:
            with transaction.atomic():
                response = handler(request, *args, **kwargs)
                response = self._rendered(request, response)
        except Exception as exc:  # raised again there, unless the failure is an expected one
            response = self.handle_exception(exc)
        return Answer(
            status=response.status_code,
            headers={name: response[name] for name in KEPT_HEADERS if name in response},
            body=response.content.decode(),
        )

    def _rendered(self, request: Request, response: HttpResponseBase) -> HttpResponse:
        if isinstance(response, Response):
            self.finalize_response(request, response)
            response.render()
        if not isinstance(response, HttpResponse):
            raise TypeError("An idempotent view answers with a whole body, not with a stream.")
        return response


def _scope(request: Request) -> str:
    if request.user and request.user.is_authenticated:
        return f"user:{request.user.pk}"
    return f"address:{client_address(request)}"


def _request_hash(request: Request) -> str:
    query = sorted(parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True))
    return fingerprint(
        str(request.method), request.path, json.dumps(query), json.dumps(_canonical(request.data))
    )


def _canonical(data: Any) -> Any:
    """The body without what does not matter: white space, the order of keys, form boundaries."""
    if hasattr(data, "lists"):
        return sorted(
            (name, [_canonical(value) for value in values]) for name, values in data.lists()
        )
    if isinstance(data, Mapping):
        return {name: _canonical(data[name]) for name in sorted(data)}
    if isinstance(data, list):
        return [_canonical(value) for value in data]
    if isinstance(data, UploadedFile):
        digest = hashlib.sha256()
        for chunk in data.chunks():
            digest.update(chunk)
        data.seek(0)
        return [str(data.name), digest.hexdigest()]
    return data
