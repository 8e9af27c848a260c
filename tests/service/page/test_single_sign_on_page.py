"""Single sign-on through a real provider: Canaille, on a port of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_iam import Server
from sqlalchemy import select
from typer.testing import CliRunner

from tests.service.desk import ORIGIN, Desk, spoil
from unmask.cli import app
from unmask.service.page.single_sign_on import BACK
from unmask.service.people import accounts
from unmask.service.store.tables import Account, AuditEntry, Identity

pytestmark = pytest.mark.slow


@pytest.fixture
def provider(iam_server: Server) -> Server:
    """Returns the provider, with this service as a client of it.

    Its storage in memory confuses codes of one client, so none is left over from other tests.
    """
    for code in iam_server.backend.query(iam_server.models.AuthorizationCode):
        iam_server.backend.delete(code)
    client = iam_server.models.Client(
        client_id="unmask",
        client_secret="a secret",  # noqa: S106 - of a test
        client_name="Unmask",
        client_uri=ORIGIN,
        redirect_uris=[ORIGIN + BACK],
        grant_types=["authorization_code"],
        response_types=["code"],
        token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - its name
        scope=["openid", "email", "profile", "groups"],
    )
    iam_server.backend.save(client)
    client.audience = [client]
    iam_server.backend.save(client)
    return iam_server


@pytest.fixture
def sso(request: pytest.FixtureRequest, tmp_path: Path, provider: Server) -> Iterator[Desk]:
    """Yields a service whose people sign in through the provider; more settings as parameter."""
    settings = {
        "public_url": ORIGIN,
        "oidc_issuer": provider.url.rstrip("/"),
        "oidc_client": "unmask",
        "oidc_secret": "a secret",
        "oidc_organisation": "ours",
        "oidc_scope": "groups",
        "oidc_trust_emails": True,
    }
    made = Desk(tmp_path / "service", settings | getattr(request, "param", {}))
    yield made
    made.close()


def person(provider: Server, email: str, *groups: str) -> Any:
    """Makes a person at the provider, in groups, who is signed in there and consents."""
    name = email.partition("@")[0] + email.partition("@")[2].partition(".")[0]
    user = provider.random_user(user_name=name, emails=[email], formatted_name="Nina Newcomer")
    for group in groups:
        provider.random_group(display_name=group, members=[user])
    provider.login(user)
    provider.consent(user)
    return user


def away(browser: Any, where: str = "/cases") -> str:
    """Begins; returns the address of the provider to which the browser is sent."""
    left = browser.get("/sign-in/away", params={"next": where}, follow_redirects=False)
    assert left.status_code == 303, left.text
    return str(left.headers["location"])


def back(provider: Server, address: str) -> str:
    """Lets the provider answer; returns the path to which it sends the browser back."""
    answer = provider.test_client.get(address)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    parts = urlsplit(answer.headers["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == ORIGIN + BACK
    return f"{parts.path}?{parts.query}"


def signed_in(desk: Desk, provider: Server) -> Any:
    browser = desk.browser()
    return browser, browser.get(back(provider, away(browser)), follow_redirects=False)


def test_who_has_an_account_signs_in_and_stays_the_same_under_another_address(
    sso: Desk, provider: Server
) -> None:
    user = person(provider, "rob@ours.example")
    assert urlsplit(provider.url).netloc in sso.browser().get("/sign-in").text
    browser, answer = signed_in(sso, provider)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/cases"
    assert browser.get("/api/v1/whoami").json()["id"] == sso.account("rob").id
    user.emails = ["ada@ours.example"]
    provider.backend.save(user)
    browser, _ = signed_in(sso, provider)
    assert browser.get("/api/v1/whoami").json()["id"] == sso.account("rob").id
    with sso.database.reading() as session:
        (identity,) = session.scalars(select(Identity))
        actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.number)))
    assert identity.account == sso.account("rob").id
    assert actions == ["account.linked", "session.begun", "session.begun"]


@pytest.mark.parametrize("email", ["nina@ours.example", "rob@theirs.example"])
def test_nobody_gets_an_account_or_that_of_another_organisation(
    sso: Desk, provider: Server, email: str
) -> None:
    person(provider, email)
    browser, answer = signed_in(sso, provider)
    assert (answer.status_code, "no account here" in answer.text) == (403, True)
    assert browser.get("/api/v1/whoami").status_code == 401
    with sso.database.reading() as session:
        assert session.scalars(select(Identity)).all() == []
        assert len(session.scalars(select(Account)).all()) == 8


def test_an_address_that_passed_on_to_another_person_opens_nothing_until_unlinked(
    sso: Desk, provider: Server
) -> None:
    first = person(provider, "ada@ours.example")
    before, answer = signed_in(sso, provider)
    assert answer.status_code == 303, answer.text
    first.emails = ["left@ours.example"]
    provider.backend.save(first)
    heir = provider.random_user(user_name="heir", emails=["ada@ours.example"])
    provider.login(heir)
    provider.consent(heir)
    browser, answer = signed_in(sso, provider)
    assert (answer.status_code, "no account here" in answer.text) == (403, True)
    assert browser.get("/api/v1/whoami").status_code == 401
    assert before.get("/api/v1/whoami").status_code == 200
    command = ["accounts", "unlink", "ada@ours.example", "--data", str(sso.data)]
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, done.stdout) == (0, "unlinked ada@ours.example\n")
    assert before.get("/api/v1/whoami").status_code == 401, "signed out everywhere"
    assert CliRunner().invoke(app, command).exit_code == 1, "nothing to unlink any more"
    browser, answer = signed_in(sso, provider)
    assert answer.status_code == 303, answer.text
    assert browser.get("/api/v1/whoami").json()["id"] == sso.account("ada").id


MAKING = {"oidc_groups": ("desk=reviewer", "chiefs=admin"), "oidc_make_accounts": True}


@pytest.mark.parametrize("sso", [MAKING], indirect=True)
def test_where_the_settings_say_so_groups_get_accounts_and_roles(
    sso: Desk, provider: Server
) -> None:
    person(provider, "nora@ours.example", "desk", "strangers")
    browser, answer = signed_in(sso, provider)
    assert answer.status_code == 303, answer.text
    assert "admin" not in browser.get("/api/v1/whoami").json()["scopes"]
    made = sso.account("nora")
    assert (made.role, made.name, made.password) == ("reviewer", "Nina Newcomer", "")
    person(provider, "olga@ours.example", "strangers of ours")
    _, answer = signed_in(sso, provider)
    assert (answer.status_code, "none of your groups" in answer.text) == (403, True)


def test_another_browser_a_second_time_or_a_changed_secret_signs_nobody_in(
    sso: Desk, provider: Server
) -> None:
    person(provider, "vera@ours.example")
    browser = sso.browser()
    path = back(provider, away(browser))
    other = sso.browser()
    away(other)
    for refused in (sso.browser(), other):
        assert refused.get(path, follow_redirects=False).status_code == 400
    assert browser.get(path, follow_redirects=False).status_code == 303
    assert browser.get(path, follow_redirects=False).status_code == 400  # its cookie is used up
    for part, status in ((1, 401), (2, 502)):  # the nonce; the verifier, which the provider checks
        browser = sso.browser()
        path = back(provider, away(browser))
        spoil(browser, part)
        assert browser.get(path, follow_redirects=False).status_code == status
        assert browser.get("/api/v1/whoami").status_code == 401


def test_whoever_comes_back_with_a_forged_code_attempts_to_sign_in(
    sso: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "PER_ADDRESS", accounts.Limit("sign-in-address", 3, 900))
    browser = sso.browser()

    def come_back() -> int:
        away(browser)
        kept = browser.cookies["unmask_sign_in"].split(".")
        address = f"{BACK}?state={kept[0]}&code=forged"
        status: int = browser.get(address, follow_redirects=False).status_code
        return status

    assert [come_back() for _ in range(4)] == [502, 502, 502, 429]


def test_a_page_wanted_is_of_bounded_length(sso: Desk, provider: Server) -> None:
    person(provider, "vera@ours.example")
    for length, status in ((2000, 303), (2001, 422)):
        browser, where = sso.browser(), "/checks?words=".ljust(length, "x")
        left = browser.get("/sign-in/away", params={"next": where}, follow_redirects=False)
        assert left.status_code == status
        assert len(left.headers.get("set-cookie", "")) < 4096
    browser, where = sso.browser(), "/checks?words=".ljust(2000, "x")
    answer = browser.get(back(provider, away(browser, where)), follow_redirects=False)
    assert answer.headers["location"] == where


def test_it_is_off_by_default(desk: Desk) -> None:
    browser = desk.browser()
    assert "/sign-in/away" not in browser.get("/sign-in").text
    for path in ("/sign-in/away", BACK):
        assert browser.get(path, follow_redirects=False).status_code == 404
