"""Mail goes to a real mail server, to a provider, or into a folder that a page lists."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from django.test import Client
from pytest_httpserver import HTTPServer

from tests.patience import PATIENCE_S
from veza.embedded.ports import free_port
from veza.integrations import mail

ROOT = Path(__file__).resolve().parents[2]
SEND = """
import django
django.setup()
from veza.integrations import mail
mail.send(to="ada@example.org", template="accounts/mail/verify.txt",
          context={"username": "ada", "link": "https://veza.example/x#key=1"}, message_id="m1")
"""


class Inbox(Message):
    """What the mail server has taken."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Any] = []

    def handle_message(self, message: Any) -> None:
        self.mails.append(message)


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    box, port = Inbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def send(**environment: str) -> None:
    """In a process that is configured by its environment, as an operator does it."""
    subprocess.run(
        [sys.executable, "-c", SEND], cwd=ROOT, check=True, timeout=PATIENCE_S,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "veza.settings"} | environment,
    )  # fmt: skip


def test_by_smtp(inbox: tuple[Inbox, int]) -> None:
    box, port = inbox
    send(SMTP_URL=f"smtp://127.0.0.1:{port}", MAIL_FROM="Veza <hello@veza.example>")
    [got] = box.mails
    assert got["To"] == "ada@example.org"
    assert got["From"] == "Veza <hello@veza.example>"
    assert got["Message-ID"] == "<m1@veza.example>"
    assert [part.get_content_type() for part in got.get_payload()] == ["text/plain", "text/html"]


def test_by_a_provider(httpserver: HTTPServer) -> None:
    """Through django-anymail, whose address of the provider alone is another one here."""
    httpserver.expect_request("/email", method="POST").respond_with_json(
        [{"ErrorCode": 0, "Message": "OK", "MessageID": "1", "To": "ada@example.org"}]
    )
    address = httpserver.url_for("/")
    told = f"from django.conf import settings\nsettings.ANYMAIL['POSTMARK_API_URL'] = {address!r}\n"
    subprocess.run(
        [sys.executable, "-c", told + SEND], cwd=ROOT, check=True, timeout=PATIENCE_S,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "veza.settings",
            "MAIL_PROVIDER": "postmark",
            "MAIL_PROVIDER_KEY": "token-of-the-provider",
        },
    )  # fmt: skip
    [(request, _)] = httpserver.log
    assert request.headers["X-Postmark-Server-Token"] == "token-of-the-provider"
    assert request.get_json()["To"] == "ada@example.org"


class TestFolder:
    @pytest.fixture(autouse=True)
    def _folder(self, settings: Any, tmp_path: Path) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
        settings.EMAIL_FILE_PATH = str(tmp_path)
        settings.SHOWS_MAIL = True

    def test_is_listed_with_links_to_follow(self, client: Client) -> None:
        for name in ("ada", "<b>bo</b>"):
            mail.send(
                to="ada@example.org",
                template="accounts/mail/reset.txt",
                context={"username": name, "link": "http://127.0.0.1:8000/x#key=1"},
                message_id=name,
            )
        listed = client.get("/dev/mail", headers={"accept": "application/json"}).json()["results"]
        assert len(listed) == 2
        assert listed[0]["subject"] == "Choose a new password"
        assert listed[0]["links"] == ["http://127.0.0.1:8000/x#key=1"]

        page = client.get(listed[0]["href"]).content.decode()
        assert '<a href="http://127.0.0.1:8000/x#key=1">' in page
        assert "<b>bo" not in page
        assert listed[0]["href"] in client.get("/dev/mail").content.decode()

    @pytest.mark.parametrize("name", ["none.log", "..%2Fsecrets.json", "x", "a.log/"])
    def test_of_what_is_not_there(self, client: Client, name: str) -> None:
        assert client.get(f"/dev/mail/{name}").status_code == 404

    def test_is_for_the_same_machine(self, client: Client) -> None:
        assert client.get("/dev/mail", REMOTE_ADDR="192.0.2.1").status_code == 404
        assert client.get("/dev/mail/x.log", REMOTE_ADDR="192.0.2.1").status_code == 404

    def test_is_nowhere_where_mail_is_sent(self, client: Client, settings: Any) -> None:
        settings.SHOWS_MAIL = False
        assert client.get("/dev/mail").status_code == 404
        assert client.get("/dev/mail/x.log").status_code == 404


@pytest.mark.parametrize("path", ["/account/verify-email", "/account/reset-password"])
def test_pages_of_links_run_no_script_of_others(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert "veza/account.js" in answer.content.decode()
