"""Scans with workers that judge nothing: every content has one result, whoever is killed."""

from __future__ import annotations

import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import TypeVar

import httpx
import numpy as np
import pytest

from tests.fleet.quick import Quick
from tests.s3 import bucket, s3_server  # noqa: F401 - fixtures
from tests.support.workers import children
from unmask import calibrations, limits
from unmask.errors import UsageError
from unmask.fleet import fetching, query
from unmask.fleet.carried import OF_CONTENT
from unmask.fleet.durable import replacing
from unmask.fleet.plan import plan
from unmask.fleet.scan import Scanned, scan
from unmask.fleet.summary import summary
from unmask.fleet.tables import SCRATCH, Row, Tables
from unmask.messages import Message
from unmask.pipeline import Settings
from unmask.sandbox import landlock
from unmask.sandbox.filter import impossible
from unmask.storage import Storage
from unmask.words.catalogue import english

pytestmark = pytest.mark.slow

T = TypeVar("T")

PATIENCE = 500.0
"""Longest time that a test waits, s."""


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, orders in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(orders)
    return folder


def quickly(
    source: Path | str, out: Path, settings: Settings = Settings(), **more: object
) -> Scanned:
    return scan(str(source), out, settings, maker=Quick, **more)  # type: ignore[arg-type]


def rows(out: Path, sql: str) -> list[Row]:
    with query.open_results(out) as tables:
        return tables.rows(sql)


def outcomes(out: Path) -> dict[str, str | None]:
    """Returns the outcome of the content of each file, by the file's name."""
    found = rows(out, "SELECT path, outcome FROM files JOIN results USING (sha256)")
    return {Path(row["path"]).name: row["outcome"] for row in found}


def test_a_folder_is_scanned_and_the_same_bytes_are_judged_once(tmp_path: Path) -> None:
    files = {
        "a.mp4": "changed",
        "below/b.mp4": "no face\n1",
        "copy.mp4": "changed",
        "c.mp4": "fail",
        "notes.txt": "x",
    }
    found = quickly(write(tmp_path / "in", files), tmp_path / "out")
    assert outcomes(tmp_path / "out") == {
        "a.mp4": "changed",
        "b.mp4": "no face",
        "copy.mp4": "changed",
        "c.mp4": None,
    }
    assert len(rows(tmp_path / "out", "FROM results")) == 3
    assert (found.counts.listed, found.counts.read, found.counts.judged, found.counts.failed) == (
        4,
        4,
        3,
        1,
    )
    assert [str(clause) for clause in found.left_out] == [
        "1 file in the folders is neither a photo nor a video by its content, and was left out"
    ]


def test_a_second_scan_judges_what_is_new_or_written_to_and_nothing_else(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in", {"a.mp4": "changed", "b.mp4": "no face", "c.mp4": "cannot tell"}
    )
    quickly(source, tmp_path / "out")
    again = quickly(source, tmp_path / "out")
    assert (again.counts.judged, again.counts.read, again.counts.before) == (0, 0, 3)
    write(source, {"b.mp4": "changed\n2", "d.mp4": "no face\n3"})
    more = quickly(source, tmp_path / "out")
    assert (more.counts.judged, more.counts.before) == (2, 2)
    assert len(rows(tmp_path / "out", "FROM results")) == 5


def test_another_configuration_judges_anew_beside_the_old_one(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"a.mp4": "changed", "b.mp4": "changed"})
    quickly(source, tmp_path / "out")
    anew = quickly(source, tmp_path / "out", Settings(every=1.0))
    assert (anew.counts.judged, anew.counts.before) == (1, 1)
    per = rows(tmp_path / "out", "SELECT configuration, count(*) AS n FROM results GROUP BY ALL")
    assert [row["n"] for row in per] == [1, 1]
    assert {path.stem for path in (tmp_path / "out" / "configurations").iterdir()} == {
        row["configuration"] for row in per
    }


