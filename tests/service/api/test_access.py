"""Access: keys, cookies, scopes, requests forged by other sites, and limits."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select, update

from tests.service.desk import ORIGIN, PASSWORD, Desk
from unmask.service.people import sessions
from unmask.service.people.actor import Scope
from unmask.service.store.tables import Account, BrowserSession

ME = "/api/v1/whoami"


def test_a_key_opens_what_its_scopes_say(desk: Desk) -> None:
    _, secret = desk.key(Scope.READ)
    program = desk.program(secret)
    assert program.get(ME).json()["scopes"] == ["checks:read"]
    assert program.get("/api/v1/cases").status_code == 200
    assert program.get("/api/v1/accounts").status_code == 403
    assert program.post("/api/v1/cases", json={"check": "x"}).status_code == 403


@pytest.mark.parametrize(
    "header", ["", "Bearer um_none", "Bearer ", "Basic YTpi", "Bearer \xff", "um_none"]
)
def test_without_a_key_that_stands_nobody_gets_in(desk: Desk, header: str) -> None:
    answer = desk.browser().get(ME, headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_revoked_and_expired_keys_are_worth_nothing(desk: Desk) -> None:
    key, secret = desk.key(Scope.READ)
    _, old = desk.key(Scope.READ, expires=time.time() - 1)
    _, young = desk.key(Scope.READ, expires=time.time() + 60)
    admin = desk.browser(person="ada")
    assert [desk.program(one).get(ME).status_code for one in (secret, old, young)] == [
        200,
        401,
        200,
    ]
    assert admin.delete(f"/api/v1/keys/{key}").status_code == 200
    assert desk.program(secret).get(ME).status_code == 401


def test_keys_are_kept_as_digests_and_shown_once(desk: Desk) -> None:
    admin = desk.browser(person="ada")
    made = admin.post("/api/v1/keys", json={"name": "a program", "scopes": ["checks:read"]}).json()
    shown = admin.get("/api/v1/keys").text
    assert made["secret"].startswith("um_")
    assert made["secret"] not in shown
    desk.database.close()
    assert made["secret"].encode() not in b"".join(
        path.read_bytes() for path in desk.data.glob("unmask.sqlite*")
    )


def test_a_key_cannot_give_more_than_it_has(desk: Desk) -> None:
    _, secret = desk.key(Scope.ADMIN)
    form = {"name": "more", "scopes": ["cases:write"]}
    assert desk.program(secret).post("/api/v1/keys", json=form).status_code == 403


def test_a_browser_needs_the_token_for_what_changes_something(desk: Desk) -> None:
    browser = desk.browser(person="ada")
    token = browser.headers.pop("X-CSRF-Token")
    form = {"name": "x", "scopes": ["checks:read"]}
    assert browser.get(ME).status_code == 200
    for headers, status in (
        ({}, 403),
        ({"X-CSRF-Token": ""}, 403),
        ({"X-CSRF-Token": token[:-1]}, 403),
        ({"X-CSRF-Token": token}, 201),
    ):
        assert browser.post("/api/v1/keys", json=form, headers=headers).status_code == status


@pytest.mark.slow
@pytest.mark.parametrize(
    ("headers", "good"),
    [
        ({"Origin": ORIGIN}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://localhost.evil.example"}, False),
        ({"Origin": "https://localhost"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
        ({}, False),
    ],
)
def test_what_another_site_makes_a_browser_send_is_refused(
    desk: Desk, headers: dict[str, str], good: bool
) -> None:
    browser = desk.browser(person="ada")
    del browser.headers["Origin"]
    made = browser.post(
        "/api/v1/keys", json={"name": "x", "scopes": ["checks:read"]}, headers=headers
    )
    assert made.status_code == (201 if good else 403)
    form = {"email": "ada@ours.example", "password": PASSWORD}
    assert desk.browser().post("/api/v1/session", json=form, headers=headers).status_code == (
        200 if good else 403
    )


def test_behind_a_proxy_the_public_address_is_the_own_one(desk: Desk, tmp_path) -> None:
    public = Desk(tmp_path / "public", {"public_url": "https://unmask.example"})
    browser = public.browser()
    form = {"email": "ada@ours.example", "password": PASSWORD}
    assert browser.post("/api/v1/session", json=form, headers={"Origin": ORIGIN}).status_code == 403
    answer = browser.post(
        "/api/v1/session", json=form, headers={"Origin": "https://unmask.example"}
    )
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-unmask_session=")
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"):
        assert attribute in cookie
    assert "Domain" not in cookie
    public.close()


def test_the_cookie_is_out_of_reach_of_scripts(desk: Desk) -> None:
    form = {"email": "ada@ours.example", "password": PASSWORD}
    cookie = (
        desk.browser()
        .post("/api/v1/session", json=form, headers={"Origin": ORIGIN})
        .headers["Set-Cookie"]
    )
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_a_secret_planted_before_signing_in_is_worth_nothing_after(desk: Desk) -> None:
    attacker = desk.browser(person="vera")
    planted = attacker.cookies["unmask_session"]
    victim = desk.browser()
    form = {"email": "ada@ours.example", "password": PASSWORD}
    victim.cookies.set("unmask_session", planted)
    answer = victim.post("/api/v1/session", json=form, headers={"Origin": ORIGIN})
    assert planted not in answer.headers["Set-Cookie"]
    assert attacker.get(ME).status_code == 401


def test_a_session_ends_when_idle_and_after_a_week(desk: Desk) -> None:
    secret = desk.browser(person="ada").cookies["unmask_session"]
    now = time.time()
    assert sessions.find(desk.database, secret, now + sessions.IDLE - 60)
    assert sessions.find(desk.database, secret, now + 2 * sessions.IDLE - 200)
    assert not sessions.find(desk.database, secret, now + 3 * sessions.IDLE)
    with desk.database.transaction() as session:
        session.execute(update(BrowserSession).values(seen=now + sessions.ABSOLUTE))
    assert sessions.find(desk.database, secret, now + sessions.ABSOLUTE - 60)
    assert not sessions.find(desk.database, secret, now + sessions.ABSOLUTE + 1)


def test_signing_out_ends_one_browser_or_all(desk: Desk) -> None:
    app_browsers = [desk.browser(person="ada") for _ in range(3)]
    one, two, three = app_browsers
    assert one.delete("/api/v1/session").status_code == 204
    assert [browser.get(ME).status_code for browser in app_browsers] == [401, 200, 200]
    assert two.delete("/api/v1/sessions").status_code == 204
    assert three.get(ME).status_code == 401


def test_who_was_deactivated_or_changed_is_signed_out(desk: Desk) -> None:
    admin, viewer = desk.browser(person="ada"), desk.browser(person="vera")
    vera = desk.account("vera").id
    assert admin.patch(f"/api/v1/accounts/{vera}", json={"active": False}).status_code == 200
    assert viewer.get(ME).status_code == 401
    with desk.database.reading() as session:
        assert session.scalar(select(Account.active).where(Account.id == vera)) is False


def test_requests_are_limited_per_key_with_headers_that_say_so(desk: Desk) -> None:
    _, secret = desk.key(Scope.READ, per_minute=3)
    _, other = desk.key(Scope.READ, per_minute=3)
    program = desk.program(secret)
    answers = [program.get(ME) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=3;w=60'
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == [
        "r=2",
        "r=1",
        "r=0",
        "r=0",
    ]
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 20
    assert desk.program(other).get(ME).status_code == 200
