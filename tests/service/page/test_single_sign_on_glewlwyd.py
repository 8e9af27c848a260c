"""Single sign-on through a second real provider, Glewlwyd, which shares no code with Unmask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from tests.service.conftest import CHROMIUM
from tests.service.desk import ORIGIN, Desk, spoil
from tests.service.glewlwyd import MISSING, PASSWORD, Glewlwyd
from tests.service.site import Site
from unmask.service.page.single_sign_on import BACK
from unmask.service.store.tables import AuditEntry, Identity

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(MISSING, reason="needs Glewlwyd; on Debian: apt-get install glewlwyd"),
]

CLIENT, SECRET = "unmask", "letters-and_digits.only~7"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Glewlwyd]:
    """Yields the provider, with this service as a client of it."""
    with closing(Glewlwyd(tmp_path_factory.mktemp("glewlwyd"))) as made:
        made.client(CLIENT, SECRET, ORIGIN + BACK)
        yield made


def settings(provider: Glewlwyd, client: str = CLIENT) -> dict[str, Any]:
    return {
        "oidc_issuer": provider.issuer,
        "oidc_client": client,
        "oidc_secret": SECRET,
        "oidc_organisation": "ours",
        "oidc_trust_emails": True,
    }


@pytest.fixture
def sso(request: pytest.FixtureRequest, tmp_path: Path, provider: Glewlwyd) -> Iterator[Desk]:
    """Yields a service whose people sign in through the provider; more settings as parameter."""
    more = {"public_url": ORIGIN, **getattr(request, "param", {})}
    with closing(Desk(tmp_path / "service", settings(provider) | more)) as made:
        yield made


def back(provider: Glewlwyd, browser: Any, name: str) -> str:
    """Signs a person in at the provider; returns the path to which it sends the browser back."""
    left = browser.get("/sign-in/away", params={"next": "/cases"}, follow_redirects=False)
    with closing(provider.signed_in(name, CLIENT)) as page:
        answer = page.get(left.headers["location"] + "&g_continue")
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == ORIGIN + BACK
    return f"{parts.path}?{parts.query}"


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium; on Debian: apt-get install chromium")
def test_a_person_signs_in_on_its_page_and_is_known_the_next_time(
    provider: Glewlwyd, chromium: Browser, tmp_path: Path
) -> None:
    name = provider.person("rob@ours.example")
    with closing(Site(tmp_path / "service", public=True, **settings(provider, "page"))) as site:
        provider.client("page", SECRET, site.url + BACK)
        with closing(chromium.new_context(locale="en")) as context:
            page = context.new_page()
            page.goto(f"{site.url}/sign-in?next=/cases")
            page.get_by_role("link", name=urlsplit(provider.url).netloc).click()
            page.get_by_label("Login").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="OK").click()
            page.get_by_role("button", name="Grant access").click()
            page.get_by_role("button", name="Continue").click()
            expect(page).to_have_url(re.compile(re.escape(f"{site.url}/cases")))
            assert page.request.get(f"{site.url}/api/v1/whoami").json()["name"] == "Rob"
            context.clear_cookies(domain="localhost")
            page.goto(f"{site.url}/sign-in?next=/cases")
            page.get_by_role("link", name=urlsplit(provider.url).netloc).click()
            page.get_by_role("button", name="Continue").click()
            expect(page).to_have_url(re.compile(re.escape(f"{site.url}/cases")))
        with site.desk.database.reading() as session:
            (identity,) = session.scalars(select(Identity))
            actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.number)))
        assert (identity.issuer, identity.account) == (
            provider.issuer,
            site.desk.account("rob").id,
        )
        assert actions == ["account.linked", "session.begun", "session.begun"]


MAKING = {"oidc_groups": ("desk=reviewer", "chiefs=admin"), "oidc_make_accounts": True}


@pytest.mark.parametrize("sso", [MAKING], indirect=True)
def test_its_groups_decide_who_gets_an_account_and_as_what(sso: Desk, provider: Glewlwyd) -> None:
    browser = sso.browser()
    path = back(provider, browser, provider.person("nora@ours.example", "desk", "strangers"))
    answer = browser.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases")
    made = sso.account("nora")
    assert (made.role, made.name, made.password) == ("reviewer", "Nina Newcomer", "")
    browser = sso.browser()
    path = back(provider, browser, provider.person("olga@ours.example", "strangers"))
    refused = browser.get(path, follow_redirects=False)
    assert (refused.status_code, "none of your groups" in refused.text) == (403, True)
    assert browser.get("/api/v1/whoami").status_code == 401


def test_its_code_signs_in_one_browser_once_and_for_its_own_secrets_only(
    sso: Desk, provider: Glewlwyd
) -> None:
    name = provider.person("vera@ours.example")
    browser, other = sso.browser(), sso.browser()
    path = back(provider, browser, name)
    assert other.get(path, follow_redirects=False).status_code == 400
    assert browser.get(path, follow_redirects=False).status_code == 303
    assert browser.get(path, follow_redirects=False).status_code == 400, "its cookie is used up"
    for part, status in ((1, 401), (2, 502)):  # the nonce; the verifier, which the provider checks
        browser = sso.browser()
        path = back(provider, browser, name)
        spoil(browser, part)
        assert browser.get(path, follow_redirects=False).status_code == status
        assert browser.get("/api/v1/whoami").status_code == 401