@pytest.mark.parametrize(
    ("weight", "limit", "judged"),
    [("learned", "the same", 2), ("learned", "limit.generated", 3), ("centerface", "the same", 4)],
)
def test_new_weights_judge_anew_what_they_may_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weight: str, limit: str, judged: int
) -> None:
    files = {"a.mp4": "changed", "b.mp4": "no face", "c.mp4": "fail", "d.mp4": "fail media.slow"}
    source, out = write(tmp_path / "in", files), tmp_path / "out"
    quickly(source, out)
    weights = calibrations.digests() | {weight: "0" * 64}
    monkeypatch.setattr(calibrations, "digests", lambda _folder: weights)
    if limit != "the same":
        monkeypatch.setattr(limits, "of_models", lambda *_: [Message(limit)])
    anew = quickly(source, out)
    assert (anew.counts.judged, anew.counts.before) == (judged, 4 - judged)
    per = rows(out, "SELECT configuration, count(DISTINCT sha256) AS n FROM results GROUP BY ALL")
    assert [row["n"] for row in per] == [4, 4]
    assert quickly(source, out).counts.judged == 0
    assert summary(out).scope["contents"] == 4


def test_only_errors_that_are_there_are_carried() -> None:
    assert [code for code in OF_CONTENT if code not in english()] == []


def test_a_damaged_description_of_a_configuration_ends_no_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = write(tmp_path / "in", {"a.mp4": "no face"}), tmp_path / "out"
    quickly(source, out)
    (described,) = (out / "configurations").iterdir()
    described.write_bytes(described.read_bytes()[:40])
    for number, left in enumerate([b"", b"\xff", b"[]", b'{"weights": {}}', b'{"weights": 1}']):
        described.with_name(f"c{number}.json").write_bytes(left)
    weights = calibrations.digests() | {"learned": "0" * 64}
    monkeypatch.setattr(calibrations, "digests", lambda _folder: weights)
    assert quickly(source, out).counts.judged == 1
    monkeypatch.undo()
    assert quickly(source, out).counts.judged == 0
    assert "centerface" in json.loads(described.read_bytes())["weights"]


def test_a_description_that_is_not_written_whole_leaves_the_one_before(tmp_path: Path) -> None:
    def broken(path: Path) -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise OSError("the disk is full")

    (path := tmp_path / "a.json").write_text("whole")
    with pytest.raises(OSError, match="full"):
        broken(path)
    assert path.read_text() == "whole"


def test_what_no_worker_survives_is_poison_after_three_tries(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"a.mp4": "die", "b.mp4": "no face", "copy.mp4": "die"})
    found = quickly(source, tmp_path / "out")
    assert (found.counts.poison, found.counts.judged) == (1, 2)
    (row,) = rows(tmp_path / "out", "FROM results WHERE error_code = 'error.never_ended_why'")
    assert "begun 3 times" in row["error"]
    assert "SIGSEGV" in row["error"]
    assert quickly(source, tmp_path / "out").counts.judged == 0


WALLS = pytest.mark.skipif(
    bool(impossible()) or landlock.offered() < 1, reason="this kernel has no walls"
)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file of the user's that no worker may see."""
    (path := tmp_path / "diary.txt").write_text("mine")
    return path


@WALLS
def test_who_judges_reaches_neither_network_nor_programs_nor_other_files(
    tmp_path: Path, mine: Path
) -> None:
    files = {"a.mp4": f"escape {mine}", "b.mp4": f"escape {tmp_path / 'in' / 'a.mp4'}"}
    quickly(write(tmp_path / "in", files), tmp_path / "out")
    assert outcomes(tmp_path / "out") == {"a.mp4": "none", "b.mp4": "none"}
    assert mine.read_text() == "mine"


@WALLS
def test_who_judges_a_file_of_a_bucket_reaches_no_network_and_has_no_key(
    tmp_path: Path,
    mine: Path,
    bucket: str,  # noqa: F811
) -> None:
    Storage(bucket, tmp_path / "scratch").put("a.mp4", f"escape {mine}".encode())
    quickly(bucket, tmp_path / "out")
    assert outcomes(tmp_path / "out") == {"a.mp4": "none"}
    assert mine.read_text() == "mine"


@WALLS
def test_who_judges_does_not_see_the_folder_that_its_driver_was_started_in(
    tmp_path: Path, mine: Path
) -> None:
    source = write(tmp_path / "in", {"a.mp4": f"escape {mine}"})
    subprocess.run(
        [sys.executable, "-m", "tests.fleet.driver", str(source), str(tmp_path / "out")],
        cwd=mine.parent,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*filter(None, sys.path), ""])},
        check=True,
        timeout=PATIENCE,
    )
    assert outcomes(tmp_path / "out") == {"a.mp4": "none"}
    assert mine.read_text() == "mine"


