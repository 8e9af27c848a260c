"""Second factor: setting up, signing in, codes used once, limits, removal, requirement."""

from __future__ import annotations

from typing import Any

import pytest
from pyotp import TOTP
from sqlalchemy import select, update
from typer.testing import CliRunner

from tests.service.desk import ORIGIN, PASSWORD, Desk
from unmask.cli import app
from unmask.service.api import accounts as signing_in
from unmask.service.people import recovery_codes, second_factor
from unmask.service.people.actor import Scope
from unmask.service.store.tables import AuditEntry, RecoveryCode, SecondFactor

pytestmark = pytest.mark.slow

ME, FACTOR = "/api/v1/whoami", "/api/v1/second-factor"
PASSKEYS = ("passkeys", "passkeys/challenge")


class Phone:
    """An authenticator app that has scanned a key.

    Args:
        key: as the service shows it.
        desk: the service whose clock it has.
    """

    def __init__(self, key: str, desk: Desk) -> None:
        self._app, self._desk = TOTP(key), desk

    def code(self, steps: int = 0) -> str:
        """Returns the code of now, or of some steps of 30 s later."""
        return self._app.at(self._desk.database.now(), counter_offset=steps)


def set_up(desk: Desk, browser: Any) -> tuple[Phone, list[str]]:
    """Turns the second factor of a browser's person on; returns the phone and recovery codes."""
    phone = Phone(browser.post(FACTOR).json()["key"], desk)
    answer = browser.post(f"{FACTOR}/confirmation", json={"code": phone.code(-1)})
    assert answer.status_code == 200, answer.text
    return phone, answer.json()["recovery_codes"]


def password_given(desk: Desk, person: str = "rob") -> tuple[Any, str | None]:
    """Returns a browser in which the password was typed, and what it is asked for next."""
    browser = desk.browser()
    form = {"email": f"{person}@ours.example", "password": PASSWORD}
    browser.headers["Origin"] = ORIGIN
    answer = browser.post("/api/v1/session", json=form).json()
    browser.headers["X-CSRF-Token"] = answer["csrf"]
    return browser, answer["awaits"]


def give(browser: Any, code: str) -> int:
    answer = browser.post("/api/v1/session/code", json={"code": code})
    if answer.status_code == 200:
        browser.headers["X-CSRF-Token"] = answer.json()["csrf"]
    status: int = answer.status_code
    return status


def actions(desk: Desk) -> list[str]:
    with desk.database.reading() as session:
        found = select(AuditEntry.action).where(AuditEntry.tenant == desk.tenants["ours"])
        return list(session.scalars(found.order_by(AuditEntry.number)))


def test_sign_in_asks_for_a_code_once_the_factor_is_on(either_desk: Desk) -> None:
    desk = either_desk
    browser = desk.browser(person="rob")
    assert password_given(desk)[1] is None
    phone, codes = set_up(desk, browser)
    assert len(codes) == len(set(codes)) == recovery_codes.CODES
    assert browser.get(ME).status_code == 200, "the browser in which it was set up stays"
    assert browser.get(FACTOR).json()["confirmed"] is not None
    entering, awaits = password_given(desk)
    assert awaits == "code"
    before = entering.cookies.get("unmask_session")
    assert entering.get(ME).status_code == 401
    assert give(entering, "000000" if phone.code() != "000000" else "111111") == 401
    assert give(entering, phone.code()) == 200
    assert entering.get(ME).json()["scopes"], "with all rights of the role"
    assert entering.cookies.get("unmask_session") != before
    assert actions(desk)[-3:] == ["factor.added", "factor.refused", "session.begun"]


