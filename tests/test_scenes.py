"""Whole frames for the report: one for each group of people who are seen together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import results
from tests.clips import number_of, numbered, write_video
from unmask.errors import MediaError
from unmask.media import open_media
from unmask.scenes import LONGEST_PX, scenes
from unmask.types import Box, Person, Place


def seen(number: int, *places: tuple[float, Box]) -> Person:
    """Returns a person at certain places."""
    at = tuple(Place(time, box) for time, box in places)
    return replace(results.person(number), places=at, first_seen=at[0].time, last_seen=at[-1].time)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(
        tmp_path_factory.mktemp("clips") / "clip.mp4", [numbered(i) for i in range(40)], fps=10
    )


def test_people_who_are_seen_together_share_a_frame(clip: Path) -> None:
    """The frame shows most of them, at their largest; a person seen later has another frame."""
    small, large = (4.0, 4.0, 14.0, 14.0), (30.0, 20.0, 60.0, 60.0)
    people = [
        seen(1, (0.0, small), (0.5, small), (1.0, large)),
        seen(2, (0.5, small), (1.0, small)),
        seen(3, (3.0, small), (3.5, large)),
    ]
    found = scenes(open_media(clip), people)
    assert [scene.time for scene in found] == pytest.approx([1.0, 3.5])
    assert [number_of(scene.rgb) for scene in found] == [10, 35]
    assert [dict(scene.boxes) for scene in found] == [{1: large, 2: small}, {3: large}]


def test_of_many_scenes_the_fullest_are_kept_in_order_of_time(clip: Path) -> None:
    people = [seen(i, (0.5 * i, (0.0, 0.0, 10.0 + i, 10.0))) for i in range(1, 7)]
    assert [list(scene.boxes) for scene in scenes(open_media(clip), people, most=2)] == [[5], [6]]


def test_a_large_frame_is_scaled_down_with_its_boxes(tmp_path: Path) -> None:
    path = write_video(tmp_path / "large.mp4", [numbered(1, 2400, 1200)] * 3, fps=10)
    (scene,) = scenes(open_media(path), [seen(1, (0.1, (240.0, 120.0, 480.0, 600.0)))])
    assert scene.rgb.shape == (LONGEST_PX // 2, LONGEST_PX, 3)
    assert scene.boxes == {1: (120.0, 60.0, 240.0, 300.0)}


def test_nobody_makes_no_scene(clip: Path) -> None:
    assert scenes(open_media(clip), []) == ()


def test_a_file_that_has_changed_since_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", [numbered(i) for i in range(20)], fps=10)
    opened = open_media(path)
    path.unlink()
    with pytest.raises(MediaError):
        scenes(opened, [seen(1, (0.5, (0.0, 0.0, 9.0, 9.0)))])