@WALLS
def test_a_plan_has_its_sample_judged_behind_the_same_walls(tmp_path: Path, mine: Path) -> None:
    files = {"a.mp4": f"escape {mine}", "b.mp4": "die", "c.mp4": "sleep 600"}
    told = plan(str(write(tmp_path / "in", files)), None, seconds=5.0, maker=Quick)
    assert (told.files, told.sampled) == (3, 3)
    assert told.seconds[0] >= 5.0
    assert mine.read_text() == "mine"


ALLOCATES = b"\x80\x04Nr\xff\xff\xff\xff."
"""A pickle of nine bytes for whose memo the reader would allocate tens of GB."""


def test_what_a_worker_says_is_not_unpickled(tmp_path: Path) -> None:
    files = {
        "pickle.mp4": pickle.dumps(("unreadable", "it is a pickle")),
        "allocates.mp4": ALLOCATES,
    }
    source = write(
        tmp_path / "in",
        {name: f"speak {content.hex()}" for name, content in files.items()} | {"b.mp4": "no face"},
    )
    found = quickly(source, tmp_path / "out")
    assert (found.counts.poison, found.counts.judged) == (2, 3)
    dead = rows(tmp_path / "out", "FROM results WHERE error_code = 'error.never_ended_why'")
    assert all("what makes no sense" in row["error"] for row in dead)


@pytest.mark.parametrize("order", ["sleep 600", "half"])
def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path, order: str) -> None:
    source = write(tmp_path / "in", {"a.mp4": order, "b.mp4": "no face"})
    found = quickly(source, tmp_path / "out", seconds=5.0)
    assert (found.counts.poison, found.counts.judged) == (1, 2)
    assert outcomes(tmp_path / "out") == {"a.mp4": None, "b.mp4": "no face"}


class Stuck:
    """A file system whose server answers no more: a read of ``stuck.mp4`` lasts until `release`."""

    def __init__(self) -> None:
        self._read, self._released = fetching._read, Event()
        self.release = self._released.set

    def read(self, path: str) -> Iterator[bytes]:
        if path.endswith("stuck.mp4"):
            self._released.wait(PATIENCE)
        yield from self._read(path)


def test_a_read_that_never_ends_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = Stuck()
    monkeypatch.setattr(fetching, "_read", stuck.read)
    source = write(tmp_path / "in", {"a.mp4": "changed", "stuck.mp4": "x", "z.mp4": "no face"})
    try:
        found = quickly(source, tmp_path / "out", seconds=3.0)
        assert list((tmp_path / "out" / SCRATCH).iterdir()) == []
    finally:
        stuck.release()
    assert (found.counts.judged, found.counts.unreadable) == (2, 1)
    (row,) = rows(tmp_path / "out", "FROM files WHERE problem IS NOT NULL")
    assert "not done after 3 s" in row["problem"]


def test_what_cannot_be_read_is_tried_again_by_the_next_scan(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"a.mp4": "changed", "b.mp4": "away"})
    (source / "c.mp4").symlink_to(tmp_path / "nothing")
    found = quickly(source, tmp_path / "out")
    assert (found.counts.unreadable, found.counts.judged, len(found.unreadable)) == (1, 1, 1)
    (row,) = rows(tmp_path / "out", "FROM files WHERE problem IS NOT NULL")
    assert (row["sha256"], row["problem"]) == (None, "the storage does not answer")
    write(source, {"b.mp4": "no face"})
    assert quickly(source, tmp_path / "out").counts.judged == 1


def test_what_cannot_be_copied_is_said_and_does_not_end_the_scan(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"a.mp4": "changed"})
    os.mkfifo(source / "pipe.mp4")
    (source / "folder.mp4").symlink_to(source)
    found = quickly(source, tmp_path / "out")
    assert (found.counts.unreadable, found.counts.judged) == (1, 1)
    (row,) = rows(tmp_path / "out", "FROM files WHERE problem IS NOT NULL")
    assert row["problem"] == "it is no regular file"


def test_one_scan_at_a_time_writes_to_a_folder(tmp_path: Path) -> None:
    import fcntl

    source = write(tmp_path / "in", {"a.mp4": "changed"})
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another scan writes there"):
            quickly(source, tmp_path / "out")
    with pytest.raises(UsageError, match="no such folder"):
        quickly(tmp_path / "nothing", tmp_path / "out")


