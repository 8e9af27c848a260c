"""A judgement that was killed goes on where it was, and gives the same answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import takes as made
from unmask.media import Reel
from unmask.report.take import dumps
from unmask.take import TakeSettings, one_take
from unmask.takes import notes, power, seeing
from unmask.types import Small

pytestmark = pytest.mark.slow

MUTE = TakeSettings(thorough=True, power=False)
RUN = """
import sys
from pathlib import Path
from unmask.take import TakeSettings, one_take
from unmask.takes import notes, seeing
notes.EVERY_S, seeing.CORE = 0.0, 40
one_take([sys.argv[1]], TakeSettings(thorough=True, power=False), resume=Path(sys.argv[2]))
"""


class Counted:
    """Counts the pictures that a reel gives; a stand-in for `Reel.pictures`, which it calls."""

    def __init__(self, pictures: Callable[..., Iterator[Small]]) -> None:
        self._pictures, self.count = pictures, 0

    def __get__(self, reel: Reel, _kind: type[Reel]) -> Callable[..., Iterator[Small]]:
        def counted(start: float = 0.0, end: float = np.inf) -> Iterator[Small]:
            for picture in self._pictures(reel, start, end):
                self.count += 1
                yield picture

        return counted


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counting = Counted(Reel.pictures)
    monkeypatch.setattr(Reel, "pictures", counting)
    return counting


@pytest.fixture(autouse=True)
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets short films have several pieces, as long ones have."""
    monkeypatch.setattr(seeing, "CORE", 40)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes a film of 13 s: cut after 4 s, later held for 1 s, and in part shown again."""
    parts = ((0, 4), (4.6, 7))
    times = [*made.times(*parts), *[7.0] * 25, *made.times((1, 4), (7, 9.6))]
    sound = made.heard(*parts, (7, 8), (1, 4), (8, 10.6))
    path = tmp_path_factory.mktemp("resume") / "film.mp4"
    return made.write(path, map(made.filmed, times), sound)


def killed(film: Path, folder: Path, written: int) -> None:
    """Judges in a process of its own, and kills it when the notes were written so many times."""
    process = subprocess.Popen([sys.executable, "-c", RUN, str(film), str(folder)])
    seen: set[int] = set()
    end = time.monotonic() + 120
    while len(seen) < written:
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < end
        seen |= {path.stat().st_mtime_ns for path in folder.glob("take-*.npz")}
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL


def test_a_run_that_was_killed_goes_on_to_the_same_answer(
    tmp_path: Path, film: Path, counted: Counted
) -> None:
    whole = dumps(one_take([film], MUTE))
    pictures, counted.count = counted.count, 0
    killed(film, tmp_path, written=2)
    assert dumps(one_take([film], MUTE, resume=tmp_path)) == whole
    assert 0 < counted.count < pictures
    counted.count = 0
    assert dumps(one_take([film], MUTE, resume=tmp_path)) == whole
    # Only what lies on both sides of each cut is decoded again, to see whether stretches moved.
    assert counted.count < pictures / 2


def test_every_place_at_which_notes_are_written_leads_to_the_same_answer(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goes on from copies of the notes, as a run would find them that was killed there."""
    monkeypatch.setattr(notes, "EVERY_S", 0.0)
    monkeypatch.setattr(power, "TRIALS", 3)
    write, copies = notes.Notes.write, []

    def copied(self: notes.Notes) -> None:
        write(self)
        assert self.path is not None
        copies.append((self.path, self.path.read_bytes()))

    monkeypatch.setattr(notes.Notes, "write", copied)
    settings = TakeSettings(thorough=True)
    whole = dumps(one_take([film], settings, resume=tmp_path))
    assert len(copies) >= 8
    monkeypatch.setattr(notes.Notes, "write", lambda _self: None)
    for path, data in copies[1::2]:
        path.write_bytes(data)
        assert dumps(one_take([film], settings, resume=tmp_path)) == whole


