"""Passkeys as the second factor: registering, signing in, removal, and who tries to cheat."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.service.desk import ORIGIN, Desk
from tests.service.people.test_second_factor import (
    FACTOR,
    ME,
    Phone,
    actions,
    give,
    password_given,
    set_up,
)
from tests.support.authenticator import Authenticator, encoded
from unmask.service.domain import backup
from unmask.service.people import passkeys, second_factor
from unmask.service.people.actor import Scope
from unmask.service.people.webauthn import RelyingParty
from unmask.service.settings import ServiceSettings
from unmask.service.store.tables import BrowserSession, Passkey

PASSKEYS, CHALLENGE = f"{FACTOR}/passkeys", "/api/v1/session/challenge"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Yields a service that has a public address."""
    made = Desk(tmp_path / "service", {"public_url": ORIGIN})
    yield made
    made.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """Yields such a service on SQLite, and one on a PostgreSQL server."""
    server = request.param == "postgresql"
    more = {"database": request.getfixturevalue("postgresql")} if server else {}
    made = Desk(tmp_path / "service", {"public_url": ORIGIN} | more)
    yield made
    made.close()


def begun(browser: Any, **proof: Any) -> dict[str, Any]:
    """Returns what a browser is asked for a new passkey."""
    answer = browser.post(f"{PASSKEYS}/challenge", json=proof or None)
    assert answer.status_code == 200, answer.text
    asked: dict[str, Any] = answer.json()["public_key"]
    return asked


def finish(browser: Any, answer: dict[str, Any], name: str = "A key") -> Any:
    return browser.post(PASSKEYS, json={"name": name, "passkey": answer})


def registered(browser: Any, **more: Any) -> tuple[Authenticator, list[str]]:
    """Makes a passkey where there was no second factor; returns it and the recovery codes."""
    phone = Authenticator(ORIGIN, **more)
    answer = finish(browser, phone.create(begun(browser)))
    assert answer.status_code == 201, answer.text
    return phone, answer.json()["recovery_codes"]


def asked(browser: Any) -> dict[str, Any]:
    """Returns what a browser is asked for one of the person's passkeys."""
    found: dict[str, Any] = browser.post(CHALLENGE).json()["public_key"]
    return found


def show(browser: Any, answer: dict[str, Any]) -> int:
    """Signs in with a passkey, after the password; returns the status."""
    answered = browser.post("/api/v1/session/code", json={"passkey": answer})
    if answered.status_code == 200:
        browser.headers["X-CSRF-Token"] = answered.json()["csrf"]
    status: int = answered.status_code
    return status


def test_a_passkey_alone_is_a_second_factor(either: Desk) -> None:
    desk = either
    here, there = desk.browser(person="rob"), desk.browser(person="rob")
    phone, codes = registered(here)
    assert len(codes) == 10
    assert [one.get(ME).status_code for one in (here, there)] == [200, 401], "others are ended"
    (known,) = here.get(FACTOR).json()["passkeys"]
    assert (known["name"], known["used"]) == ("A key", None)
    entering, awaits = password_given(desk)
    assert awaits == "code"
    assert entering.get(ME).status_code == 401
    before = entering.cookies.get("unmask_session")
    assert show(entering, phone.get(asked(entering))) == 200
    assert entering.get(ME).json()["scopes"]
    assert entering.cookies.get("unmask_session") != before
    (known,) = entering.get(FACTOR).json()["passkeys"]
    assert known["used"] >= known["created"]
    assert give(password_given(desk)[0], codes[0]) == 200, "a recovery code instead"
    assert actions(desk)[-3:] == ["passkey.added", "session.begun", "session.begun"]


def test_what_the_browser_is_asked(desk: Desk) -> None:
    browser = desk.browser(person="rob", headers={"X-Forwarded-Host": "evil.example"})
    options = begun(browser)
    assert options["rp"] == {"id": "localhost", "name": "Unmask"}
    assert options["user"]["name"] == "rob@ours.example"
    assert [one["alg"] for one in options["pubKeyCredParams"]] == [-8, -7, -257]
    assert options["attestation"] == "none"
    phone, _ = registered(browser)
    (known,) = asked(browser)["allowCredentials"]
    assert known["id"] == encoded(phone.credential)
    again = browser.post(f"{PASSKEYS}/challenge", json={"passkey": phone.get(asked(browser))})
    assert again.json()["public_key"]["excludeCredentials"] == [known], "not twice on one device"