def test_nothing_is_written_to_or_deleted_from_a_folder_of_other_things(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"a.mp4": "changed"})
    mine = write(
        tmp_path / "mine",
        {"scratch/notes": "x", "work/draft.tmp": "x", "results/day=1/old.parquet.tmp": "x"},
    )
    before = sorted(mine.rglob("*"))
    with pytest.raises(
        UsageError, match="mine: other things lie there; name a new or empty folder"
    ):
        quickly(source, mine)
    assert sorted(mine.rglob("*")) == before
    (out := tmp_path / "out").mkdir()
    quickly(source, out)
    write(out, {"scratch/notes": "x", "work/draft.tmp": "x"})
    quickly(source, out)
    assert (out / "scratch" / "notes").exists()
    assert (out / "work" / "draft.tmp").exists()


def test_a_folder_may_be_called_like_a_pattern(tmp_path: Path) -> None:
    out = tmp_path / "scan[1]*?'"
    quickly(write(tmp_path / "in", {"a.mp4": "changed"}), out)
    assert outcomes(out) == {"a.mp4": "changed"}
    assert summary(out).scope["contents"] == 1


def test_groups_that_a_killed_driver_did_not_write_are_written_by_the_next_scan(
    tmp_path: Path,
) -> None:
    source, out = write(tmp_path / "in", {"a.mp4": "changed"}), tmp_path / "out"
    quickly(source, out)
    assert rows(out, "FROM groups") == []
    (facts,) = (out / "configurations").iterdir()
    random = np.random.default_rng(1)
    sketch = {
        "times": [0.0, 2.0],
        "frame": [0] * 32 + [1] * 32,
        "hashes": random.bytes(64 * 32),
        "places": random.uniform(0.1, 0.5, (64, 3)).astype("<f4").tobytes(),
        "aspect": 0.5625,
    }
    alike = [{"sha256": letter * 64} for letter in "ab"]
    Tables(out, facts.stem).commit({"results": alike, "sketches": [row | sketch for row in alike]})
    assert quickly(source, out).counts.judged == 0
    assert {row["sha256"]: row["group"] for row in rows(out, "FROM groups")} == {
        "a" * 64: "a" * 64,
        "b" * 64: "a" * 64,
    }
    written = (out / "groups" / "groups.parquet").stat().st_mtime_ns
    quickly(source, out)
    assert (out / "groups" / "groups.parquet").stat().st_mtime_ns == written


def test_a_file_that_has_gone_is_no_longer_counted_nor_queued(tmp_path: Path) -> None:
    source, out = (
        write(tmp_path / "in", {"a.mp4": "changed", "below/b.mp4": "changed\n2", "c.mp4": "away"}),
        tmp_path / "out",
    )
    other = write(tmp_path / "in-other", {"d.mp4": "no face"})
    quickly(source, out)
    quickly(other, out)
    (source / "a.mp4").unlink()
    (source / "c.mp4").unlink()
    assert quickly(source, out).counts.gone == 2
    told = summary(out)
    assert (told.scope["files"], told.scope["unread"], told.scope["waiting"]) == (2, 0, 0)
    assert [Path(row["path"]).name for row in told.queue] == ["b.mp4"]
    assert quickly(source, out).counts.gone == 0
    write(source, {"a.mp4": "changed"})
    assert quickly(source, out).counts.judged == 0
    assert summary(out).scope["files"] == 3


def test_nothing_has_gone_where_some_of_the_source_could_not_be_listed(tmp_path: Path) -> None:
    source, out = write(tmp_path / "in", {"a.mp4": "changed", "b.mp4": "no face"}), tmp_path / "out"
    quickly(source, out)
    for path in source.iterdir():
        path.unlink()
    found = quickly(source, out)
    assert (found.counts.gone, len(found.unreadable)) == (0, 1)
    assert summary(out).scope["files"] == 2


def test_a_plan_counts_what_a_scan_would_read(tmp_path: Path) -> None:
    source, out = (
        write(tmp_path / "in", {"a.mp4": "changed", "copy.mp4": "changed", "b.mp4": "no face"}),
        tmp_path / "out",
    )
    quickly(source, out)
    settings = Settings(every=1.0)
    told = plan(str(source), out, settings, sample=0)
    assert (told.files, told.done) == (2, 1)
    scanned = quickly(source, out, settings)
    assert (scanned.counts.read, scanned.counts.before) == (told.files, told.done)


