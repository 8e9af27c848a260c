"""A backup taken while the service runs, and restored in an empty place.

Database and storage are the same kind or another.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from tests.s3 import bucket, s3_server  # noqa: F401 - fixtures
from tests.service.desk import Desk
from tests.service.site import accept
from unmask.errors import UsageError
from unmask.service.domain import backup, retention
from unmask.service.domain.backup import BackupError
from unmask.service.people import audit
from unmask.service.people.actor import Scope
from unmask.service.people.audit import Anchor
from unmask.service.settings import ServiceSettings
from unmask.service.store import storage
from unmask.service.store.service import Service
from unmask.service.store.tables import BrowserSession, Check, Media, Upload

pytestmark = pytest.mark.slow


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Desk]:
    """Yields a service with a decided case, a queued check and a deleted file."""
    desk = Desk(tmp_path / "busy")
    case = desk.check(b"decided", stored=time.time())
    rob = desk.browser(person="rob")
    opened = rob.post("/api/v1/cases", json={"check": case}).json()["id"]
    decision = {"decision": "keep", "grounds": "It is a parody."}
    assert rob.post(f"/api/v1/cases/{opened}/decisions", json=decision).status_code == 201
    accept(desk, desk.actor("rob"), "waiting.mp4", b"waiting")
    gone = desk.check(b"gone", stored=time.time())
    retention.delete(desk.service, desk.actor("ada"), gone, time.time())
    yield desk
    desk.close()


def empty(data: Path, **settings: Any) -> Service:
    return Service.opened(ServiceSettings(data=data, **settings))


def kept(service: Service) -> dict[str, Any]:
    """Returns what must be the same before and after."""
    with service.database.reading() as session:
        checks = {
            one.id: (one.state, one.name, one.verdict, one.result)
            for one in session.scalars(select(Check))
        }
        media = {
            (one.tenant, one.sha256): one.deleted is None for one in session.scalars(select(Media))
        }
        anchors = {tenant: str(audit.newest(session, tenant)) for tenant, _ in media}
    content = {
        key: service.storage.read(storage.media(*key)) for key, there in media.items() if there
    }
    return {"checks": checks, "media": media, "anchors": anchors, "content": content}


def test_all_is_back_and_nobody_is_signed_in(busy: Desk, tmp_path: Path) -> None:
    before = kept(busy.service)
    made = backup.save(busy.service, tmp_path / "copy")
    assert made.altered == ()
    assert len(made.anchors) == 2
    restored = empty(tmp_path / "restored")
    brought = backup.restore(restored, tmp_path / "copy", *map(Anchor.parse, made.anchors))
    assert brought == backup.Restored(made.rows, made.objects, [])
    assert kept(restored) == before
    with restored.database.reading() as session:
        assert session.scalar(select(BrowserSession.digest)) is None
    restored.database.close()


def test_it_moves_to_postgresql_and_a_bucket_and_back(
    busy: Desk,
    tmp_path: Path,
    postgresql: str,
    bucket: str,  # noqa: F811 - a fixture
) -> None:
    before = kept(busy.service)
    backup.save(busy.service, tmp_path / "one")
    there = empty(tmp_path / "there", database=postgresql, storage=bucket)
    with there.database.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    backup.restore(there, tmp_path / "one")
    assert kept(there) == before
    backup.save(there, tmp_path / "two")
    one, two = (
        sorted((tmp_path / name / "rows.jsonl").read_text().splitlines()) for name in ("one", "two")
    )
    assert one == two
    back = empty(tmp_path / "back")
    backup.restore(back, tmp_path / "two")
    assert kept(back) == before
    there.database.close()
    back.database.close()


def test_an_upload_under_way_is_begun_anew(busy: Desk, tmp_path: Path) -> None:
    program = busy.program(busy.key(Scope.UPLOAD)[1])
    assert program.post("/api/v1/uploads", headers={"Upload-Length": "6"}).status_code == 201
    backup.save(busy.service, tmp_path / "copy")
    restored = empty(tmp_path / "restored")
    backup.restore(restored, tmp_path / "copy")
    with restored.database.reading() as session:
        assert session.scalar(select(Upload.id)) is None
    restored.database.close()


def test_what_is_not_empty_not_whole_or_not_true_is_refused(busy: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    backup.save(busy.service, copy)
    with pytest.raises(UsageError, match="is not empty"):
        backup.save(busy.service, copy)
    with pytest.raises(UsageError, match="empty place"):
        backup.restore(busy.service, copy)
    with pytest.raises(BackupError, match="is no whole backup"):
        backup.restore(empty(tmp_path / "a"), tmp_path / "nothing")
    forged = Anchor(busy.tenants["ours"], 1, "f" * 64)
    with pytest.raises(BackupError, match="entry 1 of an audit log"):
        backup.restore(empty(tmp_path / "b"), copy, forged)
    rows = (copy / "rows.jsonl").read_text()
    (copy / "rows.jsonl").write_text(rows.replace("parody", "threat"))
    with pytest.raises(BackupError, match="not as it was written"):
        backup.restore(empty(tmp_path / "c"), copy)


def test_what_was_lost_or_exchanged_is_said(busy: Desk, tmp_path: Path) -> None:
    ours = busy.tenants["ours"]
    names = {
        one: storage.media(ours, hashlib.sha256(one).hexdigest())
        for one in (b"decided", b"waiting")
    }
    (busy.data / "media" / names[b"decided"]).unlink()
    (busy.data / "media" / names[b"waiting"]).write_bytes(b"another")
    made = backup.save(busy.service, tmp_path / "copy")
    assert made.altered == (names[b"waiting"],)
    restored = empty(tmp_path / "restored")
    assert backup.restore(restored, tmp_path / "copy").missing == [names[b"decided"]]
    with restored.database.reading() as session:
        media = session.get_one(Media, (ours, names[b"decided"].split("/")[1]))
        assert media.deleted is not None
        assert audit.verify(session, ours).broken is None
    restored.database.close()


def test_a_backup_that_lost_objects_is_refused_and_leaves_the_place_empty(
    busy: Desk, tmp_path: Path
) -> None:
    copy, ours = tmp_path / "copy", busy.tenants["ours"]
    backup.save(busy.service, copy)
    names = {
        one: storage.media(ours, hashlib.sha256(one).hexdigest())
        for one in (b"decided", b"waiting")
    }
    (copy / "objects" / names[b"decided"]).unlink()
    (copy / "objects" / names[b"waiting"]).write_bytes(b"another")
    restored = empty(tmp_path / "restored")
    with pytest.raises(BackupError, match=r"2 of the \d files .*missing") as refused:
        backup.restore(restored, copy)
    assert all(name in str(refused.value) for name in names.values())
    for content, name in names.items():
        (copy / "objects" / name).write_bytes(content)
    backup.restore(restored, copy)
    assert kept(restored) == kept(busy.service)
    restored.database.close()


def test_a_storage_that_has_files_is_refused(busy: Desk, tmp_path: Path) -> None:
    backup.save(busy.service, tmp_path / "copy")
    restored = empty(tmp_path / "restored")
    restored.storage.put("somebody/else", b"else")
    with pytest.raises(UsageError, match="such as somebody/else"):
        backup.restore(restored, tmp_path / "copy")
    assert [one.name for one in restored.storage.listed()] == ["somebody/else"]
    restored.database.close()


def test_anchors_newer_than_the_backup_are_explained_and_leave_the_place_empty(
    busy: Desk, tmp_path: Path
) -> None:
    older = backup.save(busy.service, tmp_path / "older")
    rob = busy.browser(person="rob")
    opened = rob.post("/api/v1/cases", json={"check": busy.check(b"more", stored=time.time())})
    assert opened.status_code == 201
    newer = backup.save(busy.service, tmp_path / "newer")
    restored = empty(tmp_path / "restored")
    with pytest.raises(BackupError, match="older than the anchors"):
        backup.restore(
            restored, tmp_path / "older", *map(Anchor.parse, [*older.anchors, *newer.anchors])
        )
    assert not list(restored.storage.listed())
    assert (
        backup.restore(restored, tmp_path / "older", *map(Anchor.parse, older.anchors)).objects
        == older.objects
    )
    restored.database.close()