def test_a_session_without_the_code_opens_nothing(desk: Desk) -> None:
    set_up(desk, desk.browser(person="ada"))
    entering, _ = password_given(desk, "ada")
    document = entering.get("/openapi.json").json()
    entrance = ("/api/v1/session", "/api/v1/session/code", "/api/v1/session/challenge")
    set_up_ = (FACTOR, *(f"{FACTOR}/{one}" for one in ("confirmation", *PASSKEYS)))
    for path, methods in document["paths"].items():
        if path.startswith("/api/") and path not in (*entrance, *set_up_):
            for method in methods:
                assert entering.request(method, path).status_code == 401, (method, path)
    for page in ("/", "/account", "/people", "/organisation"):
        assert entering.get(page, follow_redirects=False).headers["location"].startswith("/sign-in")
    assert entering.post(FACTOR).status_code == 409, "the factor cannot be replaced before the code"
    answer = entering.post(f"{FACTOR}/confirmation", json={"code": "123456"})
    assert answer.status_code == 409
    assert entering.post(f"{FACTOR}/passkeys/challenge").status_code == 409, "nor added to"
    assert entering.delete("/api/v1/session").status_code == 204


def test_to_turn_it_on_signs_every_other_browser_out(either_desk: Desk) -> None:
    desk = either_desk
    thief, other = desk.browser(person="rob"), desk.browser(person="ada")
    assert thief.get(ME).status_code == 200
    browser = desk.browser(person="rob")
    set_up(desk, browser)
    assert thief.get(ME).status_code == 401
    assert browser.get(ME).status_code == other.get(ME).status_code == 200


def test_a_factor_confirmed_after_the_password_was_checked_is_asked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, enter = desk.browser(person="rob"), signing_in.enter

    def after_set_up(*arguments: Any, **named: Any) -> Any:
        set_up(desk, browser)
        return enter(*arguments, **named)

    monkeypatch.setattr(signing_in, "enter", after_set_up)
    thief, awaits = password_given(desk)
    assert awaits == "code"
    assert thief.get(ME).status_code == 401


def test_a_key_proposed_after_the_code_was_taken_is_not_confirmed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, thief, spend = (
        desk.browser(person="rob"),
        desk.browser(person="rob"),
        second_factor.spend,
    )

    def before_another_key(*arguments: Any, **named: Any) -> None:
        spend(*arguments, **named)
        assert thief.post(FACTOR).status_code == 201

    monkeypatch.setattr(second_factor, "spend", before_another_key)
    phone = Phone(browser.post(FACTOR).json()["key"], desk)
    answer = browser.post(f"{FACTOR}/confirmation", json={"code": phone.code()})
    assert answer.status_code == 409
    assert browser.get(FACTOR).json()["confirmed"] is None


def test_no_code_is_taken_twice(either_desk: Desk) -> None:
    phone, codes = set_up(either_desk, either_desk.browser(person="rob"))
    assert give(password_given(either_desk)[0], phone.code(-1)) == 401, "spent by the set-up"
    code = phone.code()
    assert give(password_given(either_desk)[0], code) == 200
    assert give(password_given(either_desk)[0], code) == 401
    assert give(password_given(either_desk)[0], phone.code(1)) == 200, "a clock 30 s ahead"
    assert give(password_given(either_desk)[0], phone.code(0)) == 401, "older than the last one"
    assert give(password_given(either_desk)[0], phone.code(2)) == 401, "too far ahead"
    loosely = codes[0].lower().replace("-", " ")
    assert give(password_given(either_desk)[0], loosely) == 200
    assert give(password_given(either_desk)[0], codes[0]) == 401
    assert give(password_given(either_desk)[0], codes[1]) == 200


def test_codes_belong_to_one_account(desk: Desk) -> None:
    _, codes = set_up(desk, desk.browser(person="rob"))
    phone, _ = set_up(desk, desk.browser(person="rita"))
    assert give(password_given(desk)[0], phone.code()) == 401
    assert give(password_given(desk, "rita")[0], codes[0]) == 401


