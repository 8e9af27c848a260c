"""Short small films of one portrait before a swaying camera. Simulated: nobody speaks or turns."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.types import Rgb
from unmask_lab.benchmark.footage.versions import RATE

SECONDS = 2.0
EYES_PX = 72.0
"""Distance of the eyes, px, to which a larger face is reduced: it is then about 185 px wide."""

SWAY_PX = 7.0


def film(rgb: Rgb, points: NDArray[np.float32], rng: np.random.Generator) -> list[Rgb]:
    """Makes pictures of even sides, two for each that a clip will have.

    The speed and the direction of the camera's sway are random.

    Args:
        rgb: the portrait, uint8 ``(h, w, 3)``.
        points: of its face, ``(5, 2)`` px.
        rng: draws the same for the same seed, whatever the picture shows.
    """
    scale = min(1.0, EYES_PX / float(np.hypot(*(points[1] - points[0]))))
    h, w = (round(side * scale) // 2 * 2 for side in rgb.shape[:2])
    small = cv2.resize(rgb, (w, h), interpolation=cv2.INTER_AREA)
    pace, phase = float(rng.uniform(2, 12)), rng.uniform(0, 2 * np.pi, 3)
    noise = rng.normal(0, 2, (h + 16, w + 16, 3)).astype(np.float32)
    pictures = []
    for i in range(round(2 * RATE * SECONDS)):
        t = pace * i / (2 * RATE)
        move = cv2.getRotationMatrix2D(
            (w / 2, h / 2), 2 * np.sin(0.7 * t + phase[0]), 1 + 0.04 * np.sin(t + phase[1])
        )
        move[:, 2] += SWAY_PX * np.sin(1.3 * t + phase[2]), SWAY_PX / 2 * np.cos(t + phase[0])
        moved = cv2.warpAffine(small, move, (w, h), borderMode=cv2.BORDER_REFLECT_101)
        x, y = rng.integers(0, 16, 2)
        pictures.append(np.clip(moved + noise[y : y + h, x : x + w], 0, 255).astype(np.uint8))
    return pictures
