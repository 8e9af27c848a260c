"""One reading per frame, on NASA's portrait: found once a second, tracked in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.scenes import portrait
from unmask import faces
from unmask.live.continuity import continuity
from unmask.live.reading import (
    DRIFTED,
    FIND_EVERY,
    FOLLOWED,
    GRID,
    SEARCH_AGAIN,
    SEARCH_PX,
    FrameReading,
    read,
)
from unmask.types import Frame, Rgb

FPS = 12
FACE = np.array([[205.0, 105.0], [245.0, 105.0], [225.0, 145.0]])
"""Points on the portrait's face, px."""


def filmed(
    time: float, moving: float = 1.0, light: tuple[float, float, float] = (1, 1, 1)
) -> tuple[Rgb, NDArray[np.float64]]:
    """Returns the portrait before a camera, and its motion: affine ``(2, 3)``."""
    turned = cv2.getRotationMatrix2D(
        (225, 120), 3 * moving * np.sin(1.3 * time), 1 + 0.03 * moving * np.sin(0.9 * time)
    )
    turned[:, 2] += (-65 + 8 * moving * np.sin(1.1 * time), 10 + 5 * moving * np.cos(0.7 * time))
    seen = cv2.warpAffine(portrait(), turned, (320, 240)) * np.asarray(light)
    grain = np.random.default_rng(round(time * 1_000)).normal(0, 3, seen.shape)
    return np.clip(seen + grain, 0, 255).astype(np.uint8), turned


def readings(seconds: float, **how: float) -> list[FrameReading]:
    found: list[FrameReading] = []
    for time in np.arange(0, seconds, 1 / FPS):
        found.append(
            read(Frame(float(time), filmed(float(time), **how)[0]), found[-1] if found else None)
        )
    return found


def test_a_face_is_followed_on_the_same_skin_to_half_a_pixel() -> None:
    first, strays = None, []
    for one in readings(3):
        assert one.face
        back = cv2.invertAffineTransform(filmed(one.time)[1])
        skin = one.face.points @ back[:, :2].T + back[:, 2]
        first = skin if first is None else first
        strays.append(float(np.hypot(*(skin - first).T).mean()))
    assert np.mean(strays) < 0.5


def test_a_face_is_found_once_a_second_and_keeps_its_anchor() -> None:
    found = readings(3)
    assert len({one.searched for one in found}) <= 3 / FIND_EVERY + 1
    assert len({one.face.anchor.time for one in found if one.face}) == 1
    assert continuity(found).unbroken


def test_cells_are_linear_light() -> None:
    plain, dim = (read(Frame(0.0, filmed(0.0, 0.0, (level,) * 3)[0]), None) for level in (1.0, 0.5))
    assert plain.face
    assert dim.face
    assert plain.face.cells.shape == (GRID, GRID, 3)
    assert plain.face.cells.dtype == np.float32
    inner = np.s_[5:11, 5:11]
    ratio = float(np.median(dim.face.cells[inner] / plain.face.cells[inner]))
    assert 0.5**2.4 < ratio < 0.5**2  # sRGB's curve lies between these powers.
    assert plain.face.clipped < 0.2


def test_another_face_in_the_same_place_gets_another_anchor() -> None:
    found = readings(1.5, moving=0.0)
    other = cv2.flip(filmed(0.0, 0.0)[0], 0)
    gone = read(Frame(1.6, other), found[-1])
    back = read(Frame(1.6 + SEARCH_AGAIN, filmed(0.0, 0.0)[0]), gone)
    assert gone.face is None or gone.face.anchor is not found[-1].face.anchor  # type: ignore[union-attr]
    assert back.face
    assert back.face.anchor.time > 1.5


def test_without_a_face_only_some_frames_are_searched() -> None:
    nothing = np.full((240, 320, 3), 90, np.uint8)
    found: list[FrameReading] = []
    for i in range(12):
        found.append(read(Frame(i / 12, nothing), found[-1] if found else None))
    assert all(one.face is None for one in found)
    assert len({one.searched for one in found}) <= 1 / SEARCH_AGAIN + 1


def test_a_turned_head_moves_the_nose_between_the_eyes() -> None:
    image, _ = filmed(0.0, 0.0)
    straight = read(Frame(0.0, image), None)
    mirrored = read(Frame(0.0, np.ascontiguousarray(image[:, ::-1])), None)
    assert straight.face
    assert mirrored.face
    assert abs(straight.face.yaw + mirrored.face.yaw) < 0.15


def test_closed_eyes_have_less_contrast() -> None:
    frame = filmed(0.0, 0.0)[0]
    opened = read(Frame(0.0, frame), None).face
    assert opened
    apart = float(np.hypot(*(opened.points[1] - opened.points[0])))
    for x, y in opened.points[:2].round().astype(int).tolist():
        skin = np.median(frame[y + int(0.3 * apart) :, x - 3 : x + 4][:5], axis=(0, 1)).tolist()
        cv2.ellipse(
            frame,
            (x, y),
            (round(0.28 * apart), round(0.13 * apart)),
            0,
            0,
            360,
            skin,
            -1,
            cv2.LINE_AA,
        )
    closed = read(Frame(0.0, frame), None).face
    assert closed
    assert all(shut < 0.7 * wide for shut, wide in zip(closed.eyes, opened.eyes, strict=True))


def covered(image: Rgb) -> Iterator[Rgb]:
    """Yields the image with more and more of its left half grey."""
    for width in range(110, 200, 2):
        image = image.copy()
        image[:, :width] = 90
        yield image


def test_a_face_of_which_the_finder_is_not_sure_is_kept_where_there_was_one_before() -> None:
    clear = filmed(0.0, 0.0)[0]
    unsure = next(image for image in covered(clear) if not faces.find(image, SEARCH_PX))
    assert read(Frame(FIND_EVERY, unsure), None).face is None
    assert read(Frame(FIND_EVERY, unsure), read(Frame(0.0, clear), None)).face


def test_a_face_that_is_followed_badly_gets_another_anchor_when_it_is_found() -> None:
    first = read(Frame(0.0, filmed(0.0, 0.0)[0]), None)
    assert first.face
    noise = np.random.default_rng(1).normal(
        0, 0.6 * first.face.anchor.look.std(), first.face.anchor.look.shape
    )
    other = replace(first.face.anchor, look=(first.face.anchor.look + noise).astype(np.float32))
    before = replace(first, face=replace(first.face, anchor=other))
    followed, found = (
        read(Frame(time, filmed(0.0, 0.0)[0]), before).face for time in (0.1, FIND_EVERY)
    )
    assert followed
    assert found
    assert FOLLOWED <= followed.likeness < DRIFTED
    assert followed.anchor is other
    assert found.likeness == 1.0


def test_tiny_and_odd_frames_are_read_without_a_face() -> None:
    for shape in ((1, 1, 3), (16, 300, 3), (2, 2, 3)):
        assert read(Frame(0.0, np.zeros(shape, np.uint8)), None).face is None
