"""Accounts: passwords, signing in, lock-outs that reveal nothing, the last admin, the command."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import delete, select
from typer.testing import CliRunner

from tests.service.desk import ORIGIN, PASSWORD, Desk
from unmask.cli import app
from unmask.service.people import accounts, passwords
from unmask.service.people.actor import Role
from unmask.service.problems import Problem
from unmask.service.store.tables import Account, AuditEntry

pytestmark = pytest.mark.slow


def sign_in(desk: Desk, email: str, password: str) -> tuple[int, dict[str, str], dict[str, str]]:
    answer = desk.browser().post(
        "/api/v1/session", json={"email": email, "password": password}, headers={"Origin": ORIGIN}
    )
    kept = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, answer.json(), kept


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "fourteen chars",
        "password1234567890",
        "Passwordpassword",
        "aaaaaaaaaaaaaaaaaaaa",
        "abcabcabcabcabcabc",
        "qwertyuiopasdfghjkl",
        "9876543210abcdefgh",
        "admin admin admin admin",
        "ann.example.ann.example",
        "1qaz2wsx3edc4rfv5tgb",
        "Welcome-2026-Welcome!",
        "x" * 257,
    ],
)
def test_passwords_that_are_expected_are_refused(password: str) -> None:
    with pytest.raises(Problem) as refused:
        passwords.hashed(password, ("ann@example.org", "Ann Example"))
    assert refused.value.status == 422
    assert password not in refused.value.detail


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "correct horse battery staple",
        "紫色电车在九个月亮下面慢慢走过大桥边",
        "f7K.q9x2vLm4zRt8w",
    ],
)
def test_passwords_need_no_odd_characters(password: str) -> None:
    kept = passwords.hashed(password)
    assert kept.startswith("$argon2id$")
    assert passwords.matches(password, kept)
    assert not passwords.matches(password + "x", kept)


def test_how_a_character_is_composed_does_not_matter() -> None:
    assert passwords.matches(
        "cafe\u0301 mit blauem hut", passwords.hashed("caf\u00e9 mit blauem hut")
    )


@given(
    unit=st.text(st.characters(min_codepoint=33), min_size=1, max_size=4), times=st.integers(8, 60)
)
@example(unit="\u0390\u03b0\u1fb7\ufb03", times=8)  # each folds to three letters
def test_a_few_characters_repeated_are_refused(unit: str, times: int) -> None:
    with pytest.raises(Problem):
        passwords.hashed(unit * times)


def test_who_does_not_exist_is_told_the_same(desk: Desk) -> None:
    wrong = sign_in(desk, "ada@ours.example", "not this one at all")
    unknown = sign_in(desk, "nobody@ours.example", "not this one at all")
    with desk.database.transaction() as session:
        session.scalars(
            select(Account).where(Account.email == "rob@ours.example")
        ).one().active = False
    gone = sign_in(desk, "rob@ours.example", PASSWORD)
    assert wrong[0] == 401
    assert wrong == unknown == gone


def test_too_many_attempts_are_refused_alike_for_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "PER_ACCOUNT", accounts.Limit("sign-in", 2, 900))
    known, unknown = (
        [sign_in(desk, email, "not this one at all")[:2] for _ in range(3)]
        for email in ("ada@ours.example", "nobody@ours.example")
    )
    assert [status for status, _ in known] == [status for status, _ in unknown] == [401, 401, 429]
    assert [body["title"] for _, body in known] == [body["title"] for _, body in unknown]
    assert sign_in(desk, "ADA@ours.example ", PASSWORD)[0] == 429
    assert sign_in(desk, "vera@ours.example", PASSWORD)[0] == 200


def test_attempts_from_one_address_are_limited_over_all_accounts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "PER_ADDRESS", accounts.Limit("sign-in-address", 3, 900))
    statuses = [sign_in(desk, f"guess{i}@ours.example", "not this one at all")[0] for i in range(4)]
    assert statuses == [401, 401, 401, 429]


def test_the_right_password_makes_up_for_wrong_ones(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "PER_ACCOUNT", accounts.Limit("sign-in", 2, 900))
    for _ in range(3):
        assert sign_in(desk, "ada@ours.example", "not this one at all")[0] == 401
        assert sign_in(desk, "ada@ours.example", PASSWORD)[0] == 200


def test_failed_attempts_are_in_the_audit_log_without_what_was_typed(desk: Desk) -> None:
    sign_in(desk, "ada@ours.example", "not this one at all")
    with desk.database.reading() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "account.sign_in_failed")
        ).one()
    assert (entry.subject, entry.detail) == (desk.account("ada").id, {})


def test_an_admin_adds_people_who_can_sign_in(desk: Desk) -> None:
    admin = desk.browser(person="ada")
    form = {
        "email": " New@Ours.example",
        "name": "New <b>One</b>",
        "role": "reviewer",
        "password": PASSWORD,
    }
    assert admin.post("/api/v1/accounts", json=form).json()["email"] == "new@ours.example"
    assert admin.post("/api/v1/accounts", json=form).status_code == 409
    assert admin.post("/api/v1/accounts", json={**form, "email": "nothing"}).status_code == 422
    assert sign_in(desk, "new@ours.example", PASSWORD)[1]["account"]["role"] == "reviewer"
    assert desk.browser(person="rob").post("/api/v1/accounts", json=form).status_code == 403


def test_the_last_admin_stays(desk: Desk) -> None:
    admin, ada = desk.browser(person="ada"), desk.account("ada").id
    for change in ({"role": "viewer"}, {"active": False}):
        assert admin.patch(f"/api/v1/accounts/{ada}", json=change).status_code == 409
    rob = desk.account("rob").id
    assert admin.patch(f"/api/v1/accounts/{rob}", json={"role": "admin"}).status_code == 200
    assert admin.patch(f"/api/v1/accounts/{ada}", json={"role": "viewer"}).status_code == 200


def test_two_admins_who_demote_each_other_leave_one(either_desk: Desk) -> None:
    ada, rob = either_desk.account("ada"), either_desk.account("rob")
    with either_desk.database.transaction() as session:
        accounts.change(session, either_desk.actor("ada"), rob.id, Role.ADMIN)

    def demote(account: str) -> int:
        try:
            with either_desk.database.transaction() as session:
                accounts.change(session, either_desk.system(), account, Role.VIEWER)
        except Problem as problem:
            return problem.status
        return 200

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(demote, (ada.id, rob.id))) == [200, 409]


def test_another_password_signs_all_browsers_out(desk: Desk) -> None:
    here, there = desk.browser(person="rob"), desk.browser(person="rob")
    new = "seven quiet rivers of ink"
    form = {"current": "not this one at all", "new": new}
    assert here.put("/api/v1/password", json=form).status_code == 401
    assert (
        here.put("/api/v1/password", json={"current": PASSWORD, "new": "too short"}).status_code
        == 422
    )
    assert here.put("/api/v1/password", json={"current": PASSWORD, "new": new}).status_code == 204
    assert [one.get("/api/v1/whoami").status_code for one in (here, there)] == [401, 401]
    assert sign_in(desk, "rob@ours.example", PASSWORD)[0] == 401
    assert sign_in(desk, "rob@ours.example", new)[0] == 200


def test_the_command_makes_the_first_admin(desk: Desk) -> None:
    run, data = CliRunner().invoke, ["--data", str(desk.data)]
    added = run(
        app,
        ["accounts", "add", "first@new.example", "--role", "admin", "--organisation", "new", *data],
        input=PASSWORD,
    )
    assert (added.exit_code, added.stdout) == (0, "added first@new.example as admin of new\n")
    assert sign_in(desk, "first@new.example", PASSWORD)[0] == 200
    weak = run(app, ["accounts", "add", "second@new.example", *data], input="short\n")
    assert weak.exit_code == 1
    assert "15 to 256 characters" in weak.stderr
    assert (
        run(
            app, ["accounts", "add", "x@y.example", "--role", "king", *data], input=PASSWORD
        ).exit_code
        == 2
    )
    assert (
        "first@new.example  admin"
        in run(app, ["accounts", "list", "--organisation", "new", *data]).stdout
    )
    nowhere = desk.data / "nowhere"
    assert run(app, ["accounts", "list", "--data", str(nowhere)]).exit_code == 2
    assert not nowhere.exists()
    other = "seven quiet rivers of ink"
    assert (
        run(app, ["accounts", "password", "first@new.example", *data], input=other).exit_code == 0
    )
    assert sign_in(desk, "first@new.example", other)[0] == 200


def test_a_service_without_accounts_says_how_the_first_is_made(desk: Desk) -> None:
    how = "unmask accounts add"
    assert how not in desk.browser().get("/sign-in").text
    with desk.database.transaction() as session:
        session.execute(delete(Account))
    assert how in desk.browser().get("/sign-in").text
