"""Real scenes with faces from NASA's public-domain portrait that scikit-image carries.

Faces are changed as in the demo. The model was never trained on this person, but it was trained on
this kind of change. A scene is a list of rgb uint8 frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from examples.demo import swapped
from unmask.types import Rgb

FPS = 25


def portrait() -> Rgb:
    """Returns the portrait, uint8 ``(512, 512, 3)``; its face is 88 px wide, around (225, 120)."""
    return np.asarray(astronaut(), np.uint8)


@cache
def head(i: int, scale: float = 1.6) -> Rgb:
    """Returns the portrait's upper half, scaled, as one of two people.

    The second is mirrored, darker and less red.
    """
    person = cv2.resize(
        portrait()[:256, 90:358], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC
    )
    if i == 0:
        return person
    return np.clip(person[:, ::-1] * [0.72, 0.8, 0.9], 0, 255).astype(np.uint8)


@cache
def changed_head(i: int, scale: float = 1.6) -> Rgb:
    """Returns `head` with its face swapped."""
    return swapped(head(i, scale))


def two_people(
    seconds: float,
    changed: Callable[[int, float], bool] = lambda _person, _t: False,
    pace: float = 1.0,
    fps: int = FPS,
) -> Iterator[Rgb]:
    """Draws two people side by side, each swaying a little, ``fps`` pictures a second.

    ``changed(person, t)`` tells whose face is swapped, and when. At a ``pace`` of 1 they move by up
    to 10 px in a second.
    """
    h, w = head(0).shape[:2]
    empty = np.full(((h + 40) // 2 * 2, (2 * w + 60) // 2 * 2, 3), (96, 104, 112), np.uint8)
    for i in range(round(seconds * fps)):
        t = i / fps
        scene = empty.copy()
        for person in (0, 1):
            left = 20 + person * (w + 20)
            scene[20 : 20 + h, left : left + w] = cv2.warpAffine(
                changed_head(person) if changed(person, t) else head(person),
                np.array(
                    [
                        [1, 0, 5 * np.sin(2 * pace * t + person)],
                        [0, 1, 4 * np.cos(1.5 * pace * t + 2 * person)],
                    ]
                ),
                (w, h),
                borderMode=cv2.BORDER_REFLECT,
            )
        yield scene


def studio(
    person: int, t: float, width: int = 480, height: int = 360, changed: bool = False
) -> Rgb:
    """Draws one of three people, swaying, before the same wall, at ``t`` seconds.

    Hair, face and clothes distinguish them. The face of one who is ``changed`` is swapped.
    """
    picture, shape = _cut_out(person, changed)
    h, w = shape.shape
    at = np.array(
        [
            [1, 0, (width - w) / 2 + 6 * np.sin(2 * t + person)],
            [0, 1, height - h + 4 * np.cos(1.5 * t + person)],
        ]
    )
    laid, seen = (cv2.warpAffine(layer, at, (width, height)) for layer in (picture, shape))
    return cv2.blendLinear(laid, _wall(width, height), seen, 1 - seen).astype(np.uint8)


@cache
def _cut_out(person: int, changed: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns one of three heads, float32 ``(h, w, 3)``, and its soft mask, 0 to 1."""
    seen = changed_head if changed else head
    picture = seen(person % 2, 1.5 if person == 2 else 1.3).astype(np.float32)
    if person == 2:
        picture = np.clip(picture * [0.65, 0.55, 0.45] + [20, 20, 30], 0, 255).astype(np.float32)
    h, w = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    middle = 0.2 if person == 0 else -0.2
    shape = np.clip((1 - np.hypot((x - middle * 0.05) / 0.8, y / 0.97)) * 8, 0, 1)
    return picture, shape.astype(np.float32)


@cache
def _wall(width: int, height: int) -> NDArray[np.float32]:
    down, across = np.mgrid[0:height, 0:width]
    grey = 110 + 25 * np.sin(across / 130) + 12 * np.cos(down / 70)
    return (grey[..., None] * [0.92, 1.0, 1.08]).astype(np.float32)
