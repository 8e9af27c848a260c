"""Folders for temporary files: those of dead processes are deleted, those of living ones stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from unmask.fleet import scratch
from unmask.fleet.scratch import Scratch

HOLDER = """
import sys
from unmask.fleet.scratch import Scratch
held = Scratch()
(held.path / "clip.mp4").write_bytes(b"frames")
print(held.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> subprocess.Popen[str]:
    """A process that holds a folder below ``tmp_path`` until it is killed."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(scratch.tempfile, "tempdir", None)
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", HOLDER], stdin=pipe, stdout=pipe, text=True)


def test_a_folder_outlives_its_process_only_until_the_next_start(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert holder.stdout
    theirs = Path(holder.stdout.readline().strip())
    mine = Scratch()
    assert {theirs, mine.path} == set(tmp_path.iterdir())
    holder.kill()
    holder.communicate(timeout=60)
    assert (theirs / "clip.mp4").exists()
    other = Scratch()
    assert {mine.path, other.path} == set(tmp_path.iterdir())
    mine.drop()
    other.drop()
    assert list(tmp_path.iterdir()) == []
