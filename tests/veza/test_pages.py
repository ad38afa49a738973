"""The pages for people, and the files they need."""

import re

import pytest
from django.test import Client

from apps.auth.types import RoleName
from tests.factories.auth import PASSWORD, make_user

PAGES = ("/", "/api/docs/", "/api/docs", "/api/redoc/")


@pytest.fixture
def browser() -> Client:
    return Client(headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})


class TestLandingPage:
    def test_leads_to_docs_admin_and_health(self, browser: Client) -> None:
        html = browser.get("/about").content.decode()

        for address in ("/api/docs", "/api/schema", "/admin/", "/readyz"):
            assert f'href="{address}"' in html

    def test_is_json_for_programs(self, client: Client) -> None:
        answer = client.get("/", headers={"accept": "application/json"})

        assert answer["Content-Type"] == "application/json"
        assert {link["href"] for link in answer.json()["links"]} >= {"/api/docs", "/admin/"}
        assert "Accept" in answer["Vary"]


class TestPages:
    @pytest.mark.parametrize("path", PAGES)
    def test_need_no_inline_script_and_no_other_host(self, browser: Client, path: str) -> None:
        answer = browser.get(path)
        html = answer.content.decode()

        assert answer.status_code == 200
        assert "script-src 'self';" in f"{answer['Content-Security-Policy']};"
        assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)
        assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", html)

    @pytest.mark.parametrize("path", PAGES)
    def test_name_only_files_that_exist(self, browser: Client, path: str) -> None:
        html = browser.get(path).content.decode()

        for address in re.findall(r"(?:src|href)=\"(/(?:static|api/redoc/)[^\"]*)\"", html):
            file = browser.get(address)
            assert (file.status_code, bool(file.getvalue())) == (200, True), address

    def test_redoc_asks_its_maker_for_nothing(self, browser: Client) -> None:
        script = browser.get("/api/redoc/bundle.js")

        assert b"cdn.redoc.ly/redoc/logo" not in script.content
        assert script["Content-Type"].startswith("text/javascript")

    def test_robots_and_favicon_are_there(self, browser: Client) -> None:
        assert b"Disallow: /" in browser.get("/robots.txt").content
        assert browser.get("/favicon.ico", follow=True).getvalue().startswith(b"<svg")


class TestStaticFiles:
    def test_are_served_with_a_type_a_tag_and_a_life(self, client: Client) -> None:
        answer = client.get("/static/veza/icon.svg")

        assert answer.getvalue().startswith(b"<svg")
        assert answer["Content-Type"] == "image/svg+xml"
        assert "max-age=300" in answer["Cache-Control"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        again = client.get("/static/veza/icon.svg", headers={"if-none-match": answer["ETag"]})
        assert again.status_code == 304

    @pytest.mark.parametrize(
        "path", ["/static/", "/static/nope.js", "/static/../pyproject.toml", "/static/veza/"]
    )
    def test_nothing_else_can_be_read(self, client: Client, path: str) -> None:
        answer = client.get(path)

        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
class TestAdmin:
    def test_sends_strangers_to_the_login(self, browser: Client) -> None:
        assert browser.get("/admin").headers["Location"] == "/admin/"
        answer = browser.get("/admin/", follow=True)

        assert answer.redirect_chain[-1][0].startswith("/admin/login/")
        assert b"Veza" in answer.content

    def test_lets_staff_in_by_a_cookie_that_scripts_cannot_read(self, browser: Client) -> None:
        make_user(username="boss", roles=frozenset({RoleName.ADMIN}))

        answer = browser.post(
            "/admin/login/?next=/admin/", {"username": "boss", "password": PASSWORD}
        )

        assert answer.status_code == 302
        cookie = next(morsel for name, morsel in answer.cookies.items() if "session" in name)
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert int(cookie["max-age"]) <= 8 * 3600
        assert b"Embedded" in browser.get("/admin/").content

    def test_does_not_let_others_in(self, browser: Client) -> None:
        make_user(username="listener1")

        answer = browser.post("/admin/login/", {"username": "listener1", "password": PASSWORD})

        assert answer.status_code == 200
        assert browser.get("/admin/").status_code == 302

    def test_forbids_scripts_in_its_pages(self, browser: Client) -> None:
        policy = browser.get("/admin/login/")["Content-Security-Policy"]

        scripts = next(part for part in policy.split(";") if part.strip().startswith("script-src"))
        assert "unsafe-inline" not in scripts
        assert "default-src 'none'" in policy

    def test_wants_a_csrf_token(self) -> None:
        strict = Client(enforce_csrf_checks=True)

        answer = strict.post("/admin/login/", {"username": "boss", "password": PASSWORD})

        assert answer.status_code == 403

    def test_slows_down_guessing_at_one_account_from_many_addresses(self, settings) -> None:
        settings.RATE_LIMIT_LOGIN_PER_MINUTE = 3
        guesses = [
            Client(REMOTE_ADDR=f"192.0.2.{number}").post(
                "/admin/login/", {"username": "Boss", "password": "wrong"}
            )
            for number in range(1, 8)
        ]

        assert [guess.status_code for guess in guesses] == [200] * 6 + [429]
        assert int(guesses[-1]["Retry-After"]) > 0
        assert b"Too many attempts" in guesses[-1].content
