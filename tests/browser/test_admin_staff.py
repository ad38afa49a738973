"""Staff help people in a real browser, under the admin's policy, on desks and phones."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, expect

from apps.auth.models import SocialIdentity, User
from apps.auth.services.access_tokens import TokenPurpose, create_token
from apps.auth.types import RoleName, Scope
from tests.browser.test_pages import DESKTOP, PHONE, Visit, browser, visit
from tests.factories.auth import PASSWORD, make_user
from tests.factories.factors import turn_on

__all__ = ["browser"]

pytestmark = [
    pytest.mark.needs_browser,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def person() -> User:
    """Somebody with one of everything that staff may see."""
    make_user(username="boss", roles=frozenset({RoleName.ADMIN}))
    now = timezone.now()
    person = make_user(username="ada", erase_at=now + timedelta(days=3), email_verified_at=now)
    turn_on(person)
    scopes = frozenset({Scope.READ, Scope.WRITE})
    purpose = TokenPurpose(name="Studio backup", scopes=scopes, expires_at=now + timedelta(days=9))
    create_token(user_id=person.id, purpose=purpose, now=now)
    SocialIdentity.objects.create(
        user=person, issuer="https://accounts.example.org", subject="1234", email=person.email
    )
    User.objects.filter(pk=person.pk).update(email_verified_at=None)
    return person


class Desk:
    """A tab in which an admin is signed in, and pictures of what he sees."""

    def __init__(self, tab: Visit, folder: Path, scheme: str) -> None:
        self.tab, self.page = tab, tab.page
        self._folder, self._scheme = folder, scheme

    def sign_in(self) -> None:
        self.tab.open("/admin/")
        self.page.fill("[name=username]", "boss")
        self.page.fill("[name=password]", PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_text("Site administration").first).to_be_visible()

    def look(self, name: str) -> None:
        """A picture; nothing sticks out of the screen."""
        self.page.screenshot(path=self._folder / f"{name}-{self._scheme}.png", full_page=True)
        size = self.page.viewport_size
        assert size is not None
        assert self.page.evaluate("document.documentElement.scrollWidth") <= size["width"], name

    def begin(self, action: str) -> None:
        """Choose an action at the top of the page, or in its menu where there is no room."""
        link = self.page.get_by_role("link", name=action, exact=True)
        if not link.is_visible():
            self.page.locator("a:has-text('more_horiz')").click()
            expect(link).to_be_visible()
        self.look(f"menu-{action.replace(' ', '-').lower()}")
        link.click()


@pytest.fixture(params=[("light", DESKTOP), ("dark", DESKTOP), ("light", PHONE), ("dark", PHONE)])
def desk(
    request: pytest.FixtureRequest, live_server, person: User, browser: Browser, tmp_path: Path
) -> Desk:
    scheme, size = request.param
    return Desk(visit(browser, live_server.url, scheme=scheme, size=size), tmp_path, scheme)


def test_staff_help_somebody(person: User, desk: Desk) -> None:
    page = desk.page
    desk.sign_in()

    for name in ("user", "accesstoken", "socialidentity", "role", "session", "auditentry"):
        desk.tab.open(reverse(f"admin:accounts_{name}_changelist"))
        desk.look(name)
    desk.tab.open(reverse("admin:accounts_role_change", args=["operator"]))
    desk.look("one-role")
    desk.begin("Change permissions")
    desk.look("permissions")
    page.get_by_label("audit.read").uncheck()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("may no longer: Read the audit log")).to_be_visible()
    desk.look("permissions-asked")
    page.get_by_role("button", name="Change the permissions").click()
    expect(page.get_by_text("The permissions are changed.")).to_be_visible()
    desk.look("permissions-changed")

    desk.tab.open(reverse("admin:accounts_user_change", args=[person.pk]))
    desk.look("one-user")
    desk.begin("Change roles")
    desk.look("roles")
    page.get_by_label("moderator").check()
    page.get_by_role("button", name="Go on").click()
    desk.look("roles-asked")
    page.get_by_role("link", name="No, take me back").click()
    expect(page.get_by_text("Display name").first).to_be_visible()
    for action in (
        "Reset second factor", "End sessions", "Verify e-mail", "Cancel erasure",
    ):  # fmt: skip
        desk.begin(action)
        expect(page.get_by_text("What will happen")).to_be_visible()
        desk.look(action.replace(" ", "-").lower())
        page.get_by_role("button", name=action).click()
        expect(page.get_by_text(f"{action}: done.")).to_be_visible()
    desk.look("helped")
    assert desk.tab.faults == []
