"""People at their browsers, in one installation as `make run` starts it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from playwright.sync_api import Browser, Locator, Page, Response, expect, sync_playwright

from tests import npm
from tests.browser.test_pages import FLAGS
from tests.patience import PATIENCE_MS, PATIENCE_S
from tests.veza.test_up import Up, environment
from veza.embedded import datadir
from veza.embedded.ports import free_port

PASSWORD = "violet tape under rain"
SERIOUS = {"serious", "critical"}
AXE = Path(__file__).parents[1] / "browser" / "axe"
# Notices go after some seconds, which a busy machine may let pass before a test looks.
REMEMBER_NOTICES = """
window.told = ''
new MutationObserver(() => {
    const now = document.querySelector('.notices')?.textContent ?? ''
    if (!told.endsWith(now)) told += now
}).observe(document, { childList: true, subtree: true, characterData: true })
"""
expect.set_options(timeout=PATIENCE_MS)
# Of policies the browser complains on the console; of answers with an error status it does, too.
REFUSED = "Failed to load resource"
_ADMIN = """
import json
from django.utils import timezone
from apps.auth.services.demo import ensure_accounts
found = [each for each in ensure_accounts(now=timezone.now()) if "admin" in each.roles]
print(json.dumps([found[0].username, found[0].password]))
"""


@dataclass
class Person:
    """Somebody with a browser of his own, and everything in it that should not have happened."""

    page: Page
    base: str
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.add_init_script(REMEMBER_NOTICES)
        self.page.on("console", lambda said: self._console(said.type, said.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("response", self._response)

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and REFUSED not in text and "WebSocket" not in text:
            self.faults.append(f"{kind}: {text}")

    def _response(self, response: Response) -> None:
        if response.status >= 500 or response.status == 429:
            self.faults.append(f"{response.status} {response.url}")

    def open(self, path: str = "/") -> None:
        self.page.goto(self.base + path)

    def go(self, name: str) -> None:
        """To a place of the navigation."""
        self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
        self.sees(self.page.get_by_role("heading", level=1))

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).first.click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("main").get_by_role("link", name=name).first.click()

    def sees(self, what: str | Locator) -> None:
        where = self.page.get_by_text(what).first if isinstance(what, str) else what
        expect(where).to_be_visible()

    def was_told(self, what: str) -> None:
        """In a notice, since the page was loaded."""
        self.page.wait_for_function("what => told.includes(what)", arg=what)

    def sign_up(self, username: str) -> None:
        self.open("/sign-up")
        self.page.get_by_label("User name").fill(username)
        self.page.get_by_label("E-mail").fill(f"{username}@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Create account")
        self.sees(self.page.get_by_role("heading", name="Upload"))

    def sign_in(self, login: str, *, password: str = PASSWORD) -> None:
        self.open("/sign-in")
        self.page.get_by_label("User name or e-mail").fill(login)
        self.page.get_by_label("Password").fill(password)
        self.press("Sign in")

    def upload(self, *files: Path) -> None:
        self.page.set_input_files("input[type=file]", [str(file) for file in files])

    def hears(self) -> None:
        """Until what plays has come further."""
        self.page.wait_for_function(
            "at => Number(document.querySelector('[aria-label=Position]')?.value) > at + 0.5",
            arg=self.heard(),
        )

    def heard(self) -> float:
        """Seconds, as the bar at the foot has them."""
        return float(self.page.get_by_label("Position").input_value())

    def obstacles(self) -> list[str]:
        """What the judge of accessibility finds serious on this view."""
        if self.page.evaluate("typeof axe") == "undefined":
            self.page.evaluate(_axe())
        found = self.page.evaluate("axe.run({ resultTypes: ['violations'], preload: false })")
        return [
            f"{each['id']}: {node['html']}"
            for each in found["violations"]
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]


@dataclass
class House:
    """A whole installation, and the browser of whoever visits it."""

    up: Up
    browser: Browser
    people: list[Person] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.up.port}"

    def visitor(self, base: str | None = None, **context: Any) -> Person:
        """Somebody new, by default on a desktop in light colours."""
        options: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}} | context
        page = self.browser.new_context(**options).new_page()
        person = Person(page, base or self.address)
        self.people.append(person)
        return person

    def register(self, username: str) -> dict[str, str]:
        """An account without a browser; the headers that prove it."""
        body = {"username": username, "email": f"{username}@example.org", "password": PASSWORD}
        answer = httpx.post(f"{self.address}/api/v1/auth/register", json=body, timeout=PATIENCE_S)
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['access']}"}

    def admin(self) -> tuple[str, str]:
        """Name and password of somebody who may use the admin."""
        name, password = json.loads(self.manage("shell", "--no-imports", "-c", _ADMIN))
        return name, password

    def manage(self, *arguments: str) -> str:
        """What a command prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR, check=False, capture_output=True, text=True,
            env=environment(VEZA_DATA_DIR=str(self.up.data_dir)),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


class _Home(Up):
    """One that many browsers wait for, on a machine that may have much else to do."""

    patience_s = 300


@contextmanager
def house(data_dir: Path) -> Iterator[House]:
    """Everything embedded, without demo data, as fast as the machine lets it start."""
    up = _Home(data_dir, free_port(), "--no-demo")
    flags = [*FLAGS, "--autoplay-policy=no-user-gesture-required"]
    try:
        up.wait_ready()
        up.stay()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=flags)
            yield House(up, browser)
            browser.close()
    finally:
        up.end()
        with datadir.hold(data_dir):  # stops whatever is left
            pass


def _axe() -> str:
    folder = npm.installed_packages(AXE, "package.json") / "node_modules" / "axe-core"
    return (folder / "axe.min.js").read_text()
