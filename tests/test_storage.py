"""One contract for every storage."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.s3 import bucket, s3_server  # noqa: F401 - fixtures
from tests.service.listener import listener
from unmask.storage import Storage, StorageAway


@pytest.fixture(params=["folder", "s3"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    where = request.getfixturevalue("bucket") if request.param == "s3" else tmp_path / "media"
    return Storage(where, tmp_path / "scratch")


def test_what_was_put_can_be_read(stored: Storage) -> None:
    stored.put("a/b", b"bytes")
    assert stored.read("a/b") == b"bytes"
    assert b"".join(stored.chunks("a/b")) == b"bytes"
    assert stored.exists("a/b")
    assert not stored.exists("a/c")


def test_what_is_not_there_is_said(stored: Storage) -> None:
    with pytest.raises(FileNotFoundError):
        stored.read("nothing")
    with pytest.raises(FileNotFoundError):
        list(stored.chunks("nothing"))
    stored.delete("nothing")


def test_a_file_is_taken_and_read_as_one(stored: Storage) -> None:
    content = bytes(range(256)) * 50_000  # more than one part of an S3 upload
    with stored.scratch() as path:
        path.write_bytes(content)
        stored.take("incoming/1", path)
    stored.move("incoming/1", "tenant/file")
    assert not stored.exists("incoming/1")
    with stored.on_disk("tenant/file") as path:
        assert path.read_bytes() == content


def test_scratch_files_do_not_stay(stored: Storage) -> None:
    with stored.scratch() as path:
        path.write_bytes(b"bytes")
    assert not path.exists()


def test_a_range_is_read(stored: Storage) -> None:
    stored.put("a", b"0123456789")

    async def read() -> bytes:
        return b"".join([chunk async for chunk in stored.stream("a", 2, 5)])

    assert asyncio.run(read()) == b"234"


def test_a_folder_goes_with_all_that_lies_in_it_and_nothing_else(stored: Storage) -> None:
    mine, other = "tenant/aaaa/", "tenant/aaab/"
    for name in (f"{mine}media", f"{mine}check.html", f"{other}media"):
        stored.put(name, b"bytes")
    assert {(one.name, one.size) for one in stored.listed(mine)} == {
        (f"{mine}media", 5),
        (f"{mine}check.html", 5),
    }
    assert len(list(stored.listed())) == 3
    stored.delete_all(mine)
    assert not stored.exists(f"{mine}media")
    assert not stored.exists(f"{mine}check.html")
    assert stored.exists(f"{other}media")


def test_no_name_leads_out_of_the_folder(stored: Storage, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    for name in ("../secret", "a/../../secret", "/etc/passwd"):
        with pytest.raises(Exception, match=r"(?i)not found|path|invalid|illegal"):
            stored.read(name)


def test_the_place_where_files_arrive_stays_when_it_is_empty(tmp_path: Path) -> None:
    stored = Storage(tmp_path / "media", tmp_path / "scratch")
    stored.put("incoming/1", b"bytes")
    stored.delete("incoming/1")
    assert (tmp_path / "media" / "incoming").is_dir()


def test_a_wrong_key_is_told_from_an_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listener() as web:
        web.answers["/bucket/a"] = (403, {}, b"")
        monkeypatch.setenv("AWS_ENDPOINT_URL", web.url)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        stored = Storage("s3://bucket", tmp_path / "scratch", ("id", "wrong"))
        with pytest.raises(StorageAway, match="the storage refuses access"):
            stored.read("a")
