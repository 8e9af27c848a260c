"""A full disk, and a locked database: reads go on, uploads are refused, nothing is lost."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.service.desk import Desk
from unmask.service.domain import uploads
from unmask.service.people.actor import Scope
from unmask.service.store import database
from unmask.service.store.tables import BrowserSession, Key

pytestmark = pytest.mark.slow

PIECE = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Yields a disk of 8 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "unmask", str(place)], check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> Path:
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return filler
    raise AssertionError("the disk has no end")


def test_where_there_is_no_room_uploads_are_refused_and_all_else_goes_on(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "RESERVE", 1)
    desk = Desk(small / "service")
    program = desk.program(desk.key(Scope.UPLOAD, Scope.READ)[1])
    browser = desk.browser(person="vera")
    kept = program.post("/api/v1/checks", content=b"a clip").json()["id"]
    begun = program.post("/api/v1/uploads", headers={"Upload-Length": "6"}).headers["Location"]
    filler = fill(small)
    for refused in (
        program.post("/api/v1/checks", content=b"another clip"),
        program.post("/api/v1/uploads", headers={"Upload-Length": "6"}),
        program.patch(begun, content=b"a film", headers=PIECE),
    ):
        assert (refused.status_code, refused.headers["Retry-After"]) == (507, "60"), refused.text
        assert "no room" in refused.json()["detail"]
    monkeypatch.setattr(uploads, "RESERVE", 0)  # as if the disk filled up during the upload
    for refused in (
        program.post("/api/v1/checks", content=bytes(1 << 20)),
        program.patch(begun, content=b"a film", headers=PIECE),
    ):
        assert refused.status_code == 507, refused.text
    monkeypatch.setattr(uploads, "RESERVE", 1)
    with closing(
        sqlite3.connect(f"file:{small}/service/unmask.sqlite?mode=ro", uri=True)
    ) as connection:
        assert connection.execute("SELECT count(*) FROM checks").fetchone() == (1,)
    for address in ("/api/v1/checks", f"/api/v1/checks/{kept}", f"/api/v1/checks/{kept}/media"):
        assert (program.get(address).status_code, browser.get(address).status_code) == (200, 200)
    assert browser.get("/").status_code == 200
    ready = program.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (
        200,
        "the disk is full; uploads are refused",
    )
    filler.unlink()
    assert program.get("/readyz").json()["status"] == "ok"
    assert program.patch(begun, content=b"a film", headers=PIECE).headers["Unmask-Check"]
    assert program.post("/api/v1/checks", content=b"another clip").status_code == 201
    assert not list(desk.service.settings.scratch.iterdir())
    desk.close()


def test_while_somebody_holds_the_database_reads_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BRIEF", 0.1)
    monkeypatch.setattr(database, "PATIENCE", 0.5)
    program, browser = (
        desk.program(desk.key(Scope.UPLOAD, Scope.READ)[1]),
        desk.browser(person="vera"),
    )
    with desk.database.transaction() as session:  # so that both would be noted as seen
        session.execute(update(Key).values(used=1.0))
        session.execute(update(BrowserSession).values(seen=time.time() - 3600))
    with closing(sqlite3.connect(desk.data / "unmask.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert (program.get("/api/v1/checks").status_code, browser.get("/").status_code) == (
            200,
            200,
        )
        refused = program.post("/api/v1/uploads", headers={"Upload-Length": "6"})
        assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
        other.execute("ROLLBACK")
    assert program.post("/api/v1/uploads", headers={"Upload-Length": "6"}).status_code == 201


def test_nobody_but_the_service_can_look_into_its_folder(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir(mode=0o755)
    desk = Desk(tmp_path / "service")
    assert stat.S_IMODE((tmp_path / "service").stat().st_mode) == 0o700
    desk.close()