def test_several_passkeys_and_an_app_together(either: Desk) -> None:
    desk = either
    browser = desk.browser(person="rob")
    first, codes = registered(browser)
    second = Authenticator(ORIGIN, algorithm=-8, count=None)
    assert browser.post(f"{PASSKEYS}/challenge").status_code == 422, "shown again before adding"
    assert browser.post(FACTOR).status_code == 422
    made = finish(browser, second.create(begun(browser, code=codes[0])), "Second")
    assert made.json()["recovery_codes"] == [], "there are some"
    proof = {"passkey": second.get(asked(browser))}
    app = Phone(browser.post(FACTOR, json=proof).json()["key"], desk)
    confirmed = browser.post(f"{FACTOR}/confirmation", json={"code": app.code(-1)})
    assert confirmed.json()["recovery_codes"] == []
    held = browser.get(FACTOR).json()
    assert [one["name"] for one in held["passkeys"]] == ["A key", "Second"]
    assert held["recovery_codes"] == 9
    assert held["app"] > held["confirmed"] == held["passkeys"][0]["created"]
    for phone in (first, second, second):
        entering, _ = password_given(desk)
        assert show(entering, phone.get(asked(entering))) == 200
    assert give(password_given(desk)[0], app.code()) == 200
    assert browser.post(f"{FACTOR}/app/removal", json={"code": app.code(1)}).status_code == 204
    assert browser.get(FACTOR).json()["app"] is None
    assert browser.post(f"{FACTOR}/app/removal", json={"code": codes[2]}).status_code == 409
    assert password_given(desk)[1] == "code"


def test_a_challenge_is_answered_once_and_by_its_own_session(either: Desk) -> None:
    desk = either
    phone, _ = registered(desk.browser(person="rob"))
    first, second = password_given(desk)[0], password_given(desk)[0]
    options = asked(first)
    answer = phone.get(options)
    asked(second)
    assert show(second, answer) == 401, "the challenge of another session"
    assert show(first, answer) == 200
    assert show(password_given(desk)[0], answer) == 401, "replayed"
    third = password_given(desk)[0]
    answer = phone.get(asked(third))
    later = phone.get(asked(third))
    assert show(third, answer) == 401, "replaced by a newer challenge"
    assert show(third, later) == 401, "and a wrong answer used that up"
    assert show(third, phone.get(asked(third))) == 200


def test_a_challenge_lasts_ten_minutes(desk: Desk) -> None:
    browser = desk.browser(person="rob")
    phone, _ = registered(browser)
    answer = phone.get(asked(browser))
    with desk.database.transaction() as session:
        kept = session.scalars(select(BrowserSession).where(BrowserSession.challenge.is_not(None)))
        browsing = kept.one()
        assert browsing.challenge_expires
        assert abs(browsing.challenge_expires - desk.database.now() - passkeys.LASTS) < 60
        browsing.challenge_expires = desk.database.now()
    assert browser.post(f"{FACTOR}/recovery-codes", json={"passkey": answer}).status_code == 401
    options = begun(browser, passkey=phone.get(asked(browser)))
    with desk.database.transaction() as session:
        session.execute(update(BrowserSession).values(challenge_expires=desk.database.now()))
    assert finish(browser, Authenticator(ORIGIN).create(options)).status_code == 422


CHEATS: dict[str, dict[str, Any]] = {
    "another page": {"origin": "https://unmask.evil.example"},
    "another port": {"origin": f"{ORIGIN}:8443"},
    "another service": {"party": "evil.example"},
    "within another site's page": {"cross": True},
    "nobody there": {"flags": 0},
}


@pytest.mark.parametrize("cheat", CHEATS.values(), ids=CHEATS)
def test_cheats_are_refused_and_audited(desk: Desk, cheat: dict[str, Any]) -> None:
    browser = desk.browser(person="rob")
    forged = Authenticator(ORIGIN)
    for name, value in cheat.items():
        setattr(forged, name, value)
    refused = finish(browser, forged.create(begun(browser)))
    assert refused.status_code == 422
    assert browser.get(FACTOR).json()["confirmed"] is None
    phone, _ = registered(browser)
    for name, value in cheat.items():
        setattr(phone, name, value)
    entering, _ = password_given(desk)
    assert show(entering, phone.get(asked(entering))) == 401
    assert entering.get(ME).status_code == 401
    assert actions(desk)[-1] == "factor.refused"


def test_another_person_s_passkey_is_refused(either: Desk) -> None:
    desk = either
    robs, _ = registered(desk.browser(person="rob"))
    ritas, _ = registered(desk.browser(person="rita"))
    entering, _ = password_given(desk)
    assert show(entering, ritas.get(asked(entering))) == 401
    posing = copy.deepcopy(ritas)
    posing.credential, posing.handle = robs.credential, robs.handle
    assert show(entering, posing.get(asked(entering))) == 401, "under the other's name"
    vera = desk.browser(person="vera")
    stolen = Authenticator(ORIGIN, credential=robs.credential)
    assert finish(vera, stolen.create(begun(vera))).status_code == 422, "an account has it"
    assert show(entering, robs.get(asked(entering))) == 200


