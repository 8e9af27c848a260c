"""Workers on a Ray cluster: the same answers as on this machine, whichever of them is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.fleet.test_scan import quickly, rows, write
from unmask.errors import UsageError
from unmask.fleet.tables import Row

FILES = {f"{n}.mp4": f"sleep 0.3\n{n}\nno face" for n in range(20)} | {
    "broken.mp4": "fail",
    "copy.mp4": "sleep 0.3\n1\nno face",
}


def told(out: Path) -> list[Row]:
    return rows(out, "SELECT path, sha256, outcome, error FROM files JOIN results USING (sha256) ORDER BY path")


def kill_an_actor() -> None:
    """As soon as there are any."""
    for _ in range(600):
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if (path / "cmdline").read_bytes().startswith(b"ray::_Remote"):
                    time.sleep(1)
                    os.kill(int(path.name), signal.SIGKILL)
                    return
            except OSError:
                continue
        time.sleep(0.1)


@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_cluster_finds_what_this_machine_finds_though_an_actor_is_killed(tmp_path: Path) -> None:
    source = write(tmp_path / "in", FILES)
    killer = threading.Thread(target=kill_an_actor, daemon=True)
    killer.start()
    quickly(source, tmp_path / "cluster", ray="local", workers=2)
    killer.join(60)
    quickly(source, tmp_path / "here")
    assert told(tmp_path / "cluster") == told(tmp_path / "here")
    assert len(rows(tmp_path / "cluster", "FROM results")) == 21


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_does_not_answer_is_said(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"a.mp4": "changed"})
    with pytest.raises(UsageError, match="no Ray cluster answers"):
        quickly(source, tmp_path / "out", ray="auto")