def test_attempts_are_limited_whatever_the_password_does(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, codes = set_up(desk, desk.browser(person="rob"))
    monkeypatch.setattr(second_factor, "PER_CODE", second_factor.Limit("code", 3, 900))
    assert [give(password_given(desk)[0], "wrong") for _ in range(4)] == [401, 401, 401, 429]
    assert give(password_given(desk)[0], phone.code()) == 429
    monkeypatch.setattr(second_factor, "PER_CODE", second_factor.Limit("other", 3, 900))
    for _ in range(2):
        assert [give(password_given(desk)[0], "wrong") for _ in range(2)] == [401, 401]
        assert give(password_given(desk)[0], codes.pop()) == 200, "makes up for the wrong ones"


def test_a_password_that_waits_for_its_code_waits_ten_minutes(desk: Desk) -> None:
    from unmask.service.people import sessions
    from unmask.service.store.tables import BrowserSession

    _, codes = set_up(desk, desk.browser(person="rob"))
    entering, _ = password_given(desk)
    with desk.database.transaction() as session:
        pending = session.scalars(select(BrowserSession).where(BrowserSession.pending)).one()
        assert pending.expires - pending.created == sessions.PENDING == 600
        pending.expires = desk.database.now()
    assert give(entering, codes[0]) == 401
    assert give(password_given(desk)[0], codes[0]) == 200, "and was not spent"


def test_an_unconfirmed_key_is_worth_nothing(desk: Desk) -> None:
    browser = desk.browser(person="rob")
    first = Phone(browser.post(FACTOR).json()["key"], desk)
    second = Phone(browser.post(FACTOR).json()["key"], desk)
    assert password_given(desk)[1] is None
    assert give(browser, second.code()) == 401
    answer = browser.post(f"{FACTOR}/confirmation", json={"code": first.code(-1)})
    assert answer.status_code == 401, "replaced"
    answer = browser.post(f"{FACTOR}/confirmation", json={"code": second.code(-1)})
    assert answer.status_code == 200
    assert browser.post(f"{FACTOR}/confirmation", json={"code": "1"}).status_code == 409


def test_a_proposed_key_lasts_an_hour(desk: Desk) -> None:
    browser = desk.browser(person="rob")
    phone = Phone(browser.post(FACTOR).json()["key"], desk)
    with desk.database.transaction() as session:
        session.execute(update(SecondFactor).values(created=SecondFactor.created - 3600))
    confirmation = f"{FACTOR}/confirmation"
    assert browser.post(confirmation, json={"code": phone.code(-1)}).status_code == 409
    phone = Phone(browser.post(FACTOR).json()["key"], desk)
    assert browser.post(confirmation, json={"code": phone.code(-1)}).status_code == 200


def test_recovery_codes_are_kept_as_digests_and_renewed(desk: Desk) -> None:
    browser = desk.browser(person="rob")
    phone, codes = set_up(desk, browser)
    with desk.database.reading() as session:
        kept = session.scalars(select(RecoveryCode.digest)).all()
    assert all(len(digest) == 64 for digest in kept)
    assert not any(code.replace("-", "") in "".join(kept) for code in codes)
    renewal = f"{FACTOR}/recovery-codes"
    assert browser.post(renewal, json={"code": "nothing"}).status_code == 401
    new = browser.post(renewal, json={"code": phone.code()}).json()["recovery_codes"]
    assert not set(new) & set(codes)
    assert give(password_given(desk)[0], codes[0]) == 401
    assert give(password_given(desk)[0], new[0]) == 200
    assert browser.get(FACTOR).json()["recovery_codes"] == recovery_codes.CODES - 1


def test_one_s_own_factor_is_removed_with_a_code(desk: Desk) -> None:
    here, there = desk.browser(person="rob"), desk.browser(person="rob")
    phone, _ = set_up(desk, here)
    assert here.post(f"{FACTOR}/removal", json={"code": "000000000"}).status_code == 401
    assert here.post(f"{FACTOR}/removal", json={"code": phone.code()}).status_code == 204
    assert [one.get(ME).status_code for one in (here, there)] == [401, 401]
    assert password_given(desk)[1] is None
    assert actions(desk)[-2:] == ["factor.removed", "session.begun"]


def test_an_admin_removes_what_somebody_lost(desk: Desk) -> None:
    admin, rob = desk.browser(person="ada"), desk.browser(person="rob")
    set_up(desk, rob)
    set_up(desk, admin)
    own = f"/api/v1/accounts/{desk.account('ada').id}/second-factor"
    robs = f"/api/v1/accounts/{desk.account('rob').id}/second-factor"
    ritas = f"/api/v1/accounts/{desk.account('rita').id}/second-factor"
    _, key = desk.key(*Scope)
    assert desk.program(key).delete(robs).status_code == 403, "no program does"
    assert desk.browser(person="rita").delete(robs).status_code == 403
    assert admin.delete(own).status_code == 409, "one's own takes a code"
    assert admin.delete(ritas).status_code == 409, "has none"
    assert admin.delete(robs).status_code == 204
    assert rob.get(ME).status_code == 401
    assert password_given(desk)[1] is None
    with desk.database.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "factor.removed"))
        assert [(one.actor_name, one.subject) for one in entry] == [("Ada", desk.account("rob").id)]


