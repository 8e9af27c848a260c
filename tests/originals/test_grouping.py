"""Groups of near-duplicates: copies of one footage, also a changed copy, without other footage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut, chelsea, coffee

from tests import clips
from unmask.media import open_media
from unmask.originals.grouping import Sketcher, groups
from unmask.originals.matching import Looks
from unmask.types import Rgb

pytestmark = pytest.mark.slow


def panned(picture: Rgb, start: float = 0.0, seconds: float = 4.0) -> Iterator[Rgb]:
    """Yields a camera that moves over a picture, 240 x 320 px at 25 a second."""
    for i in range(round(seconds * 25)):
        x = round(8 * (start + i / 25))
        yield np.ascontiguousarray(picture[10:250, x : x + 320])


def swapped(frames: Iterator[Rgb], face: Rgb) -> Iterator[Rgb]:
    """Yields the frames with another person's face in the middle of each."""
    for frame in frames:
        out = frame.copy()
        out[60:140, 120:200] = face
        yield out


def sketch(path: Path) -> Looks:
    clip = open_media(path)
    sketcher = Sketcher(clip)
    for frame in clip.frames(clip.times(0.5, 600)):
        sketcher.see(frame)
    return sketcher.sketch()


@pytest.fixture(scope="module")
def sketches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Looks]:
    folder = tmp_path_factory.mktemp("copies")
    films: dict[str, tuple[Iterator[Rgb], dict[str, str]]] = {
        "cat": (panned(chelsea()), {"crf": "18"}),
        "cat again": (panned(chelsea()), {"crf": "32"}),
        "cat small": ((frame[::2, ::2].copy() for frame in panned(chelsea())), {"crf": "23"}),
        "cat mirrored": ((frame[:, ::-1].copy() for frame in panned(chelsea())), {"crf": "23"}),
        "cat later": (panned(chelsea(), 1.0, 3.0), {"crf": "23"}),
        "cat swapped": (swapped(panned(chelsea()), astronaut()[100:180, 180:260]), {"crf": "23"}),
        "coffee": (panned(coffee()), {"crf": "23"}),
        "astronaut": (panned(astronaut()), {"crf": "23"}),
        "dark": ((np.zeros((240, 320, 3), np.uint8) for _ in range(50)), {"crf": "23"}),
        "dark again": ((np.zeros((120, 160, 3), np.uint8) for _ in range(50)), {"crf": "23"}),
    }
    return {
        name: sketch(clips.write_video(folder / f"{name}.mp4", frames, options=options))
        for name, (frames, options) in films.items()
    }


def test_copies_come_together_and_nothing_else(sketches: dict[str, Looks]) -> None:
    found = dict(zip(sketches, groups(sketches.values()), strict=True))
    together = {name for name, group in found.items() if group == found["cat"]}
    assert together == {name for name in sketches if name.startswith("cat")}
    alone = [found[name] for name in sketches if not name.startswith("cat")]
    assert len(set(alone)) == len(alone)


def test_a_flood_is_one_group_however_large(sketches: dict[str, Looks]) -> None:
    flood = [sketches["cat again"], *(sketches["cat"] for _ in range(300)), sketches["coffee"]]
    assert groups(flood) == [0] * 301 + [301]


def test_whoever_shows_the_footage_of_two_joins_their_groups(sketches: dict[str, Looks]) -> None:
    cat, coffee_ = sketches["cat"], sketches["coffee"]
    both = Looks(
        np.concatenate([cat.times, coffee_.times + 4]),
        np.concatenate([cat.of, coffee_.of + len(cat.times)]),
        np.concatenate([cat.hashes, coffee_.hashes]),
        np.concatenate([cat.places, coffee_.places]),
        cat.aspect,
    )
    assert groups([cat, coffee_, sketches["astronaut"], both]) == [0, 0, 2, 0]
    assert groups([]) == []