def test_long_footage_goes_on_among_its_key_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = made.write(
        tmp_path / "long.mp4",
        (made.filmed(i / 2) for i in range(250)),
        gop=4,
        pts=[500 * i for i in range(250)],
    )
    whole = dumps(one_take([film], TakeSettings(power=False)))
    monkeypatch.setattr(notes, "EVERY_S", 0.0)
    compare, compared = seeing.change_between, []

    def stopping(before: Small, after: Small) -> float:
        if len(compared) == 20:
            raise KeyboardInterrupt
        compared.append(after.time)
        return compare(before, after)

    monkeypatch.setattr(seeing, "change_between", stopping)
    with pytest.raises(KeyboardInterrupt):
        one_take([film], TakeSettings(power=False), resume=tmp_path)
    monkeypatch.setattr(seeing, "change_between", compare)
    monkeypatch.setattr(notes.Notes, "write", lambda _self: None)
    begun = notes.Notes.opened(next(tmp_path.glob("take-*.npz")), [250])
    assert begun.changes[-1][2] == compared[-1]
    assert dumps(one_take([film], TakeSettings(power=False), resume=tmp_path)) == whole


def test_notes_that_are_torn_are_not_used(tmp_path: Path, counted: Counted) -> None:
    film = made.write(tmp_path / "film.mp4", map(made.filmed, made.times((0, 4))))
    one_take([film], MUTE, resume=tmp_path)
    (kept,) = tmp_path.glob("take-*.npz")
    kept.write_bytes(kept.read_bytes()[:100])
    counted.count = 0
    one_take([film], MUTE, resume=tmp_path)
    assert counted.count == 100


DEEP = "[" * 100_000 + "]" * 100_000


def without_findings(told: dict[str, Any]) -> str:
    del told["findings"]
    return json.dumps(told)


@pytest.mark.parametrize(
    "edit",
    [
        without_findings,
        lambda _told: DEEP,
        lambda _told: "[]",
        lambda told: json.dumps(told | {"damaged": [[100]]}),
        lambda told: json.dumps(told | {"damaged": [[-1]]}),
        lambda told: json.dumps(told | {"damaged": [["1"]]}),
        lambda told: json.dumps(told | {"heard": []}),
        lambda told: json.dumps(told | {"stretch": "one"}),
        lambda told: json.dumps(told | {"changes": [["a", 0, 1]]}),
    ],
    ids=[
        "no findings",
        "deep",
        "a list",
        "no such picture",
        "a picture before the first",
        "a picture without a number",
        "heard as a list",
        "a stretch without a number",
        "a change without a number",
    ],
)
def test_notes_of_another_content_begin_anew(
    tmp_path: Path, counted: Counted, edit: Callable[[dict[str, Any]], str]
) -> None:
    film = made.write(tmp_path / "film.mp4", map(made.filmed, made.times((0, 4))))
    whole = dumps(one_take([film], MUTE, resume=tmp_path))
    (kept,) = tmp_path.glob("take-*.npz")
    with np.load(kept) as arrays:
        content = dict(arrays)
    content["notes"] = np.array(edit(json.loads(str(content["notes"]))))
    with kept.open("wb") as file:
        np.savez(file, **content)
    counted.count = 0
    assert dumps(one_take([film], MUTE, resume=tmp_path)) == whole
    assert counted.count == 100


def test_two_runs_that_write_at_once_do_not_disturb_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lets a second run write whole notes in the middle of the first one's writing."""
    path, save, others = tmp_path / "take-1.npz", np.savez, [notes.Notes(tmp_path / "take-1.npz")]

    def saved(*args: Any, **arrays: Any) -> None:
        save(*args, **arrays)
        if others:
            others.pop().write()

    monkeypatch.setattr(np, "savez", saved)
    notes.Notes(path, stretch=3).write()
    assert notes.Notes.opened(path, []).stretch == 3
    assert list(tmp_path.iterdir()) == [path]
