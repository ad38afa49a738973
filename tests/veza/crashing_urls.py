"""The product's addresses, and one whose view has a bug while it holds secrets."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from veza.urls import handler400, handler403, handler404, handler500, urlpatterns

CANARY_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOjF9.canary_signature"
CANARY_EMAIL = "canary.person@canary.example"

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def crash(request: HttpRequest) -> HttpResponse:
    """Fails with an error that quotes a token and an address."""
    password = "canary-password"
    raise RuntimeError(f"cannot greet {CANARY_EMAIL} with {CANARY_TOKEN}, {len(password)}")


urlpatterns = [path("api/v1/crash", crash), *urlpatterns]
