"""Real scenes with faces, filmed from NASA's public-domain portrait that scikit-image carries; changed as the demo does.

The person was never trained on, the kind of change was. A scene is a list of rgb uint8 frames.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from skimage.data import astronaut

from examples.demo import swapped
from unmask.types import Rgb

FPS = 25


def portrait() -> Rgb:
    """The portrait, uint8 ``(512, 512, 3)``; its face is 88 px wide, around (225, 120)."""
    return np.asarray(astronaut(), np.uint8)


def head(i: int, scale: float = 1.6) -> Rgb:
    """The portrait's upper half, scaled, as one of two people: the second is mirrored, darker and less red."""
    person = cv2.resize(portrait()[:256, 90:358], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    if i == 0:
        return person
    return np.clip(person[:, ::-1] * [0.72, 0.8, 0.9], 0, 255).astype(np.uint8)


def two_people(seconds: float, changed: Callable[[int, float], bool] = lambda _person, _t: False) -> list[Rgb]:
    """Two people side by side, each swaying a little; ``changed(person, t)`` says whose face is swapped, and when."""
    heads = [head(0), head(1)]
    h, w = heads[0].shape[:2]
    frames = []
    for i in range(round(seconds * FPS)):
        t = i / FPS
        scene = np.full((h + 40, 2 * w + 60, 3), (96, 104, 112), np.uint8)
        for person, picture in enumerate(heads):
            moved = cv2.warpAffine(
                picture,
                np.array([[1, 0, 5 * np.sin(2 * t + person)], [0, 1, 4 * np.cos(1.5 * t + 2 * person)]]),
                (w, h),
                borderMode=cv2.BORDER_REFLECT,
            )
            shown = swapped(moved) if changed(person, t) else moved
            scene[20 : 20 + h, 20 + person * (w + 20) : 20 + person * (w + 20) + w] = shown
        frames.append(scene[: scene.shape[0] // 2 * 2, : scene.shape[1] // 2 * 2])
    return frames
