"""Interlaced video, flagged or not: one field per picture is used; combing is no evidence."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

import unmask
from tests import clips, scenes
from unmask.media import open_media
from unmask.media.fields import has_comb
from unmask.types import Rgb, Verdict

pytestmark = pytest.mark.slow

FLAGGED = {"flags": "+ilme+ildct"}
PACE = 12.0
"""Motion of at most 3 px from one field to the next."""


@pytest.fixture(scope="module")
def people() -> list[Rgb]:
    """Returns four seconds at 50 pictures a second."""
    return [frame[:448] for frame in scenes.two_people(8, pace=PACE / 2)]


def apart(a: Rgb, b: Rgb) -> float:
    return float(np.abs(a.astype(int) - b).mean())


@pytest.mark.parametrize("lines", [2, 4, 8, 16, 19])
def test_a_picture_lower_than_a_block_has_no_comb(lines: int) -> None:
    """Streams may change to such a size in the middle."""
    assert not has_comb(np.tile(np.uint8([[0], [255]]), (lines, 640))[:lines])


def test_half_pictures_a_pixel_apart_make_a_comb_even_in_a_dull_picture() -> None:
    small = cv2.resize(
        skimage.data.astronaut()[:256, 96:352], (208, 208), interpolation=cv2.INTER_AREA
    )
    luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) // 2 + 60
    woven = luma.copy()
    woven[1::2] = np.roll(luma, 1, axis=1)[1::2]
    assert has_comb(woven)
    assert not has_comb(luma)


@pytest.mark.parametrize(
    ("suffix", "codec", "pix_fmt", "options"),
    [
        ("mp4", "libx264", "yuv420p", {"crf": "18"}),
        ("mp4", "libx264", "yuv420p", {"crf": "18"} | FLAGGED),
        ("ts", "mpeg2video", "yuv420p", {"b": "20M"} | FLAGGED),
        ("mov", "prores_ks", "yuv422p10le", FLAGGED),
        ("webm", "libvpx-vp9", "yuv444p", {"crf": "18"}),
    ],
)
def test_one_half_picture_of_each_comes_out(
    tmp_path: Path,
    people: list[Rgb],
    suffix: str,
    codec: str,
    pix_fmt: str,
    options: dict[str, str],
) -> None:
    path = tmp_path / f"woven.{suffix}"
    clips.write_video(
        path, clips.woven(people[:100]), codec=codec, pix_fmt=pix_fmt, options=options
    )
    clip = open_media(path)
    for frame in clip.frames(clip.times(0.2, 100)):
        first, second = people[2 * round(frame.time * 25)], people[2 * round(frame.time * 25) + 1]
        assert apart(frame.rgb, first) < 3.5
        if apart(first, second) > 2:
            assert apart(frame.rgb, first) < apart(frame.rgb, second), frame.time
    assert clip.interlaced() >= 8, "those in which nobody turns back"


def test_a_clip_that_is_not_interlaced_is_left_as_it_is(tmp_path: Path, people: list[Rgb]) -> None:
    for name, options in (("plain.mp4", {}), ("flagged.mp4", FLAGGED)):
        clip = open_media(
            clips.write_video(tmp_path / name, people[:100:2], options={"crf": "18"} | options)
        )
        assert len(list(clip.frames(clip.times(0.1, 100)))) > 15
        assert clip.interlaced() == 0


def test_a_small_copy_needs_no_parting(tmp_path: Path, people: list[Rgb]) -> None:
    clip = open_media(clips.write_video(tmp_path / "woven.mp4", clips.woven(people[:20])))
    assert len(list(clip.frames(clip.times(0.1, 100), longest_px=160))) >= 3
    assert clip.interlaced() == 0


def test_nobody_is_accused_of_a_comb(tmp_path: Path, people: list[Rgb]) -> None:
    path = clips.write_video(tmp_path / "woven.mp4", clips.woven(people), options={"crf": "20"})
    result = unmask.check(path)
    assert result.verdict is Verdict.NO_CHANGE_FOUND
    assert "limit.interlaced" in [limit.code for limit in result.limits]
