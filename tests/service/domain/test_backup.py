"""A backup taken while the service runs, and restored in an empty place.

Database and storage are the same kind or another.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, text
from typer.testing import CliRunner

from tests.s3 import bucket, s3_server  # noqa: F401 - fixtures
from tests.service.desk import Desk
from tests.service.processes.test_full_disk import fill, small  # noqa: F401 - a fixture
from tests.service.site import accept
from unmask.cli import app
from unmask.errors import UsageError
from unmask.service.domain import backup, retention
from unmask.service.domain.backup import BackupError
from unmask.service.people import audit
from unmask.service.people.actor import Scope
from unmask.service.people.audit import Anchor
from unmask.service.settings import ServiceSettings
from unmask.service.store import migrations, storage
from unmask.service.store.service import Service
from unmask.service.store.tables import BrowserSession, Check, Media, Tenant, Upload
from unmask.storage import Storage, StorageAway

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


class Failing(Storage):
    """A storage that fails as a full or broken one does.

    Args:
        data: its folder and scratch space.
        after: number of objects that can still be read or written.
    """

    def __init__(self, data: Path, after: int) -> None:
        super().__init__(data / "media", data / "scratch")
        self._left = after

    def chunks(self, name: str) -> Iterator[bytes]:
        self._count()
        return super().chunks(name)

    def take(self, name: str, path: Path) -> None:
        self._count()
        super().take(name, path)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise StorageAway("the storage refuses access (PermissionDeniedError)")


def test_a_backup_that_breaks_off_says_why_and_is_not_taken_for_one(
    busy: Desk, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    failing = replace(busy.service, storage=Failing(busy.data, after=1))
    with pytest.raises(BackupError, match=r"copy is not complete: .*refuses access.*"):
        backup.save(failing, copy)
    with pytest.raises(BackupError, match="no whole backup"):
        backup.restore(empty(tmp_path / "restored"), copy)


def test_a_full_disk_is_named_and_leaves_no_backup(
    busy: Desk,
    tmp_path: Path,
    small: Path,  # noqa: F811 - a fixture
) -> None:
    fill(small)
    with pytest.raises(BackupError, match="is not complete: no space left on device; delete it"):
        backup.save(busy.service, small / "copy")
    copy = tmp_path / "copy"
    backup.save(busy.service, copy)
    (small / "filler").unlink()
    restored = empty(small / "restored")
    migrations.upgrade(restored.database)
    fill(small)
    with pytest.raises(BackupError, match="nothing was restored: "):
        backup.restore(restored, copy)
    (small / "filler").unlink()
    assert nothing_in(restored)
    backup.restore(restored, copy)
    assert kept(restored) == kept(busy.service)
    restored.database.close()


def test_a_restore_that_breaks_off_leaves_the_place_empty(busy: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    backup.save(busy.service, copy)
    restored = empty(tmp_path / "restored")
    failing = replace(restored, storage=Failing(tmp_path / "restored", after=1))
    with pytest.raises(BackupError, match="nothing was restored: the storage refuses access"):
        backup.restore(failing, copy)
    assert nothing_in(restored)
    backup.restore(restored, copy)
    assert kept(restored) == kept(busy.service)
    restored.database.close()


class Cutting(Storage):
    """A storage whose every write ends with the loss of all connections to a database.

    Args:
        data: its folder and scratch space.
        outside: the one connection that stays.
    """

    def __init__(self, data: Path, outside: Connection) -> None:
        super().__init__(data / "media", data / "scratch")
        self._outside = outside

    def take(self, name: str, path: Path) -> None:
        super().take(name, path)
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> "
        self._outside.execute(text(f"{ended}pg_backend_pid() AND usename = current_user"))


def test_a_database_that_fails_at_the_very_end_is_said_and_has_no_rows(
    busy: Desk, tmp_path: Path, postgresql: str
) -> None:
    copy, data = tmp_path / "copy", tmp_path / "restored"
    backup.save(busy.service, copy)
    restored = empty(data, database=postgresql)
    with restored.database.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    outside = empty(tmp_path / "outside", database=postgresql).database.engine
    with (
        outside.connect() as connection,
        pytest.raises(BackupError, match=r"the database failed at the end .*accounts list"),
    ):
        backup.restore(replace(restored, storage=Cutting(data, connection)), copy)
    with restored.database.reading() as session:
        assert session.scalar(select(Tenant.id)) is None
    with pytest.raises(UsageError, match="has files already"):
        backup.restore(restored, copy)
    restored.database.close()
    outside.dispose()


def test_a_database_that_is_gone_ends_both_commands_with_1_and_one_line(
    busy: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.save(busy.service, tmp_path / "copy")
    monkeypatch.setenv("UNMASK_DATABASE", "postgresql://nobody@127.0.0.1:1/none")
    for command, what in (
        (["backup", str(tmp_path / "new")], "is not complete"),
        (["restore", str(tmp_path / "copy")], "nothing was restored"),
    ):
        ended = CliRunner().invoke(app, [*command, "--data", str(tmp_path / "data")])
        assert (ended.exit_code, ended.stdout) == (1, "")
        assert f"{what}: the database failed (InterfaceError)" in ended.stderr
        assert ended.stderr.count("\n") == 1


def nothing_in(service: Service) -> bool:
    with service.database.reading() as session:
        return session.scalar(select(Tenant.id)) is None and not list(service.storage.listed())


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
