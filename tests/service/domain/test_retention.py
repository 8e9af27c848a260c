"""Everything that shows a face is deleted after its time, or on request, unless it is held."""

from __future__ import annotations

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from tests.service.desk import Desk
from unmask.service.domain import retention, sweeping
from unmask.service.domain.retention import DAY, PERIOD
from unmask.service.people import audit
from unmask.service.people.actor import Scope
from unmask.service.processes import courier
from unmask.service.store import storage
from unmask.service.store.tables import AuditEntry, BrowserSession, Check, Lease, Media


def objects(desk: Desk, tenant: str = "ours") -> list[str]:
    return [one.name for one in desk.service.storage.listed(desk.tenants[tenant])]


def files(desk: Desk) -> list[Any]:
    return [path for path in (desk.data / "media").rglob("*") if path.is_file()]


def entries(desk: Desk, action: str) -> list[AuditEntry]:
    with desk.database.reading() as session:
        assert audit.verify(session, desk.tenants["ours"]).broken is None
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


def test_media_and_reports_are_gone_after_their_days_and_the_result_stays(
    either_desk: Desk,
) -> None:
    desk, now = either_desk, 1e9
    old = desk.check(b"old", stored=now - 30 * DAY - 1, result={"verdict": "changed"})
    desk.check(b"young", stored=now - 30 * DAY + 60)
    assert len(files(desk)) == 4
    assert retention.run(desk.service, now) == 1
    assert len(files(desk)) == 2
    with desk.database.reading() as session:
        check = session.get_one(Check, old)
        media = session.get_one(Media, (check.tenant, check.sha256))
        assert (check.result, check.verdict, media.deleted) == (
            {"verdict": "changed"},
            "changed",
            now,
        )
    (entry,) = entries(desk, "media.deleted")
    assert (entry.actor, entry.subject, entry.detail) == (
        "system:system",
        media.sha256,
        {"reason": "retention"},
    )


def test_what_is_held_or_being_judged_stays(desk: Desk) -> None:
    now = 1e9
    held = desk.check(b"held", stored=1.0)
    for number, state in enumerate(("queued", "running")):
        desk.check(state.encode(), stored=1.0, state=state, lease_until=float(number))
    with desk.database.transaction() as session:
        retention.hold(session, desk.actor("ada"), held, "court order 12/34")
    assert retention.run(desk.service, now) == 0
    assert len(files(desk)) == 6
    with desk.database.transaction() as session:
        retention.release(session, desk.actor("ada"), held)
    assert retention.run(desk.service, now + PERIOD) == 1
    assert len(files(desk)) == 4
    assert [entry.detail for entry in entries(desk, "media.held")] == [
        {"reason": "court order 12/34"}
    ]
    assert len(entries(desk, "media.released")) == 1


def test_where_nothing_is_to_be_deleted_nothing_is(tmp_path: Any) -> None:
    keeping = Desk(tmp_path, {"keep_days": 0})
    keeping.check(stored=1.0)
    assert retention.run(keeping.service, 1e9) == 0
    assert len(files(keeping)) == 2
    keeping.close()


def test_machines_take_turns(either_desk: Desk) -> None:
    either_desk.check(stored=1.0)
    with ThreadPoolExecutor(4) as pool:
        did = list(pool.map(lambda _: retention.run(either_desk.service, 1e9), range(6)))
    assert sorted(did, key=str) == [1, None, None, None, None, None]
    assert retention.run(either_desk.service, 1e9 + PERIOD - 1) is None
    assert retention.run(either_desk.service, 1e9 + PERIOD) == 0


def test_a_file_is_deleted_on_request_and_only_an_admin_may_ask(desk: Desk) -> None:
    check, kept = desk.check(b"this one"), desk.check(b"another")
    path = f"/api/v1/checks/{check}/media"
    assert desk.browser(person="rob").delete(path).status_code == 403
    admin = desk.browser(person="ada")
    assert admin.put(f"{path}/hold", json={"reason": "a dispute"}).json()["hold"] == "a dispute"
    assert admin.delete(path).status_code == 409
    assert admin.delete(f"{path}/hold").json()["hold"] is None
    assert [admin.delete(path).status_code for _ in range(2)] == [204, 204]
    assert admin.get(path).status_code == 410
    assert admin.get(f"/api/v1/checks/{kept}/media").content == b"another"
    assert admin.put(f"{path}/hold", json={"reason": "too late"}).status_code == 409
    (entry,) = entries(desk, "media.deleted")
    assert (entry.actor_name, entry.detail) == ("Ada", {"reason": "request"})


