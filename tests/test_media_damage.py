"""Damaged videos: skipped from an error to the next intact key frame, and nowhere else."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

import unmask
from tests import clips, scenes
from unmask.media import Clip, open_media
from unmask.types import Outcome, Verdict

pytestmark = pytest.mark.slow

EVERY_PICTURE = 0.04


def filmed(path: Path, gop: int = 25, count: int = 150) -> Path:
    """Writes six seconds of moving detail, with B-frames; every picture is different."""
    pictures = (clips.textured(i, 160, 96) for i in range(count))
    return clips.write_video(
        path, pictures, gop=gop, b_frames=2, options={"preset": "veryfast", "crf": "18"}
    )


def intact(path: Path, whole: Clip, every: float = EVERY_PICTURE) -> tuple[Clip, int]:
    """Checks that all frames equal the whole clip's at their time; returns clip and count."""
    expected = {round(f.time, 3): f.rgb for f in whole.frames(whole.times(EVERY_PICTURE, 1000))}
    shift = 0.0
    clip = open_media(path)
    count = 0
    for frame in clip.frames(clip.times(every, 1000)):
        assert np.array_equal(frame.rgb, expected[round(frame.time + shift, 3)]), frame.time
        count += 1
    return clip, count


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("every", [EVERY_PICTURE, 0.5])
def test_lost_packets_of_a_transport_stream_show_in_no_frame(
    tmp_path: Path, seed: int, every: float
) -> None:
    whole = filmed(tmp_path / "whole.ts")
    dice = random.Random(seed)  # noqa: S311
    packets = whole.stat().st_size // 188
    lost = clips.without_packets(
        whole, tmp_path / "lost.ts", {dice.randrange(packets // 8, packets) for _ in range(3)}
    )
    clip, count = intact(lost, open_media(whole), every)
    damaged = sum(d.pictures for d in clip.damage())
    assert 1 <= damaged <= 3 * 28
    if every == EVERY_PICTURE:
        assert count + damaged >= clip.facts.frames - 1
    else:
        assert count >= 6, "each of the six key frames, or a picture near it"


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_zeros_in_the_middle_of_a_file_show_in_no_frame(tmp_path: Path, suffix: str) -> None:
    """Decoders take zeros for a picture, and report nothing."""
    whole = filmed(tmp_path / f"whole.{suffix}")
    data = bytearray(whole.read_bytes())
    start, length = len(data) * 4 // 10, len(data) // 50
    data[start : start + length] = bytes(length)
    (tmp_path / "holed").write_bytes(data)
    clip, count = intact(tmp_path / "holed", open_media(whole))
    (hole,) = clip.damage()
    assert 1 <= hole.pictures <= 50
    assert 1 < hole.start < hole.end < 5
    assert count + hole.pictures >= clip.facts.frames - 1


def test_damage_ends_at_the_next_key_frame(tmp_path: Path) -> None:
    whole = filmed(tmp_path / "whole.mp4")
    data = whole.read_bytes()
    at = len(data) // 2
    (tmp_path / "holed.mp4").write_bytes(data[:at] + bytes(600) + data[at + 600 :])
    clip = open_media(tmp_path / "holed.mp4")
    (hole,) = clip.damage()
    assert any(hole.end == pytest.approx(key, abs=1e-6) for key in clip.key_times())
    assert all(not hole.start <= t < hole.end for t in clip.times(0.1, 1000)), (
        "no look is wasted on it"
    )


@pytest.mark.parametrize("suffix", ["mp4", "ts", "mkv", "webm", "avi"])
def test_a_whole_file_has_no_damage(tmp_path: Path, suffix: str) -> None:
    codec = {"webm": "libvpx-vp9", "avi": "mpeg4"}.get(suffix, "libx264")
    path = clips.write_video(
        tmp_path / f"c.{suffix}", (clips.textured(i) for i in range(60)), codec=codec, gop=15
    )
    clip = open_media(path)
    assert sum(1 for _ in clip.frames(clip.times(EVERY_PICTURE, 1000))) == 60
    assert clip.damage() == ()


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "talking.ts"
    options = {"preset": "veryfast", "crf": "23"}
    return clips.write_video(path, scenes.two_people(6), gop=50, b_frames=2, options=options)


@pytest.mark.parametrize("seed", range(2))
def test_a_broken_file_accuses_nobody(tmp_path: Path, talking: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    packets = talking.stat().st_size // 188
    lost = {dice.randrange(packets // 3, packets) for _ in range(4)}
    result = unmask.check(clips.without_packets(talking, tmp_path / "lost.ts", lost))
    assert result.verdict is Verdict.NO_CHANGE_FOUND
    assert result.damage
    (limit,) = [limit for limit in result.limits if limit.code == "limit.damaged"]
    assert limit.values["count"] == sum(d.pictures for d in result.damage)
    assert all(
        not any(d.start <= p.time < d.end for d in result.damage)
        for one in result.people
        for p in one.places
    )


def test_where_nothing_is_intact_it_cannot_be_told(tmp_path: Path) -> None:
    whole = clips.write_video(
        tmp_path / "one.ts", scenes.two_people(2), gop=250, options={"crf": "23"}
    )
    lost = clips.without_packets(whole, tmp_path / "lost.ts", {6, 8, 9})
    result = unmask.check(lost)
    assert result.verdict is Verdict.CANNOT_TELL
    assert result.reason.code == "file.damaged"
    assert result.outcome is Outcome.CANNOT_TELL, "a face may be in what is damaged"
    assert result.people == ()
    assert result.log10_lr is None
