"""Copies of files: what cannot be copied, or will not be opened, takes no room."""

from __future__ import annotations

import hashlib
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from unmask.fleet.fetching import CHUNK, Fetcher
from unmask.fleet.judge import FileJudge, Unreadable
from unmask.media import Bounds
from unmask.pipeline import Settings

CONTENT = bytes(range(256)) * (3 * CHUNK // 256)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (path := tmp_path / "a.mp4").write_bytes(CONTENT)
    return path


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Keeps this process from writing files of more than ``size`` bytes, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_of_a_file_for_which_there_is_no_room_nothing_stays(tmp_path: Path, file: Path) -> None:
    (folder := tmp_path / "held").mkdir()
    fetcher = Fetcher(str(tmp_path), folder)
    with room_for(CHUNK + CHUNK // 2), pytest.raises(Unreadable, match="File too large"):
        fetcher.fetch(str(file))
    assert fetcher.path.stat().st_size == 0
    fetcher.fetch(str(file))
    assert fetcher.path.read_bytes() == CONTENT


def test_a_file_past_the_bound_is_hashed_and_only_its_size_is_copied(
    tmp_path: Path, file: Path
) -> None:
    (folder := tmp_path / "held").mkdir()
    fetcher = Fetcher(str(tmp_path), folder, most=2 * CHUNK)
    assert fetcher.fetch(str(file)) == hashlib.sha256(CONTENT).hexdigest()
    copy = fetcher.path.stat()
    assert (copy.st_size, copy.st_blocks) == (len(CONTENT), 0)


def test_what_is_copied_of_a_file_past_the_bound_gets_the_answer_of_any_check(
    tmp_path: Path,
) -> None:
    (path := tmp_path / "file").touch()
    os.truncate(path, Bounds().bytes + 1)
    (row,) = FileJudge(Settings()).judge(path, "0" * 64)["results"]
    assert row["error_code"] == "media.many_bytes"
