"""Passkeys in a real browser, with its own virtual authenticator: made, used, and removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.service.conftest import CHROMIUM
from tests.service.page.test_page import check_screen
from tests.service.page.test_second_factor_page import phone, scanned, sign_in
from tests.service.site import Site

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium; on Debian: apt-get install chromium"
)


class Virtual:
    """Chromium's virtual authenticator, of one page (Web Authentication, 11).

    Args:
        page: whose ``navigator.credentials`` it answers.
    """

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
        }
        made = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.identifier = made["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        """Returns the passkeys that it keeps."""
        found: list[dict[str, Any]] = self._do("getCredentials")["credentials"]
        return found

    def set_back(self) -> None:
        """Sets its signature counters back, as an older copy of it would have them."""
        (one,) = self.credentials()
        self._do("removeCredential", credentialId=one["credentialId"])
        self._do("addCredential", credential=one | {"signCount": 0})

    def refuse(self) -> None:
        """Has the person give a wrong PIN from now on."""
        self._do("setUserVerified", isUserVerified=False)

    def _do(self, what: str, **more: Any) -> dict[str, Any]:
        given = {"authenticatorId": self.identifier} | more
        answer: dict[str, Any] = self._session.send(f"WebAuthn.{what}", given)
        return answer


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "service", public=True)
    yield made
    made.close()


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    with phone(chromium, site, r"status of 4(01|09|22)") as page:
        yield page


def add_passkey(page: Page, name: str) -> None:
    """Makes a passkey where the browser is asked for one."""
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the passkey").click()


def test_from_the_first_passkey_to_its_removal(page: Page, site: Site) -> None:
    device = Virtual(page)
    sign_in(page, "ada")
    check_screen(page, "/account/second-factor")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("need JavaScript")).to_have_count(0)
    add_passkey(page, "My phone")
    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10
    assert len(device.credentials()) == 1
    page.get_by_role("link", name="Continue").click()
    check_screen(page, "/account/second-factor")
    expect(page.get_by_role("rowheader", name="My phone")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, "ada")
    page.wait_for_url(re.compile("/sign-in/code"))
    check_screen(page, page.url)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(re.compile(r":\d+/checks$"))
    assert device.credentials()[0]["signCount"] > 0

    page.goto("/account/second-factor")
    page.get_by_role("link", name="Add a passkey").click()
    check_screen(page, page.url)
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_label("Name").fill("Again")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("has a passkey for your account already")

    page.goto("/account/second-factor")
    page.get_by_role("link", name="Remove My phone").click()
    expect(page.get_by_text("My phone")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(re.compile("/sign-in"))
    sign_in(page, "ada")
    page.wait_for_url(re.compile(r":\d+/checks$"))
    page.goto("/audit")
    for action in ("Passkey added", "Passkey removed", "Second factor removed"):
        expect(page.get_by_text(action)).to_be_visible()


def test_a_copy_a_wrong_pin_and_a_code_instead(page: Page, site: Site) -> None:
    device = Virtual(page)
    sign_in(page, "ada")
    page.goto("/account/second-factor")
    page.get_by_role("button", name="Add a passkey").click()
    add_passkey(page, "My phone")
    page.get_by_role("link", name="Continue").click()
    page.goto("/account/second-factor")
    page.get_by_role("link", name="Set up an authenticator app").click()
    page.get_by_role("button", name="Use a passkey").click()
    app = scanned(page, site.desk)
    expect(page.get_by_role("link", name="Remove the authenticator app")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, "ada")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(re.compile(r":\d+/checks$"))
    page.get_by_role("button", name="Sign out").click()
    device.set_back()
    sign_in(page, "ada")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("this passkey was refused")
    device.refuse()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("#passkey-said")).to_contain_text("Nothing came of it")
    page.get_by_label("Code").fill(app.at(site.desk.database.now(), counter_offset=1))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r":\d+/checks$"))
    page.goto("/audit")
    expect(page.get_by_text("there may be a copy")).to_be_visible()


def test_without_scripts_the_code_is_there(chromium: Browser, site: Site, page: Page) -> None:
    Virtual(page)
    sign_in(page, "rob")
    page.goto("/account/second-factor")
    page.get_by_role("button", name="Add a passkey").click()
    add_passkey(page, "My phone")
    codes = page.locator("#codes").inner_text().split()
    plain = chromium.new_context(base_url=site.url, java_script_enabled=False).new_page()
    sign_in(plain, "rob")
    expect(plain.get_by_role("button", name="Use a passkey")).to_be_hidden()
    plain.get_by_label("Code").fill(codes[0])
    plain.keyboard.press("Enter")
    plain.wait_for_url(re.compile(r":\d+/checks$"))
    plain.goto("/account/second-factor/change/passkey")
    plain.get_by_label("Code").fill(codes[1])
    plain.keyboard.press("Enter")
    expect(plain.get_by_role("alert")).to_have_text(
        "Passkeys need JavaScript and a current browser."
    )
    plain.context.close()
