"""A worker and a file that changes while it is read: nothing is kept as the content's result."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from skimage.data import astronaut

from tests import clips
from unmask import pipeline
from unmask.fleet import query
from unmask.fleet.scan import scan
from unmask.fleet.worker import FileWorker, Unreadable
from unmask.pipeline import Settings

BROKEN = b"\0\0\0\x18ftypmp42" + bytes(400)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp4"
    path.write_bytes(BROKEN)
    return path


@pytest.fixture
def worker(file: Path, tmp_path: Path) -> FileWorker:
    holding = FileWorker(str(tmp_path), Settings(lines=("learned",)), tmp_path)
    holding.identify(str(file))
    return holding


def test_a_broken_content_has_a_result(worker: FileWorker) -> None:
    (row,) = worker.judge()["results"]
    assert row["error_code"].startswith("media.")


@pytest.mark.parametrize(
    ("meanwhile", "why"),
    [
        (lambda path: path.rename(path.with_name("b.mp4")), "no such file"),
        (lambda path: path.write_bytes(BROKEN + b"more"), "it was written to while it was read"),
    ],
)
def test_a_file_that_was_renamed_or_written_to_has_none(
    worker: FileWorker, file: Path, meanwhile: Callable[[Path], object], why: str
) -> None:
    meanwhile(file)
    with pytest.raises(Unreadable, match=why):
        worker.judge()


def test_a_full_disk_is_no_property_of_a_content(
    worker: FileWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pipeline, "check", full)
    with pytest.raises(Unreadable, match="No space left on device"):
        worker.judge()


def test_a_confined_worker_judges_a_real_clip(tmp_path: Path) -> None:
    (source := tmp_path / "in").mkdir()
    portrait = astronaut()[20:212, 130:322]
    clips.write_video(source / "a.mp4", [portrait] * 3)
    scan(str(source), tmp_path / "out")
    with query.open_results(tmp_path / "out") as tables:
        told = tables.row("SELECT error, people, kind FROM results")
        lines = tables.rows("SELECT DISTINCT line FROM findings WHERE status = 'ran'")
        assert len(tables.rows("FROM sketches")) == 1
    assert told == {"error": None, "people": 1, "kind": "video"}
    assert "learned" in {row["line"] for row in lines}