def test_a_bucket_is_scanned(tmp_path: Path, bucket: str) -> None:  # noqa: F811
    stored = Storage(bucket, tmp_path / "scratch")
    for name, orders in {
        "2026/a.mp4": "changed",
        "2026/b": "no face",
        "c.mp4": "changed",
        "notes.txt": "x",
    }.items():
        stored.put(name, orders.encode())
    found = quickly(bucket, tmp_path / "out")
    assert outcomes(tmp_path / "out") == {"a.mp4": "changed", "b": "no face", "c.mp4": "changed"}
    paths = {row["path"] for row in rows(tmp_path / "out", "FROM files")}
    assert paths == {f"{bucket}/2026/a.mp4", f"{bucket}/2026/b", f"{bucket}/c.mp4"}
    assert found.counts.judged == 2
    assert quickly(bucket, tmp_path / "out").counts.read == 0
    assert [path for path in (tmp_path / "out" / SCRATCH).rglob("*") if path.is_file()] == []


def test_who_judges_ends_with_its_driver(tmp_path: Path) -> None:
    source = write(tmp_path / "in", {"a.mp4": "sleep 600", "b.mp4": "sleep 600\n2"})
    driver = subprocess.Popen([sys.executable, "-m", "tests.fleet.driver", source, tmp_path / "o"])
    judging = waited(lambda: children(driver.pid))
    driver.kill()
    driver.wait()
    assert waited(lambda: not any(Path(f"/proc/{pid}").exists() for pid in judging))


def waited(found: Callable[[], T]) -> T:
    """Returns the first true value of ``found``, or the last after a minute."""
    until = time.monotonic() + 60.0
    while not (value := found()) and time.monotonic() < until:
        time.sleep(0.1)
    return value


def test_objects_with_odd_names_are_judged_and_one_that_ends_the_list_is_named(
    tmp_path: Path,
    bucket: str,  # noqa: F811
    s3_server: str,  # noqa: F811
) -> None:
    def put(name: str) -> None:
        address = f"{s3_server}/{bucket.removeprefix('s3://')}/{name}"
        httpx.put(address, content=f"no face\n{name}", timeout=60).raise_for_status()

    names = ("a.mp4", "b%20.mp4", "d+e%25.mp4")
    for name in names:
        put(name)
    found = quickly(bucket, tmp_path / "out")
    assert (found.counts.judged, found.counts.unreadable) == (len(names), 0)
    put("b//c.mp4")
    with pytest.raises(UsageError, match=r"prefix/b//c\.mp4.*rename that object"):
        quickly(bucket, tmp_path / "out")


@pytest.mark.timeout(600)
def test_whoever_is_killed_every_content_has_one_result(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311
    files = {
        f"{n:02}.mp4": f"sleep {chance.uniform(0.1, 0.3):.2f}\n{n}\nno face" for n in range(50)
    }
    files |= {f"broken-{n}.mp4": f"fail\n{n}" for n in range(5)} | {
        f"copy-{n}.mp4": files[f"{n:02}.mp4"] for n in range(5)
    }
    source, out = write(tmp_path / "in", files), tmp_path / "out"
    command, deadline, kills = (
        [sys.executable, "-m", "tests.fleet.driver", source, out],
        time.monotonic() + PATIENCE,
        0,
    )
    while time.monotonic() < deadline:
        driver = subprocess.Popen(command, start_new_session=True)
        while kills < 6 and driver.poll() is None and time.monotonic() < deadline:
            time.sleep(chance.uniform(1.0, 4.0))
            workers = children(driver.pid)
            victim = driver.pid if chance.random() < 0.3 or not workers else chance.choice(workers)
            os.kill(victim, signal.SIGKILL)
            kills += 1
        if driver.wait(max(1.0, deadline - time.monotonic())) == 0:
            break
    assert kills >= 3
    judged = Counter(row["sha256"] for row in rows(out, "FROM results"))
    assert set(judged.values()) == {1}
    named = rows(out, "SELECT DISTINCT path, sha256 FROM files")
    assert len(named) == len(files) == 60
    assert {row["sha256"] for row in named} == set(judged)
    assert len(judged) == 55
    assert len(rows(out, "FROM people")) == len(
        rows(out, "FROM results WHERE error_code IS DISTINCT FROM 'error.never_ended_why'")
    )
    assert quickly(source, out).counts.judged == 0
