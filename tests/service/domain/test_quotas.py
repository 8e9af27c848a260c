"""Quotas of an organisation, over HTTP, on the page and by the command."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from tests.service.desk import Desk
from unmask.cli import app
from unmask.service.domain import quotas
from unmask.service.domain.quotas import Quotas
from unmask.service.people.actor import Scope
from unmask.service.store.tables import AuditEntry, Check

pytestmark = pytest.mark.slow


def bound(desk: Desk, tenant: str = "ours", **most: int) -> None:
    with desk.database.transaction() as session:
        quotas.set_for(session, desk.system(tenant), Quotas(**most))


def send(browser: Any, content: bytes) -> Any:
    return browser.post("/api/v1/checks?name=clip.mp4", content=content)


def announce(browser: Any, length: int) -> Any:
    return browser.post("/api/v1/uploads", headers={"Upload-Length": str(length)})


def test_no_more_checks_wait_than_allowed(either_desk: Desk) -> None:
    rob, other = (either_desk.browser(person="rob", tenant=one) for one in ("ours", "theirs"))
    bound(either_desk, waiting=2)
    assert send(rob, b"one").status_code == 201
    assert announce(rob, 10).status_code == 201
    full = send(rob, b"three")
    assert (full.status_code, full.headers["Retry-After"]) == (429, "60")
    assert full.headers["content-type"] == "application/problem+json"
    assert full.json()["title"] == "Quota"
    assert "2 checks of your organisation wait already" in full.json()["detail"]
    assert announce(rob, 10).status_code == 429
    assert send(other, b"three").status_code == 201, "another organisation has none"
    with either_desk.database.transaction() as session:
        session.execute(update(Check).values(state="done", finished=1.0))
    assert send(rob, b"three").status_code == 201


def test_a_request_sent_again_is_answered_as_before_though_a_quota_is_full(desk: Desk) -> None:
    admin = desk.browser(person="ada")

    def post(path: str, content: bytes, **headers: str) -> Any:
        return admin.post(f"/api/v1/{path}", content=content, headers=headers)

    for path, full, status in (
        ("checks?name=clip.mp4", {"waiting": 1}, 429),
        ("originals?owner=Us", {"bytes": 1}, 507),
    ):
        first = post(path, b"one", **{"Idempotency-Key": path})
        bound(desk, **full)
        again = post(path, b"one", **{"Idempotency-Key": path})
        assert first.status_code == again.status_code == 201
        assert again.json() == first.json()
        assert post(path, b"one").status_code == status


def test_an_announced_upload_is_taken_when_it_ends(desk: Desk) -> None:
    rob = desk.browser(person="rob")
    bound(desk, waiting=1, daily=1, bytes=4)
    address = announce(rob, 4).headers["Location"]
    piece = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert send(rob, b"two").status_code == 429
    done = rob.patch(address, content=b"four", headers=piece | {"Tus-Resumable": "1.0.0"})
    assert done.status_code == 204
    assert done.headers["Unmask-Check"]


def test_no_more_checks_begin_in_a_day_than_allowed(desk: Desk) -> None:
    rob = desk.browser(person="rob")
    bound(desk, daily=2)
    now = desk.database.now()
    desk.check(b"yesterday", created=now - quotas.DAY - 60)
    desk.check(b"in the morning", created=now - quotas.DAY + 3600)
    assert send(rob, b"two").status_code == 201
    full = send(rob, b"three")
    assert full.status_code == 429
    assert 3500 < int(full.headers["Retry-After"]) <= 3600
    assert "in 60 minutes" in full.json()["detail"]


def test_no_more_bytes_are_kept_than_allowed(desk: Desk) -> None:
    admin = desk.browser(person="ada")
    bound(desk, bytes=10)
    first = send(admin, b"six...").json()["id"]
    for answer in (
        send(admin, b"five."),
        announce(admin, 5),
        admin.post("/api/v1/originals?owner=Us", content=b"five."),
    ):
        assert answer.status_code == 507
        assert answer.json()["title"] == "Quota"
        assert "keeps 6" in answer.json()["detail"]
    assert send(admin, b"four").status_code == 201
    with desk.database.transaction() as session:
        session.execute(update(Check).values(state="done", finished=1.0))
    assert admin.delete(f"/api/v1/checks/{first}/media").status_code == 204
    assert send(admin, b"five.").status_code == 201
    assert not list(desk.service.storage.listed("incoming")), "what was refused is not kept"


@pytest.mark.slow
def test_nobody_waits_while_a_file_is_moved_and_the_quota_holds(
    tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path / "service", {"database": postgresql})
    admin, rob = desk.browser(person="ada"), desk.browser(person="rob")
    bound(desk, bytes=10)
    move, statuses, waited = desk.service.storage.move, [], []

    def slowly(name: str, to: str) -> None:
        monkeypatch.setattr(desk.service.storage, "move", move)
        other = Thread(target=lambda: statuses.append(send(rob, b"five.").status_code))
        other.start()
        other.join(10)
        waited.append(other.is_alive())
        move(name, to)

    monkeypatch.setattr(desk.service.storage, "move", slowly)
    first = send(admin, b"six...")
    assert waited == [False]
    assert statuses == [201]
    assert (first.status_code, first.json()["title"]) == (507, "Quota")
    assert len(list(desk.service.storage.listed(""))) == 1, "what was refused is not kept"
    desk.close()


def test_a_check_is_not_judged_again_while_too_many_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rob, check = desk.browser(person="rob"), desk.check(b"judged")
    bound(desk, waiting=1, daily=1)
    judged_again = f"/api/v1/checks/{check}/judgements"
    waiting = desk.check(b"waits", state="queued", finished=None, result=None, verdict=None)
    assert rob.post(judged_again).status_code == 429
    with desk.database.transaction() as session:
        session.execute(update(Check).where(Check.id == waiting).values(finished=1.0))
    assert rob.post(judged_again).status_code == 202, "it is no new check"


def test_the_operator_sets_them_by_the_command(desk: Desk) -> None:
    desk.check(b"six...")

    def quota(*arguments: str) -> str:
        command = ["accounts", "quota", "--organisation", "ours", "--data", str(desk.data)]
        done = CliRunner().invoke(app, [*command, *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    unbound = "waiting: 0 of any number\ndaily: 0 of any number\nbytes: 6 of any number\n"
    with desk.database.transaction() as session:
        session.execute(update(Check).values(created=1.0))
    assert quota() == unbound
    assert "waiting: 0 of 5\ndaily: 0 of 2,000" in quota("--waiting", "5", "--daily", "2000")
    assert "waiting: 0 of 5\ndaily: 0 of any" in quota("--daily", "0")
    with desk.database.reading() as session:
        set_ = select(AuditEntry).where(AuditEntry.action == "organisation.quota_set")
        details = [entry.detail for entry in session.scalars(set_.order_by(AuditEntry.number))]
    assert details[-1] == {"waiting": 5, "daily": None, "bytes": None}
    assert len(details) == 2, "a look at them is no change"
    nobody = ["accounts", "quota", "--organisation", "nobody", "--data", str(desk.data)]
    assert CliRunner().invoke(app, nobody).exit_code == 1


def test_an_admin_sees_them_and_nobody_changes_them_over_http(desk: Desk) -> None:
    bound(desk, waiting=7, bytes=5_000_000)
    admin = desk.browser(person="ada")
    send(admin, b"six...")
    shown = admin.get("/api/v1/organisation").json()
    assert shown["quotas"] == {"waiting": 7, "daily": None, "bytes": 5_000_000}
    assert shown["used"] == {"waiting": 1, "daily": 1, "bytes": 6}
    page = admin.get("/organisation").text
    assert "1 of 7" in page
    assert "6 bytes of 5.0 MB" in page
    _, secret = desk.key(*Scope)
    change = {"second_factor": False, "quotas": {"waiting": 9}}
    assert desk.program(secret).patch("/api/v1/organisation", json=change).status_code == 403
    assert admin.patch("/api/v1/organisation", json=change).json()["quotas"]["waiting"] == 7
    assert desk.browser(person="rob").get("/organisation").status_code == 403