def test_a_copy_is_noticed_by_its_counter(either: Desk) -> None:
    desk = either
    phone, _ = registered(desk.browser(person="rob"))
    clone = copy.deepcopy(phone)
    for _ in range(2):
        entering, _ = password_given(desk)
        assert show(entering, phone.get(asked(entering))) == 200
    entering, _ = password_given(desk)
    assert show(entering, clone.get(asked(entering))) == 401, "it counted to one, not to three"
    assert actions(desk)[-2:] == ["passkey.copied", "factor.refused"]
    assert show(entering, clone.get(asked(entering))) == 401, "the same count again"
    clone.count = None
    assert show(entering, clone.get(asked(entering))) == 401, "no count where there was one"
    forged = phone.get(asked(entering))
    forged["response"]["signature"] = forged["response"]["signature"][:-4] + "AAAA"
    assert show(entering, forged) == 401
    assert actions(desk)[-2:] == ["factor.refused", "factor.refused"], "no alarm without signature"
    assert show(entering, phone.get(asked(entering))) == 200


def test_tries_share_the_limit_of_codes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    phone, codes = registered(desk.browser(person="rob"))
    stranger = copy.deepcopy(phone)
    stranger.origin = "https://unmask.evil.example"
    monkeypatch.setattr(second_factor, "PER_CODE", second_factor.Limit("code", 3, 900))
    entering, _ = password_given(desk)
    tried = [show(entering, stranger.get(asked(entering))) for _ in range(3)]
    assert tried == [401, 401, 401]
    assert show(entering, phone.get(asked(entering))) == 429
    assert give(entering, codes[0]) == 429


def test_one_s_own_passkeys_are_removed_with_a_second_factor(desk: Desk) -> None:
    browser, other = desk.browser(person="rob"), desk.browser(person="rita")
    phone, codes = registered(browser)
    finish(browser, Authenticator(ORIGIN).create(begun(browser, code=codes[0])), "Second")
    first, second = (one["id"] for one in browser.get(FACTOR).json()["passkeys"])
    ritas, _ = registered(other)
    there, _ = password_given(desk)
    assert show(there, phone.get(asked(there))) == 200

    def remove(by: Any, which: str, **proof: Any) -> int:
        status: int = by.post(f"{PASSKEYS}/{which}/removal", json=proof).status_code
        return status

    assert remove(browser, first, code="000000") == 401
    assert remove(other, first, passkey=ritas.get(asked(other))) == 404, "somebody else's"
    assert remove(browser, first, passkey=phone.get(asked(browser))) == 204, "with itself"
    assert [one.get(ME).status_code for one in (browser, there)] == [200, 401]
    assert password_given(desk)[1] == "code"
    assert remove(browser, first, code=codes[1]) == 404
    assert remove(browser, second, code=codes[2]) == 204
    assert browser.get(ME).status_code == 401, "nothing is left"
    assert password_given(desk)[1] is None
    assert actions(desk)[-3:] == ["passkey.removed", "factor.removed", "session.begun"]
    again = desk.browser(person="rob")
    assert again.get(FACTOR).json()["recovery_codes"] == 0


def test_who_is_required_to_have_one_may_have_a_passkey(desk: Desk) -> None:
    admin, rob = desk.browser(person="ada"), desk.browser(person="rob")
    vera = desk.browser(person="vera")
    registered(admin)
    registered(rob)
    assert admin.patch("/api/v1/organisation", json={"second_factor": True}).status_code == 200
    assert [one.get(ME).status_code for one in (admin, rob, vera)] == [200, 200, 401]
    vera, awaits = password_given(desk, "vera")
    assert awaits == "set-up"
    phone = Authenticator(ORIGIN)
    made = finish(vera, phone.create(begun(vera)))
    vera.headers["X-CSRF-Token"] = made.json()["csrf"]
    assert vera.get(ME).json()["scopes"]
    reset = f"/api/v1/accounts/{desk.account('vera').id}/second-factor"
    assert admin.delete(reset).status_code == 204
    assert vera.get(ME).status_code == 401
    with desk.database.reading() as session:
        left = session.scalars(select(Passkey).where(Passkey.account == desk.account("vera").id))
        assert left.all() == []
    assert password_given(desk, "vera")[1] == "set-up"


def test_an_app_that_was_never_confirmed_is_forgotten(desk: Desk) -> None:
    browser = desk.browser(person="rob")
    app = Phone(browser.post(FACTOR).json()["key"], desk)
    registered(browser)
    confirmed = browser.post(f"{FACTOR}/confirmation", json={"code": app.code()})
    assert confirmed.status_code == 409, "its key may have been seen by others"


