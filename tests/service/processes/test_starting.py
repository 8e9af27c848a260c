"""The service started while what it needs is away, or cannot be used."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import struct
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread, Timer

import httpx
import pytest

from tests import postgresql as servers
from tests.s3 import bucket, s3_server  # noqa: F401 - fixtures
from tests.service.tree import PATIENCE, tree, until
from unmask.errors import UsageError
from unmask.service.processes.starting import tell_storage, upgraded
from unmask.service.settings import ServiceSettings
from unmask.service.store import migrations
from unmask.service.store.outages import DatabaseUnusable, explained
from unmask.service.store.service import Service
from unmask.storage import StorageAway

NOBODY = 65534


@pytest.mark.slow
@pytest.mark.xdist_group("real time")
def test_it_waits_for_a_database_that_starts_later(tmp_path: Path) -> None:
    with servers.server() as server:
        server.stop()
        later = Timer(3, server.start)
        later.start()
        with tree(tmp_path / "data", workers="0", database=server.url) as made:
            later.join()
            until(lambda: httpx.get(f"{made.url}/readyz", timeout=PATIENCE).is_success)
        said = (tmp_path / "data.log").read_text()
    assert "PostgreSQL does not answer at" in said
    assert "UNMASK_DATABASE; it is asked again" in said
    assert "critical" not in said


def test_it_stops_waiting_when_told_to(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    service = opened(tmp_path, database="postgresql://a:secret@127.0.0.1:1/b")
    assert upgraded(service, iter([False, True, True]).__next__) is None
    assert "127.0.0.1:1 (connection refused): start it, or mend UNMASK_DATABASE" in caplog.text
    assert "secret" not in caplog.text


def test_it_stops_waiting_for_tables_that_others_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "_upgraded", lambda _database, _attempt: False)
    assert upgraded(opened(tmp_path), iter([False, False, True]).__next__) is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_connection_that_is_reset_is_an_outage(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=_resets, args=(listening,), daemon=True).start()
        place = f"127.0.0.1:{listening.getsockname()[1]}"
        service = opened(tmp_path, database=f"postgresql://a@{place}/b")
        reset = pytest.raises(DatabaseUnusable, match=rf"{place} \(connection reset by peer\)")
        with reset as raised, explained(service.settings):
            migrations.upgrade(service.database)
    assert raised.value.passing
    del raised, reset
    gc.collect()  # of the error, which holds the socket that pg8000 leaves open


def _resets(listening: socket.socket) -> None:
    """Accepts one connection and resets it once it has been asked whether it encrypts."""
    connection, _ = listening.accept()
    connection.recv(8)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_a_database_that_is_not_there_is_no_reason_to_wait(tmp_path: Path, postgresql: str) -> None:
    service = opened(tmp_path, database=postgresql.replace("/postgres?", "/another?"))
    with pytest.raises(DatabaseUnusable, match=r'refuses .*"another" does not exist.*: mend'):
        upgraded(service, lambda: False)


def test_a_database_without_encryption_where_it_is_asked_for_is_no_reason_to_wait(
    tmp_path: Path, postgresql: str
) -> None:
    service = opened(tmp_path, database=f"{postgresql}&sslmode=require")
    with pytest.raises(DatabaseUnusable, match=r"refuses .*SSL"):
        upgraded(service, lambda: False)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(b"no database" * 100), "file is not a database; move it"),
        (lambda path: path.mkdir(), "unable to open database file; give it"),
    ],
)
def test_an_embedded_database_that_cannot_be_used_is_named(
    tmp_path: Path, make: object, reason: str
) -> None:
    make(tmp_path / "unmask.sqlite")  # type: ignore[operator]
    with pytest.raises(DatabaseUnusable, match=f"unmask.sqlite: {reason}"):
        upgraded(opened(tmp_path), lambda: False)


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "data"):
        with pytest.raises(UsageError, match=r"file.*; give the folder .* or name another with"):
            opened(folder)


@pytest.mark.parametrize("part", ["", "media", "scratch"])
def test_a_data_folder_that_cannot_be_written_to_is_named(part: str) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        opened(folder).database.close()
        refusal = pytest.raises(UsageError, match=rf"{folder / part}: user \d+ cannot write to it")
        with unprivileged(folder, folder / part), refusal:
            opened(folder)
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)


def test_a_bucket_that_is_missing_or_away_is_told_and_the_service_starts(
    tmp_path: Path,
    bucket: str,  # noqa: F811 - the fixture
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell_storage(opened(tmp_path, storage=bucket))
    assert "storage" not in caplog.text
    away = opened(tmp_path, storage=f"s3://{uuid.uuid4().hex}/prefix")
    tell_storage(away)
    assert "the storage has no such bucket: mend it, or UNMASK_STORAGE" in caplog.text
    with pytest.raises(StorageAway, match="no such bucket"):
        away.storage.exists("a")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    tell_storage(opened(tmp_path, storage=bucket))
    assert "the storage does not answer" in caplog.text


def opened(data: Path, **settings: str) -> Service:
    return Service.opened(ServiceSettings(data=data, **settings))


@contextmanager
def unprivileged(whole: Path, part: Path) -> Iterator[None]:
    """Lets the process own all but one part of a folder, into which it must not write."""
    part.chmod(0o500)
    if root := os.geteuid() == 0:
        for path in (whole, *whole.rglob("*")):
            if path != part:
                os.chown(path, NOBODY, NOBODY)
        part.chmod(0o555)
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if root:
            os.setresuid(0, 0, 0)
