"""The pages in a real browser: they work under their policy, and ask no other host for anything."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from apps.auth.types import RoleName
from tests.factories.auth import PASSWORD, make_user
from tests.patience import PATIENCE_MS

pytestmark = [
    pytest.mark.needs_browser,
    pytest.mark.django_db(transaction=True),
]

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE = ViewportSize(width=390, height=844)
DESKTOP = ViewportSize(width=1280, height=900)
Scheme = Literal["light", "dark"]


@dataclass
class Visit:
    """A tab, and everything in it that should not have happened."""

    page: Page
    base: str
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self._console(said.type, said.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._request(request.url))
        self.page.on("requestfailed", lambda request: self.faults.append(f"failed: {request.url}"))

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):  # the browser reports violations of the policy here too
            self.faults.append(f"{kind}: {text}")

    def _request(self, url: str) -> None:
        if not url.startswith((self.base, "data:", f"blob:{self.base}")):
            self.faults.append(f"another host: {url}")

    def open(self, path: str) -> None:
        self.page.goto(self.base + path, wait_until="networkidle")


@pytest.fixture
def browser(live_server) -> Iterator[Browser]:
    """Chromium, as the system has it. Make users before: it occupies the thread's event loop."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        yield started
        started.close()


def visit(browser: Browser, base: str, *, scheme: Scheme, size: ViewportSize) -> Visit:
    context = browser.new_context(color_scheme=scheme, viewport=size)
    context.set_default_timeout(PATIENCE_MS)
    return Visit(page=context.new_page(), base=base)


@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", PHONE)])
def test_every_public_page_works(
    live_server, browser: Browser, scheme: Scheme, size: ViewportSize, tmp_path: Path
) -> None:
    tab = visit(browser, live_server.url, scheme=scheme, size=size)
    page = tab.page

    tab.open("/about")
    page.screenshot(path=tmp_path / f"landing-{scheme}.png")
    expect(page.get_by_role("heading", name="Veza")).to_be_visible()
    expect(page.get_by_role("link", name="API documentation")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]

    page.get_by_role("link", name="API documentation").click()
    login = page.locator("#operations-auth-auth_login_create, [id*=login]").first
    expect(login).to_be_visible()  # drawn by Swagger from 700 KB
    expect(page.get_by_role("button", name="Authorize")).to_be_visible()
    page.screenshot(path=tmp_path / f"docs-{scheme}.png")

    tab.open("/api/redoc/")
    expect(page.get_by_role("heading", name="Veza").first).to_be_visible()
    page.screenshot(path=tmp_path / f"redoc-{scheme}.png")

    assert tab.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_staff_sign_in_to_the_admin(
    live_server, staff: str, browser: Browser, scheme: Scheme, tmp_path: Path
) -> None:
    tab = visit(browser, live_server.url, scheme=scheme, size=DESKTOP)
    page = tab.page

    tab.open("/admin/")
    page.screenshot(path=tmp_path / f"login-{scheme}.png")
    page.fill("[name=username]", staff)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Site administration").first).to_be_visible()
    expect(page.get_by_text("Embedded").first).to_be_visible()
    page.screenshot(path=tmp_path / f"admin-{scheme}.png")

    tab.open("/admin/accounts/user/")
    expect(page.get_by_text(staff).first).to_be_visible()
    page.screenshot(path=tmp_path / f"users-{scheme}.png")
    assert tab.faults == []


@pytest.fixture
def staff() -> str:
    """The name of somebody who may use the admin."""
    return make_user(username="boss", roles=frozenset({RoleName.ADMIN})).username