def test_who_has_only_the_password_finishes_no_set_up_of_the_owner(desk: Desk) -> None:
    browser = desk.browser(person="rob")
    _, codes = registered(browser)
    app = Phone(browser.post(FACTOR, json={"code": codes[0]}).json()["key"], desk)
    thief, _ = password_given(desk)
    confirmation = {"code": app.code(-1)}
    assert thief.post(f"{FACTOR}/confirmation", json=confirmation).status_code == 409
    form = {"csrf": thief.headers["X-CSRF-Token"], "code": "000000"}
    shown = thief.post("/account/second-factor/confirmation", data=form)
    assert shown.status_code == 409
    assert "secret" not in shown.text, "nor is its key shown"
    assert thief.post(f"{PASSKEYS}/challenge", json={"code": codes[1]}).status_code == 409
    assert thief.get(ME).status_code == 401
    assert browser.post(f"{FACTOR}/confirmation", json=confirmation).status_code == 200


def test_a_session_ended_meanwhile_adds_nothing(desk: Desk) -> None:
    thief, browser = desk.browser(person="rob"), desk.browser(person="rob")
    answer = Authenticator(ORIGIN).create(begun(thief))
    secret = thief.cookies["unmask_session"]
    set_up(desk, browser)
    assert finish(thief, answer).status_code == 401
    new = passkeys.NewPasskey.model_validate(answer)
    with pytest.raises(second_factor.Problem, match="422"):
        second_factor.add_passkey(desk.service, desk.actor("rob"), secret, "mine", new)


def test_there_is_a_most(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = desk.browser(person="rob")
    _, codes = registered(browser)
    monkeypatch.setattr(passkeys, "MOST", 1)
    refused = browser.post(f"{PASSKEYS}/challenge", json={"code": codes[0]})
    assert (refused.status_code, refused.json()["title"]) == (409, "Too many passkeys")


def test_programs_have_no_passkeys(desk: Desk) -> None:
    browser = desk.browser(person="ada")
    phone, _ = registered(browser)
    answer = phone.get(asked(browser))
    _, secret = desk.key(*Scope)
    program = desk.program(secret)
    made = {
        "name": "A key",
        "passkey": Authenticator(ORIGIN).create(begun(browser, passkey=answer)),
    }
    (known,) = browser.get(FACTOR).json()["passkeys"]
    for path, form in (
        (CHALLENGE, None),
        (f"{PASSKEYS}/challenge", None),
        (PASSKEYS, made),
        (f"{PASSKEYS}/{known['id']}/removal", {"code": "1"}),
    ):
        assert program.post(path, json=form).status_code == 403, path


def test_a_form_that_shows_nothing_counts_as_no_try(desk: Desk) -> None:
    browser = desk.browser(person="rob")
    registered(browser)
    entries = actions(desk)
    for form in ({}, {"code": ""}, {"passkey": {}}, {"passkey": "text"}):
        assert browser.post(f"{FACTOR}/removal", json=form).status_code == 422
    assert actions(desk) == entries


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("https://unmask.example.org", RelyingParty("unmask.example.org", "https://unmask.example.org")),
        ("https://Unmask.example.org:8443/", RelyingParty("unmask.example.org", "https://unmask.example.org:8443")),
        ("http://localhost:8000", RelyingParty("localhost", "http://localhost:8000")),
        ("http://unmask.example.org", None),
        ("https://192.0.2.1", None),
        ("https://[2001:db8::1]", None),
        ("http://127.0.0.1:8000", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_public_address_says_who_asks(
    tmp_path: Path, address: str, party: RelyingParty | None
) -> None:
    assert passkeys.relying_party(ServiceSettings(data=tmp_path, public_url=address)) == party


def test_without_a_public_address_there_are_none(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "service")
    browser = desk.browser(person="rob")
    assert browser.post(f"{PASSKEYS}/challenge").status_code == 409
    assert "Passkeys" not in browser.get("/account/second-factor").text
    desk.close()


def test_a_backup_has_the_passkeys(desk: Desk, tmp_path: Path) -> None:
    phone, _ = registered(desk.browser(person="rob"))
    backup.save(desk.service, tmp_path / "backup")
    lines = (tmp_path / "backup" / "rows.jsonl").read_text().splitlines()
    kept = [json.loads(line) for line in lines]
    (row,) = (one["row"] for one in kept if one["table"] == "passkeys")
    with desk.database.transaction() as session:
        session.delete(session.get_one(Passkey, row["id"]))
    assert password_given(desk)[1] is None
    with desk.database.transaction() as session:
        session.add(Passkey(**row))
    entering, _ = password_given(desk)
    assert show(entering, phone.get(asked(entering))) == 200
