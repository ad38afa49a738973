"""Anonymous reads of public things come from the cache (docs/adr/0030-public-answers.md).

A view says so itself, and says what its answer depends on; one that says nothing keeps nothing.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils.cache import patch_vary_headers

from veza.kit import caches
from veza.kit.api.etags import not_modified
from veza.kit.metrics import CACHE_REQUESTS

HEADER = "X-Cache"
VARIES_BY = ("Authorization", "Cookie")
MAX_BYTES = 1024 * 1024
MAX_ADDRESS = 2048
_ANY = ("*/*", "application/*", "application/json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Until:
    """An answer is kept until one of these `facts`, whoever it is about, or any fact about one of
    these `subjects`: patterns as `track:{track_id}`, filled from the address.
    """

    facts: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def names(self, parts: Mapping[str, Any]) -> list[str]:
        return [*self.facts, *(pattern.format(**parts) for pattern in self.subjects)]


class PublicAnswers:
    """Mix into a view whose GET tells everyone who does not say who he is the same."""

    kept_until: ClassVar[Until]

    def dispatch(self, request: HttpRequest, *args: Any, **parts: Any) -> HttpResponseBase:
        make: Callable[..., HttpResponseBase] = super().dispatch  # type: ignore[misc]
        if request.method not in ("GET", "HEAD"):
            return make(request, *args, **parts)
        if not (caches.is_on() and _is_anonymous(request)):
            return _told(request, make(request, *args, **parts), "off")
        key = _key(request)
        try:
            look = _looked(key, names=self.kept_until.names(parts))
        except caches.CacheAwayError:
            return _told(request, make(request, *args, **parts), "off")
        if look.value is not None:
            return _told(request, _conditional(request, _restored(look.value)), "hit")
        try:
            with _unconditional(request):
                response = _kept(key, make(request, *args, **parts), look)
        finally:
            caches.end_turn(key, look)
        return _told(request, _conditional(request, response), "miss")


def _looked(key: str, *, names: list[str]) -> caches.Look:
    """What is kept, by now or once another request that makes it has ended."""
    look = caches.look(key, names=names)
    return look if look.value is not None else caches.take_turn(key, names=names, missed=look)


def _is_anonymous(request: HttpRequest) -> bool:
    """Whoever brings a token or a cookie may be somebody; another media type is another answer."""
    accepted = request.META.get("HTTP_ACCEPT", "*/*").replace(" ", "").split(",")
    return (
        "HTTP_AUTHORIZATION" not in request.META
        and not request.META.get("HTTP_COOKIE")
        and any(each.partition(";")[0] in _ANY for each in accepted)
        and len(request.META.get("QUERY_STRING", "")) <= MAX_ADDRESS
    )


@contextmanager
def _unconditional(request: HttpRequest) -> Iterator[None]:
    """What is to be kept is the whole answer, also when this client has it already."""
    condition = request.META.pop("HTTP_IF_NONE_MATCH", None)
    request.__dict__.pop("headers", None)  # Django remembers them
    try:
        yield
    finally:
        if condition is not None:
            request.META["HTTP_IF_NONE_MATCH"] = condition
            request.__dict__.pop("headers", None)


def _key(request: HttpRequest) -> str:
    """Links in an answer name the host that was asked."""
    query = request.META.get("QUERY_STRING", "")
    asked = f"{request.scheme}://{request.get_host()}{request.path}?{query}"
    return f"answer:{hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()}"


def _kept(key: str, response: HttpResponseBase, look: caches.Look) -> HttpResponseBase:
    if response.status_code != 200 or response.streaming or response.cookies:  # noqa: PLR2004
        return response
    whole = cast(HttpResponse, response)
    if isinstance(response, SimpleTemplateResponse):
        whole = response.render()
    if len(whole.content) <= MAX_BYTES:
        value = [dict(whole.items()), whole.content.decode()]
        with suppress(caches.CacheAwayError):
            caches.keep(key, value, generations=look.generations)
    return HttpResponse(whole.content, headers=dict(whole.items()))


def _restored(value: Any) -> HttpResponse:
    headers, body = value
    return HttpResponse(body.encode(), headers=headers)


def _conditional(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """304 for who has this version already."""
    etag = response.get("ETag")
    if response.status_code != 200 or not etag or not not_modified(request, etag):  # noqa: PLR2004
        return response
    unchanged = HttpResponse(status=304)
    for name, value in response.items():
        if name not in ("Content-Type", "Content-Length"):
            unchanged[name] = value
    del unchanged["Content-Type"]
    return unchanged


def _told(request: HttpRequest, response: HttpResponseBase, outcome: str) -> HttpResponseBase:
    match = request.resolver_match
    CACHE_REQUESTS.labels(match.route if match else "", outcome).inc()
    response[HEADER] = outcome
    patch_vary_headers(response, VARIES_BY)
    if outcome != "off" and response.status_code < 400:  # noqa: PLR2004 - where failures begin
        # Others may keep it too, if they ask us each time: they do not hear of facts.
        response["Cache-Control"] = "public, no-cache"
    return response
