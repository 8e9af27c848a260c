"""Clips that are all different: tiny ones, which cost little to judge, and portraits of seconds.

A tiny one has three frames of 96 x 96 px; one in twenty is truncated, one in a hundred shows a
portrait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

CORRUPT = 20
"""One clip in this many has lost its end, where an MP4 file lists its frames."""

PORTRAIT = 100
"""One clip in this many shows a face."""

SIDE = 96
FRAMES = 3


def write_clips(folder: Path, count: int) -> Path:
    """Writes clips 0 to ``count - 1`` that are not there yet; returns the folder."""
    return _write(folder, count, _frames, CORRUPT)


def write_portraits(folder: Path, count: int, seconds: float) -> Path:
    """Writes clips of a portrait before a moving camera that are not there yet.

    They have 25 frames a second of 384 x 384 px. Returns the folder.
    """
    return _write(folder, count, lambda number: _portrait(number, int(25 * seconds)))


def _write(
    folder: Path, count: int, frames: Callable[[int], Iterator[np.ndarray]], corrupt: int = 0
) -> Path:
    """Writes clips by their numbers; truncates one in so many, if any."""
    from tests import clips

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path, beside = folder / f"{number:06}.mp4", folder.parent / "unfinished.mp4"
        if path.exists():
            continue
        clips.write_video(beside, frames(number))
        if corrupt and number % corrupt == corrupt - 1:
            content = beside.read_bytes()
            beside.write_bytes(content[: content.index(b"moov")])
        beside.rename(path)
    return folder


def _portrait(number: int, frames: int) -> Iterator[np.ndarray]:
    from skimage.data import astronaut

    rng, whole = np.random.default_rng(number), astronaut()
    across, down = rng.uniform(10, 50, 2)
    for k in range(frames):
        x, y = 60 + across * np.sin(k / 20), across / 10 + 10 + min(down, 10) * np.cos(k / 30)
        part = whole[int(y) : int(y) + 384, int(x) : int(x) + 384]
        yield np.clip(part + rng.normal(0, 2, (384, 384, 1)), 0, 255).astype(np.uint8)


def _frames(number: int) -> Iterator[np.ndarray]:
    from skimage.data import astronaut

    rng = np.random.default_rng(number)
    if number % PORTRAIT == 0:
        picture = astronaut()[20 : 20 + 2 * SIDE : 2, 130 : 130 + 2 * SIDE : 2] * rng.uniform(
            0.9, 1
        )
    else:
        picture = np.kron(rng.integers(0, 255, (6, 6, 3)), np.ones((SIDE // 6, SIDE // 6, 1)))
    for _ in range(FRAMES):
        frame = picture + rng.normal(0, 2, (SIDE, SIDE, 1))
        yield np.clip(frame, 0, 255).astype(np.uint8)
