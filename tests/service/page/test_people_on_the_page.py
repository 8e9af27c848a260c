"""People on the page: links to set their own passwords, and their signed-in browsers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.service.desk import ORIGIN, PASSWORD, Desk
from unmask.service.people import links
from unmask.service.store.tables import Account, AuditEntry

pytestmark = pytest.mark.slow

LINK = re.compile(rf"{ORIGIN}(/password/[\w-]{{43}})")
NEW = "a green kite over wet slate roofs"


def csrf_of(browser: Any) -> dict[str, str]:
    """Returns the token for forms; from now on only forms send it."""
    return {"csrf": browser.headers.pop("X-CSRF-Token")}


def sign_in(desk: Desk, email: str, password: str) -> int:
    form = {"email": email, "password": password}
    status: int = (
        desk.browser().post("/api/v1/session", json=form, headers={"Origin": ORIGIN}).status_code
    )
    return status


def set_by(desk: Desk, link: str, password: str) -> int:
    origin = {"Origin": ORIGIN}
    answer = desk.browser().post(
        link, data={"new": password}, headers=origin, follow_redirects=False
    )
    status: int = answer.status_code
    return status


def test_who_is_invited_chooses_the_password(desk: Desk) -> None:
    admin = desk.browser(person="ada")
    form = csrf_of(admin) | {"name": "Nia <b>", "email": "nia@ours.example", "role": "reviewer"}
    (link,) = LINK.findall(admin.post("/people", data=form).text)
    assert "/password/" not in admin.get("/people").text, "shown once"
    for password in ("", "nobody has this password", PASSWORD):
        assert sign_in(desk, "nia@ours.example", password) == 401
    asked = desk.browser().get(link)
    assert asked.status_code == 200
    assert "nia@ours.example" in asked.text
    assert set_by(desk, link, "too short") == 422
    assert (
        desk.browser()
        .post(link, data={"new": NEW}, headers={"Origin": "https://evil.example"})
        .status_code
        == 403
    )
    assert set_by(desk, link, NEW) == 303
    assert sign_in(desk, "nia@ours.example", NEW) == 200
    assert set_by(desk, link, "another one of many words") == 404
    assert desk.browser().get(link).status_code == 404


def test_a_reset_ends_the_password_and_every_browser(desk: Desk) -> None:
    admin, rob = desk.browser(person="ada"), desk.browser(person="rob")
    csrf, account = csrf_of(admin), desk.account("rob").id
    (first,) = LINK.findall(admin.post(f"/people/{account}/link", data=csrf).text)
    assert rob.get("/api/v1/whoami").status_code == 401
    assert sign_in(desk, "rob@ours.example", PASSWORD) == 401
    (second,) = LINK.findall(admin.post(f"/people/{account}/link", data=csrf).text)
    assert set_by(desk, first, NEW) == 404, "replaced"
    with desk.database.transaction() as session:
        kept = session.scalar(select(Account.link_expires).where(Account.id == account))
        session.execute(
            update(Account).where(Account.id == account).values(link_expires=desk.database.now())
        )
    assert kept is not None
    assert abs(kept - desk.database.now() - links.LASTS) < 60
    assert set_by(desk, second, NEW) == 404, "expired"
    with desk.database.reading() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "account.link_made")
        ).all()
    assert [(entry.actor_name, entry.subject) for entry in entries] == [("Ada", account)] * 2
    assert "Link to set a password made" in admin.get("/audit").text


def test_nobody_makes_a_link_to_what_is_not_theirs_to_open(desk: Desk) -> None:
    admin, rob = desk.browser(person="ada"), desk.browser(person="rob")
    csrf = csrf_of(admin)

    def status(account: str) -> int:
        answer: int = admin.post(f"/people/{account}/link", data=csrf).status_code
        return answer

    assert status(desk.account("rob", "theirs").id) == 404
    assert status(desk.account("ada").id) == 409, "one's own is changed by who knows it"
    assert rob.post(f"/people/{desk.account('vera').id}/link", data=csrf_of(rob)).status_code == 403
    gone = desk.account("vera").id
    (link,) = LINK.findall(admin.post(f"/people/{gone}/link", data=csrf).text)
    admin.post(f"/people/{gone}", data=csrf | {"active": "no"})
    assert set_by(desk, link, NEW) == 404
    assert status(gone) == 409


def test_one_sees_where_one_is_signed_in_and_ends_it(desk: Desk) -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    here, there = desk.browser(), desk.browser(headers={"User-Agent": firefox})
    for browser in (here, there):
        form = {"email": "rob@ours.example", "password": PASSWORD}
        browser.headers["Origin"] = ORIGIN
        browser.headers["X-CSRF-Token"] = browser.post("/api/v1/session", json=form).json()["csrf"]
    csrf, other = csrf_of(here), desk.browser(person="rita")
    page = here.get("/account").text
    assert "Firefox, Linux" in page
    assert page.count("this one") == 1
    (end,) = re.findall(r'action="(/account/sessions/\w{64}/end)"', page)
    other.post(end, data=csrf_of(other))
    assert there.get("/api/v1/whoami").status_code == 200, "somebody else's"
    assert here.post(end, data=csrf, follow_redirects=False).status_code == 303
    assert there.get("/api/v1/whoami").status_code == 401
    assert here.get("/api/v1/whoami").status_code == 200
    here.post("/account/sign-out-everywhere", data=csrf)
    assert here.get("/api/v1/whoami").status_code == 401