def test_an_organisation_requires_it(desk: Desk) -> None:
    admin, rob = desk.browser(person="ada"), desk.browser(person="rob")
    other = desk.browser(person="rob", tenant="theirs")
    required = {"second_factor": True}
    assert admin.patch("/api/v1/organisation", json=required).status_code == 409, "not before hers"
    set_up(desk, admin)
    _, key = desk.key(*Scope)
    assert desk.program(key).patch("/api/v1/organisation", json=required).status_code == 403
    assert rob.patch("/api/v1/organisation", json=required).status_code == 403
    changed = admin.patch("/api/v1/organisation", json=required)
    assert changed.json() == admin.get("/api/v1/organisation").json()
    assert changed.json()["second_factor"] is True
    assert admin.get(ME).status_code == 200
    assert rob.get(ME).status_code == 401, "signed out, for he has none"
    assert other.get(ME).status_code == 200, "of another organisation"
    rob, awaits = password_given(desk)
    assert awaits == "set-up"
    assert rob.get(ME).status_code == 401
    phone = Phone(rob.post(FACTOR).json()["key"], desk)
    assert give(rob, phone.code(-1)) == 401, "not confirmed"
    done = rob.post(f"{FACTOR}/confirmation", json={"code": phone.code(-1)}).json()
    rob.headers["X-CSRF-Token"] = done["csrf"]
    assert rob.get(ME).status_code == 200
    assert rob.post(f"{FACTOR}/removal", json={"code": phone.code()}).status_code == 204
    assert password_given(desk)[1] == "set-up"


def test_programs_have_no_second_factor(desk: Desk) -> None:
    set_up(desk, desk.browser(person="ada"))
    _, secret = desk.key(*Scope)
    program = desk.program(secret)
    assert program.get(ME).status_code == 200
    assert program.get(FACTOR).status_code == 403
    assert program.post(FACTOR).status_code == 403
    for path in ("removal", "recovery-codes"):
        assert program.post(f"{FACTOR}/{path}", json={"code": "1"}).status_code == 403
    assert program.post("/api/v1/session/code", json={"code": "1"}).status_code == 403


def test_the_command_removes_it_for_an_admin_who_lost_all(desk: Desk) -> None:
    set_up(desk, desk.browser(person="ada"))
    arguments = ["accounts", "remove-factor", "ada@ours.example", "--data", str(desk.data)]
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.stdout) == (0, "removed the second factor of ada@ours.example\n")
    assert password_given(desk, "ada")[1] is None
    assert CliRunner().invoke(app, arguments).exit_code == 1


def test_a_clock_that_was_set_back_lets_no_old_code_in(desk: Desk) -> None:
    phone, _ = set_up(desk, desk.browser(person="rob"))
    with desk.database.transaction() as session:
        session.execute(update(SecondFactor).values(step=SecondFactor.step + 100))
    assert give(password_given(desk)[0], phone.code()) == 401
