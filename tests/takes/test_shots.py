"""Shots: cuts and dissolves before the same wall are found.

Motion, flashes and swaps within a shot are neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import unmask
from tests import clips, scenes
from unmask import faces, takes
from unmask.media import Clip, open_media
from unmask.types import Frame, Glimpse, Rgb, Verdict

pytestmark = pytest.mark.slow

FPS = 25


def filmed(path: Path, picture: Callable[[float], Rgb], seconds: float) -> Path:
    frames = (picture(i / FPS) for i in range(round(seconds * FPS)))
    return clips.write_video(path, frames, options={"crf": "20"}, gop=250)


def looked_at(
    clip: Clip, every: float = 0.5
) -> tuple[list[tuple[takes.Miniature, takes.Miniature]], list[Glimpse]]:
    """Returns pairs of looks at a clip every half second, and glimpses from between them."""
    glimpses: list[Glimpse] = []
    looks = [
        takes.miniature(frame, [face.box for face in faces.find(frame.rgb)])
        for frame in clip.frames(clip.times(every, 1000), glimpses=glimpses)
    ]
    return list(pairwise(looks)), glimpses


def cuts(path: Path, every: float = 0.5) -> list[float]:
    """Returns the shot changes in a clip; without glimpses they must be the same."""
    clip = open_media(path)
    looks, glimpses = looked_at(clip, every)
    found = list(takes.cuts(clip, looks, glimpses))
    assert list(takes.cuts(clip, looks)) == found
    return found


class Counted:
    """Clip that counts how often its pictures are read."""

    def __init__(self, clip: Clip) -> None:
        self.times_between, self._clip, self.read = clip.times_between, clip, 0

    def frames(self, times: Sequence[float], longest_px: int | None = None) -> Iterator[Frame]:
        self.read += 1
        return self._clip.frames(times, longest_px)


def dissolve(t: float, start: float, length: float) -> Rgb:
    share = np.clip((t - start) / length, 0, 1)
    return np.round(scenes.studio(0, t) * (1 - share) + scenes.studio(1, t) * share).astype(
        np.uint8
    )


def test_hard_cuts_before_one_wall_are_found_to_the_picture(tmp_path: Path) -> None:
    path = filmed(tmp_path / "three.mp4", lambda t: scenes.studio(int(t // 1.4), t), 4.2)
    assert cuts(path) == pytest.approx([1.4, 2.8])


def test_hard_cuts_are_all_that_is_found_at_any_spacing(tmp_path: Path) -> None:
    path = filmed(tmp_path / "three.mp4", lambda t: scenes.studio(int(t // 1.4), t), 4.2)
    assert cuts(path, every=0.25) == pytest.approx([1.4, 2.8])


@pytest.mark.parametrize("length", [0.5, 0.8, 1.6])
def test_a_dissolve_is_found_in_its_middle(tmp_path: Path, length: float) -> None:
    path = filmed(tmp_path / "dissolve.mp4", lambda t: dissolve(t, 2 - length / 2, length), 4)
    (found,) = cuts(path)
    assert found == pytest.approx(2, abs=0.2 + length / 8)


def light(rgb: Rgb, gain: float) -> Rgb:
    return np.clip(rgb * gain, 0, 255).astype(np.uint8)


ONE_SHOT: dict[str, Callable[[float], Rgb]] = {
    "someone sways": lambda t: scenes.studio(0, t),
    "a face is swapped for a second": lambda t: scenes.studio(1, t, changed=1 <= t < 2),
    "a flash": lambda t: light(scenes.studio(0, t), 1.8 if 1.2 <= t < 1.27 else 1.0),
    "the light goes down": lambda t: light(scenes.studio(0, t), 1 - 0.2 * t),
    "the camera pans": lambda t: np.ascontiguousarray(
        scenes.studio(0, 0.0, width=700)[:, round(60 * t) :][:, :480]
    ),
    "the camera zooms": lambda t: clips.enlarged(scenes.studio(2, t), 1 + 0.15 * t),
}


@pytest.mark.parametrize("case", ONE_SHOT)
def test_one_shot_has_no_cut(tmp_path: Path, case: str) -> None:
    assert cuts(filmed(tmp_path / "one.mp4", ONE_SHOT[case], 3)) == []


def test_glimpses_of_a_moving_picture_save_reading_it_again(tmp_path: Path) -> None:
    clip = open_media(filmed(tmp_path / "one.mp4", ONE_SHOT["the camera zooms"], 3))
    film, (looks, glimpses) = Counted(clip), looked_at(clip)
    assert takes.cuts(film, looks, glimpses) == ()
    assert film.read == 0
    assert takes.cuts(film, looks) == ()
    assert film.read == 1


def test_three_people_cut_before_one_wall_are_three(tmp_path: Path) -> None:
    result = unmask.check(
        filmed(tmp_path / "three.mp4", lambda t: scenes.studio(int(t // 2), t), 6)
    )
    assert [(round(p.first_seen // 2), round(p.last_seen // 2)) for p in result.people] == [
        (0, 0),
        (1, 1),
        (2, 2),
    ]


def test_two_people_in_a_dissolve_are_two(tmp_path: Path) -> None:
    result = unmask.check(filmed(tmp_path / "two.mp4", lambda t: dissolve(t, 2.2, 0.6), 5))
    assert len(result.people) == 2


def test_someone_whose_face_is_swapped_for_a_moment_stays_one_person(tmp_path: Path) -> None:
    path = filmed(tmp_path / "one.mp4", lambda t: scenes.studio(1, t, changed=2 <= t < 4), 6)
    (one,) = unmask.check(path).people
    assert one.verdict is Verdict.CHANGED
    (span,) = one.spans
    assert (span.start, span.end) == (pytest.approx(2, abs=0.2), pytest.approx(4, abs=0.2))
