"""`/dev/mail`: the mails that lie in a folder because no mail server is configured.

For developers on their own machine: nobody else is shown them, and production has none.
"""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from csp.decorators import csp
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.generic import View

from veza.kit.api.requests import is_local
from veza.pages.site import PAGE_POLICY

SHOWN = 100
_NAME = re.compile(r"[0-9A-Za-z-]+\.log")
_ADDRESS = re.compile(r"https?://\S+")
# Django's backend writes this line below each mail.
_END = b"\n" + b"-" * 79


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail as it was sent."""

    name: str
    to: str
    subject: str
    date: str
    text: str
    links: list[str]

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "href": f"/dev/mail/{self.name}"}


@method_decorator(csp(PAGE_POLICY), name="dispatch")
class MailsView(View):
    """The newest mails; the same as JSON for who asks for that."""

    def get(self, request: HttpRequest) -> HttpResponse:
        require_developer(request)
        mails = [mail.as_dict() for mail in _newest()]
        if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
            return JsonResponse({"results": mails}, headers={"Cache-Control": "no-store"})
        return render(request, "veza/mails.html", {"mails": mails})


@method_decorator(csp(PAGE_POLICY), name="dispatch")
class MailView(View):
    """One mail, with links that can be followed."""

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        require_developer(request)
        path = _folder() / name
        if not _NAME.fullmatch(name) or not path.is_file():
            raise Http404
        mail = _read(path)
        lines = [
            {"text": line, "is_link": bool(_ADDRESS.fullmatch(line))}
            for line in mail.text.splitlines()
        ]
        return render(request, "veza/mail_page.html", {"mail": mail, "lines": lines})


def require_developer(request: HttpRequest) -> None:
    """Somebody on this very machine, where mails go to a folder. Raises Http404 for all others."""
    if not settings.SHOWS_MAIL or not is_local(request):
        raise Http404


def _folder() -> Path:
    return Path(settings.EMAIL_FILE_PATH)


def _newest() -> list[Mail]:
    names = sorted(_folder().glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [_read(path) for path in names[:SHOWN]]


def _read(path: Path) -> Mail:
    raw = path.read_bytes().partition(_END)[0]
    message = message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
    body = message.get_body(("plain",))
    text = str(body.get_content()) if body else ""
    return Mail(
        name=path.name, to=str(message["To"]), subject=str(message["Subject"]),
        date=str(message["Date"]), text=text, links=_ADDRESS.findall(text),
    )  # fmt: skip
