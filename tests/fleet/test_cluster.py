"""Workers on a Ray cluster: the same answers as on this machine, whichever worker is killed."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.quick import Quick
from tests.fleet.test_scan import WALLS, mine, outcomes, quickly, rows, write  # noqa: F401 - fixture
from unmask.errors import UnmaskError, UsageError
from unmask.fleet.cluster import DIED, Work, _Actor
from unmask.fleet.scratch import PREFIX
from unmask.fleet.tables import Row
from unmask.pipeline import Settings

pytestmark = [
    pytest.mark.slow,
    # One after the other: a cluster that another test has started would answer.
    pytest.mark.xdist_group("ray"),
]

FILES = {f"{n}.mp4": f"sleep 0.3\n{n}\nno face" for n in range(20)} | {
    "broken.mp4": "fail",
    "copy.mp4": "sleep 0.3\n1\nno face",
}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keeps Ray's files in a folder of the test, and its token out of the home folder.

    The folder's name is short, because it holds sockets, whose paths are limited.
    """
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        for name, value in {
            "RAY_TMPDIR": folder,
            "TMPDIR": folder,
            "RAY_AUTH_MODE": "disabled",
            "RAY_USAGE_STATS_ENABLED": "0",
        }.items():
            monkeypatch.setenv(name, value)
        yield


def told(out: Path) -> list[Row]:
    return rows(
        out,
        "SELECT path, sha256, outcome, error FROM files JOIN results USING (sha256) ORDER BY path",
    )


def on_a_cluster(source: Path, out: Path) -> None:
    try:
        quickly(source, out, ray="local", workers=2)
    except UsageError as error:
        if "timed out during startup" in str(error):
            pytest.skip("this machine is too busy: Ray gives its own processes 30 s to start")
        raise


def kill_an_actor(killed: list[int]) -> None:
    """Kills one as soon as there are any, and appends its process id to ``killed``."""
    for _ in range(600):
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if (path / "cmdline").read_bytes().startswith(b"ray::_Actor"):
                    time.sleep(1)
                    os.kill(int(path.name), signal.SIGKILL)
                    killed.append(int(path.name))
                    return
            except OSError:
                continue
        time.sleep(0.1)


@WALLS
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_who_judges_for_an_actor_reaches_neither_network_nor_programs_nor_other_files(
    tmp_path: Path,
    mine: Path,  # noqa: F811
) -> None:
    files = {"a.mp4": f"escape {mine}", "b.mp4": "die", "c.mp4": "no face"}
    on_a_cluster(write(tmp_path / "in", files), tmp_path / "out")
    assert outcomes(tmp_path / "out") == {"a.mp4": "none", "b.mp4": None, "c.mp4": "no face"}
    assert mine.read_text() == "mine"
    (row,) = rows(tmp_path / "out", "FROM results WHERE error_code = 'error.never_ended_why'")
    assert "SIGSEGV" in row["error"]


@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_cluster_finds_what_this_machine_finds_though_an_actor_is_killed(tmp_path: Path) -> None:
    source = write(tmp_path / "in", FILES)
    killed: list[int] = []
    threading.Thread(target=kill_an_actor, args=(killed,), daemon=True).start()
    on_a_cluster(source, tmp_path / "cluster")
    assert killed
    assert list(Path(os.environ["TMPDIR"]).glob(f"{PREFIX}*")) == []
    quickly(source, tmp_path / "here")
    assert told(tmp_path / "cluster") == told(tmp_path / "here")
    assert len(rows(tmp_path / "cluster", "FROM results")) == 21


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_does_not_answer_is_said(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"a.mp4": "changed"})
    with pytest.raises(UsageError, match="no Ray cluster answers"):
        quickly(source, tmp_path / "out", ray="auto")


def test_an_actor_whose_judge_died_starts_another_and_keeps_its_copy_of_the_originals(
    tmp_path: Path,
) -> None:
    source = write(tmp_path / "in", {"a.mp4": "die", "b.mp4": "no face"})
    made: list[Path] = []

    def settings(folder: Path) -> Settings:
        made.append(folder)
        return Settings()

    actor = _Actor(Work(str(source), settings, Quick))
    assert actor.ready() == ("ready", None)
    assert actor.answer("identify", str(source / "a.mp4"))[0] == "identified"
    assert actor.answer("judge", "")[0] == DIED
    assert actor.ready() == ("ready", None)
    assert actor.answer("identify", str(source / "b.mp4"))[0] == "identified"
    assert actor.answer("judge", "")[0] == "judged"
    actor.leave()
    assert len(made) == 1
    assert not made[0].exists()


def test_an_actor_that_cannot_copy_the_originals_says_why(tmp_path: Path) -> None:
    def settings(_folder: Path) -> Settings:
        raise UnmaskError("the known originals have changed")

    actor = _Actor(Work(str(tmp_path), settings, Quick))
    assert actor.ready() == ("wrong", "the known originals have changed")
    actor.leave()