def test_what_is_being_judged_is_not_deleted_under_the_judge(desk: Desk) -> None:
    check = desk.check(state="running")
    assert desk.browser(person="ada").delete(f"/api/v1/checks/{check}/media").status_code == 409
    assert len(files(desk)) == 2


def test_a_deletion_that_crashed_is_done_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.check(stored=1.0)

    def crash(*_arguments: Any, **_more: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(retention.audit, "record", crash)
        with pytest.raises(OSError, match="full"):
            retention.run(desk.service, 1e9)
    with desk.database.reading() as session:
        assert session.scalars(select(Media.deleted)).one() is None
    assert retention.run(desk.service, 1e9 + PERIOD) == 1
    assert not files(desk)


def test_the_same_bytes_of_another_organisation_stay(desk: Desk) -> None:
    mine, theirs = desk.check(b"same"), desk.check(b"same", tenant="theirs")
    assert desk.browser(person="ada").delete(f"/api/v1/checks/{mine}/media").status_code == 204
    assert not objects(desk)
    assert (
        desk.browser(person="ada", tenant="theirs").get(f"/api/v1/checks/{theirs}/media").content
        == b"same"
    )


def test_sessions_that_ended_are_forgotten(desk: Desk) -> None:
    desk.browser(person="ada")
    retention.run(desk.service, time.time() + 9 * 3600)
    with desk.database.reading() as session:
        assert session.scalars(select(BrowserSession)).all() == []


def test_a_folder_holds_all_that_shows_the_file(desk: Desk) -> None:
    check = desk.check(b"a clip")
    with desk.database.reading() as session:
        row = session.get_one(Check, check)
    inside = storage.folder(row.tenant, row.sha256)
    names = (storage.media(row.tenant, row.sha256), storage.report(row.tenant, row.sha256, check))
    assert all(
        name.startswith(inside)
        for name in (*names, storage.pictures(row.tenant, row.sha256, check))
    )


def test_what_a_killed_process_left_on_its_machine_goes_too(desk: Desk) -> None:
    scratch, now = desk.service.settings.scratch, time.time()
    (scratch / "index").mkdir()
    (scratch / "index" / "thumbnails").write_bytes(b"a face")
    (scratch / "clip").write_bytes(b"a clip")
    for left in (scratch / "index", scratch / "clip"):
        os.utime(left, (now - 2 * DAY, now - 2 * DAY))
    with desk.service.storage.scratch() as path:
        courier.tidy(desk.service)
        assert [one.name for one in scratch.iterdir()] == [path.name]


def test_very_many_at_once_wait_until_a_person_confirms(desk: Desk) -> None:
    now = desk.database.now()
    for number in range(21):
        desk.check(f"old {number}".encode(), stored=now - 31 * DAY)
    desk.check(b"theirs", tenant="theirs", stored=now - 31 * DAY)
    assert retention.run(desk.service, now) == 1  # the other organisation's
    assert len(objects(desk)) == 42
    admin, program = desk.browser(person="ada"), desk.program(desk.key(*Scope)[1])
    assert admin.get("/api/v1/retention").json() == {"waiting": 21}
    assert program.post("/api/v1/retention/confirmations").status_code == 403
    assert desk.browser(person="rob").post("/api/v1/retention/confirmations").status_code == 403
    assert retention.run(desk.service, now + PERIOD) == 0
    assert admin.post("/api/v1/retention/confirmations").json() == {"waiting": 21}
    assert retention.run(desk.service, now + 2 * PERIOD) == 21
    assert objects(desk) == []
    assert [entry.detail for entry in entries(desk, "retention.confirmed")] == [{"count": 21}]


def test_many_among_very_many_more_go_by_themselves(desk: Desk) -> None:
    tenant = desk.tenants["ours"]
    with desk.database.transaction() as session:
        for number in range(250):
            old = number < 25
            session.add(
                Media(tenant=tenant, sha256=f"{number:064}", bytes=1, stored=1.0 if old else 1e9)
            )
    assert retention.run(desk.service, 1e9) == 25


def test_a_day_or_a_month_ahead_a_machine_harms_nobody_on_postgresql(
    postgresql: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right, ahead = time.time, Desk(tmp_path / "ahead", {"database": postgresql})
    _, secret = ahead.key(Scope.READ, per_minute=2)
    browser, check = ahead.browser(person="ada"), ahead.check(stored=right())
    monkeypatch.setattr(time, "time", lambda: right() + DAY)
    assert browser.get("/api/v1/whoami").status_code == 200
    assert ahead.program(secret).get("/api/v1/whoami").status_code == 200
    case = browser.post("/api/v1/cases", json={"check": check}).json()
    monkeypatch.setattr(time, "time", lambda: right() + 31 * DAY)
    courier.tidy(ahead.service)
    assert len(objects(ahead)) == 2
    assert ahead.browser().get("/readyz").json() == {"status": "ok"}
    monkeypatch.undo()
    assert abs(case["created"] - right()) < 3600
    assert abs(entries(ahead, "case.opened")[0].time - right()) < 3600
    assert ahead.program(secret).get("/api/v1/whoami").status_code == 200
    ahead.close()


def test_where_the_machines_clock_is_all_there_is_a_jump_stops_deletion_and_shows(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.check(stored=time.time())
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 31 * DAY)
    courier.tidy(desk.service)
    assert len(objects(desk)) == 2
    assert "the clock was set" in desk.browser().get("/readyz").json()["status"]
    monkeypatch.undo()
    assert desk.browser().get("/readyz").json() == {"status": "ok"}


def _left_behind(desk: Desk, *contents: bytes, days: float = 2) -> None:
    """Stores files without a row, ``days`` old."""
    for content in contents:
        name = storage.media(desk.tenants["ours"], hashlib.sha256(content).hexdigest())
        desk.service.storage.put(name, content)
        written = time.time() - days * DAY
        os.utime(desk.data / "media" / name, (written, written))


def test_media_without_a_row_is_swept_and_may_come_again(desk: Desk) -> None:
    known = desk.check(b"known", stored=time.time())
    original = storage.original(desk.tenants["ours"], "0190b0d2-0000-7000-8000-000000000000")
    _left_behind(desk, b"orphan")
    _left_behind(desk, b"just coming", days=0)
    desk.service.storage.put(original, b"an index")
    os.utime(desk.data / "media" / original, (1.0, 1.0))
    assert sweeping.run(desk.service, time.time()) == 0
    assert sweeping.run(desk.service, time.time()) is None
    assert len(objects(desk)) == 5
    _next_sweep(desk)
    assert sweeping.run(desk.service, time.time()) == 0
    _next_sweep(desk)
    assert sweeping.run(desk.service, time.time() + sweeping.APART) == 2
    assert len(objects(desk)) == 3
    (entry,) = entries(desk, "media.deleted")
    assert (entry.subject, entry.detail) == (
        hashlib.sha256(b"orphan").hexdigest(),
        {"reason": "no row"},
    )
    program = desk.program(desk.key(Scope.UPLOAD, Scope.READ)[1])
    again = program.post("/api/v1/checks", content=b"orphan").json()["id"]
    assert program.get(f"/api/v1/checks/{again}/media").content == b"orphan"
    assert program.get(f"/api/v1/checks/{known}/media").content == b"known"


def test_what_has_a_row_again_is_forgotten_and_not_swept(either_desk: Desk) -> None:
    desk, now = either_desk, time.time()
    _left_behind(desk, b"restored", b"lost")
    assert sweeping.run(desk.service, now) == 0
    desk.check(b"restored", stored=now)  # the database's own backup was restored
    _left_behind(desk, b"restored")
    assert sweeping.run(desk.service, now + DAY) == 1
    with desk.database.transaction() as session:
        session.execute(delete(Check))
        session.execute(delete(Media).where(Media.deleted.is_(None)))
    assert sweeping.run(desk.service, now + 2 * DAY) == 0
    assert len(objects(desk)) == 2


def _next_sweep(desk: Desk) -> None:
    """Lets the next run come at once, not after a day."""
    with desk.database.transaction() as session:
        session.execute(delete(Lease).filter_by(name="sweeping"))


def test_very_many_files_without_a_row_are_left(desk: Desk) -> None:
    _left_behind(desk, *(bytes([number]) for number in range(retention.MANY + 1)))
    for sweep in range(3):
        assert sweeping.run(desk.service, time.time() + sweep * DAY) == 0
    assert len(objects(desk)) == retention.MANY + 1
