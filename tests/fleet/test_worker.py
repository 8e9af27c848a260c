"""A worker: what it judges is the copy that it identified, whatever happens to the file."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from skimage.data import astronaut

from tests import clips
from tests.postgresql import postgresql  # noqa: F401 - a fixture
from unmask import originals, pipeline
from unmask.errors import UnmaskError
from unmask.fleet import query, snapshot
from unmask.fleet.configuration import of_originals
from unmask.fleet.judge import FileJudge, Unreadable
from unmask.fleet.scan import scan
from unmask.fleet.worker import Worker
from unmask.pipeline import Settings

pytestmark = pytest.mark.slow

BROKEN = b"\0\0\0\x18ftypmp42" + bytes(400)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "a.mp4"
    path.write_bytes(BROKEN)
    return path


@pytest.fixture
def worker(file: Path, tmp_path: Path) -> Iterator[Worker]:
    (scratch := tmp_path / "scratch").mkdir()
    started = Worker(str(file.parent), Settings(lines=("learned",)), FileJudge, scratch)
    assert started.ready() == ("ready", None)
    yield started
    started.end()
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda _path: None,
        lambda path: path.rename(path.with_name("b.mp4")),
        lambda path: path.write_bytes(BROKEN + b"more"),
    ],
)
def test_what_is_judged_is_what_was_identified_whatever_happens_to_the_file(
    worker: Worker, file: Path, meanwhile: Callable[[Path], object]
) -> None:
    sha256 = hashlib.sha256(BROKEN).hexdigest()
    assert worker.answer("identify", str(file)) == ("identified", sha256)
    meanwhile(file)
    said, rows = worker.answer("judge")
    assert said == "judged"
    (row,) = rows["results"]
    assert row["sha256"] == sha256
    assert row["error_code"].startswith("media.")


def test_a_file_that_has_gone_is_unreadable(worker: Worker, file: Path) -> None:
    file.unlink()
    assert worker.answer("identify", str(file)) == ("unreadable", "No such file or directory")


def test_a_full_disk_is_no_property_of_a_content(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips.write_video(file, [astronaut()[20:212, 130:322]])

    def full(*_: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pipeline, "check", full)
    with pytest.raises(Unreadable, match="No space left on device"):
        FileJudge(Settings()).judge(file, "0" * 64)


def test_a_confined_worker_judges_a_real_clip_and_reads_the_register(tmp_path: Path) -> None:
    (source := tmp_path / "in").mkdir()
    (register := tmp_path / "register").mkdir()
    portrait = astronaut()[20:212, 130:322]
    clips.write_video(source / "a.mp4", [portrait] * 3)
    scan(str(source), tmp_path / "out", Settings(licences=register))
    with query.open_results(tmp_path / "out") as tables:
        told = tables.row("SELECT error, people, kind, ai_declared FROM results")
        lines = tables.rows("SELECT DISTINCT line FROM findings WHERE status = 'ran'")
        assert len(tables.rows("FROM sketches")) == 1
    assert told == {"error": None, "people": 1, "kind": "video", "ai_declared": False}
    assert "learned" in {row["line"] for row in lines}


@pytest.mark.slow
def test_originals_on_a_server_reach_who_may_reach_no_network(
    tmp_path: Path,
    postgresql: str,  # noqa: F811
) -> None:
    (source := tmp_path / "in").mkdir()
    clips.write_video(source / "a.mp4", [astronaut()[20:212, 130:322]] * 3)
    with originals.opened_store(postgresql, writing=True) as store:
        (first,) = pipeline.register(source / "a.mp4", store, None, "Another owner")
        pipeline.register(source / "a.mp4", store, None, "The owner")
        store.remove(first.id)
        (known,) = store.originals()
    scan(str(source), tmp_path / "out", Settings(originals=postgresql, lines=("learned",)))
    with query.open_results(tmp_path / "out") as tables:
        told = tables.row("SELECT error, originals FROM results")
    assert told == {"error": None, "originals": [known.sha256]}
    before = of_originals(postgresql)
    with originals.opened_store(postgresql, writing=True) as store:
        pipeline.register(source / "a.mp4", store, None, "Another owner")
    with pytest.raises(UnmaskError, match="have changed"):
        snapshot.here(Settings(originals=postgresql), tmp_path / "copy", before)
