"""Staff set up a second factor in a real browser, under the admin's policy."""

from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from apps.auth.types import RoleName
from tests.browser.test_pages import DESKTOP, PHONE, Scheme, browser, visit
from tests.factories.auth import PASSWORD, make_user
from tests.factories.factors import code_of

__all__ = ["browser"]

pytestmark = [
    pytest.mark.needs_browser,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def staff(settings) -> str:
    settings.ADMIN_REQUIRES_2FA = True
    return make_user(username="boss", roles=frozenset({RoleName.ADMIN})).username


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_staff_set_up_a_second_factor_and_sign_in_with_it(
    live_server, staff: str, browser: Browser, scheme: Scheme, tmp_path: Path
) -> None:
    tab = visit(
        browser, live_server.url, scheme=scheme, size=PHONE if scheme == "dark" else DESKTOP
    )
    page = tab.page

    def sign_in(otp: str = "") -> None:
        page.fill("[name=username]", staff)
        page.fill("[name=password]", PASSWORD)
        page.fill("[name=otp]", otp)
        page.screenshot(path=tmp_path / f"sign-in-{scheme}.png")
        page.get_by_role("button", name="Log in").click()

    tab.open("/admin/")
    sign_in()
    picture = page.get_by_role("img", name="QR code")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 0
    page.screenshot(path=tmp_path / f"setup-{scheme}.png", full_page=True)
    secret = page.locator("#secret").inner_text()
    page.fill("[name=code]", code_of(secret, at=timezone.now()))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator("#recovery-codes li")).to_have_count(10)
    recovery = page.locator("#recovery-codes li").first.inner_text()
    page.screenshot(path=tmp_path / f"codes-{scheme}.png", full_page=True)
    page.get_by_text("I have kept them").click()
    expect(page.get_by_text("Site administration").first).to_be_visible()

    page.context.clear_cookies()
    tab.open("/admin/")
    sign_in("000000")
    expect(page.get_by_text("The code is wrong")).to_be_visible()
    page.screenshot(path=tmp_path / f"wrong-{scheme}.png", full_page=True)
    sign_in(recovery)
    expect(page.get_by_text("Site administration").first).to_be_visible()
    assert tab.faults == []
