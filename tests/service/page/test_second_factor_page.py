"""The second factor in a real browser: set up, sign in, lose the phone; by whom it is required."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pyotp import TOTP

from tests.service.conftest import CHROMIUM
from tests.service.desk import PASSWORD, Desk
from tests.service.page.test_page import BLOCKED, PHONE, check_screen
from tests.service.site import Site
from unmask.service.domain import quotas

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium; on Debian: apt-get install chromium"
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "service")
    yield made
    made.close()


@contextmanager
def phone(chromium: Browser, site: Site, refusals: str) -> Iterator[Page]:
    """Opens a phone's browser; fails at the end if the browser complained of anything.

    Args:
        refusals: pattern of the complaints that are expected.
    """
    complaints: list[str] = []
    view = {"width": PHONE[0], "height": PHONE[1]}
    context = chromium.new_context(base_url=site.url, viewport=view, color_scheme="dark")
    page = context.new_page()
    page.add_init_script(BLOCKED)
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert [one for one in complaints if not re.search(refusals, one)] == []


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    with phone(chromium, site, r"status of 4(01|09)") as page:
        yield page


def sign_in(page: Page, person: str) -> None:
    page.goto("/sign-in?next=/checks")
    page.fill("#email", f"{person}@ours.example")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in?" not in url)


def scanned(page: Page, desk: Desk) -> TOTP:
    """Scans the key that the page shows, and types the app's code."""
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    app = TOTP(page.locator("code.secret").inner_text().replace(" ", ""))
    page.get_by_label("Code that the app shows now").fill(
        app.at(desk.database.now(), counter_offset=-1)
    )
    page.get_by_role("button", name="Turn on").click()
    return app


def test_from_set_up_to_the_recovery_code(page: Page, site: Site) -> None:
    sign_in(page, "ada")
    page.wait_for_url(re.compile(r":\d+/checks$"))
    check_screen(page, "/account")
    check_screen(page, "/account/second-factor")
    page.get_by_role("button", name="Set up an authenticator app").click()
    app = scanned(page, site.desk)
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_text("On since")).to_be_visible()
    check_screen(page, "/account/second-factor")
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, "ada")
    page.wait_for_url(re.compile("/sign-in/code"))
    expect(page.get_by_role("navigation")).to_have_count(0)
    check_screen(page, page.url)
    page.get_by_label("Code").fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("this code is wrong or was used")
    page.get_by_label("Code").fill(app.at(site.desk.database.now(), counter_offset=1))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r":\d+/checks$"))
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, "ada")
    page.get_by_label("Code").fill(codes[0])
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r":\d+/checks$"))
    page.goto("/account/second-factor")
    expect(page.get_by_text("9 recovery codes are unused.")).to_be_visible()
    page.get_by_role("link", name="Make new recovery codes").click()
    page.get_by_label("Code").fill(codes[1])
    page.get_by_role("button", name="Make new recovery codes").click()
    new = page.locator("#codes").inner_text().split()
    page.get_by_role("link", name="Continue").click()
    page.get_by_role("link", name="Remove the authenticator app").click()
    check_screen(page, page.url)
    page.get_by_label("Code").fill(codes[2])
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("this code is wrong or was used")
    page.get_by_label("Code").fill(new[0])
    page.get_by_role("button", name="Remove the authenticator app").click()
    page.wait_for_url(re.compile("/sign-in"))
    sign_in(page, "ada")
    page.wait_for_url(re.compile(r":\d+/checks$"))


def test_an_organisation_requires_it_and_an_admin_removes_a_lost_one(
    page: Page, site: Site
) -> None:
    desk = site.desk
    with desk.database.transaction() as session:
        quotas.set_for(session, desk.system(), quotas.Quotas(waiting=3, bytes=5_000_000))
    sign_in(page, "ada")
    check_screen(page, "/organisation")
    page.get_by_role("button", name="Require a second factor").click()
    expect(page.get_by_role("alert")).to_contain_text("set up your own second factor first")
    page.goto("/account/second-factor")
    page.get_by_role("button", name="Set up an authenticator app").click()
    scanned(page, desk)
    page.goto("/organisation")
    page.get_by_role("button", name="Require a second factor").click()
    expect(page.get_by_text("Everybody needs a second factor")).to_be_visible()

    other = page.context.browser.new_context(base_url=site.url).new_page()  # type: ignore[union-attr]
    sign_in(other, "rob")
    expect(other.get_by_text("Your organisation requires a second factor")).to_be_visible()
    other.get_by_role("button", name="Set up an authenticator app").click()
    scanned(other, desk)
    other.get_by_role("link", name="Continue").click()
    other.wait_for_url(re.compile(r":\d+/checks$"))

    page.goto("/people")
    page.get_by_role("button", name="Remove second factor Rob").click()
    expect(page.get_by_role("button", name="Remove second factor Rob")).to_have_count(0)
    other.goto("/checks")
    other.wait_for_url(re.compile("/sign-in"))
    page.goto("/audit")
    expect(page.get_by_text("Second factor removed")).to_be_visible()
    other.context.close()
