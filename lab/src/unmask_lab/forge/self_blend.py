"""Self-blending: two differently treated copies of one face, blended through a face-shaped mask.

After the idea of Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022: what is left of a
swap when identity is taken away are a seam and two statistics that do not match.
"""

from __future__ import annotations

import cv2
import numpy as np

from unmask.types import Rgb
from unmask_lab.forge.face import (
    PARTS,
    WHOLE_FACES,
    FaceImage,
    Mask,
    blend,
    change_detail,
    displaced,
    elastic,
    random_mask,
    shift_colour,
)

OPACITY = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)


def self_blend(target: FaceImage, donor: FaceImage, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """The face blended with itself; see the module."""
    h, w = target.rgb.shape[:2]
    base, layer = target.rgb, change_detail(shift_colour(target.rgb, rng), rng)
    if rng.random() < 0.3:
        base, layer = layer, base
    scale, (dx, dy) = rng.uniform(0.95, 1.05), rng.uniform(-0.03, 0.03, 2) * min(h, w)
    cx, cy = (float(c) for c in target.points.mean(axis=0))
    matrix = cv2.getRotationMatrix2D((cx, cy), float(rng.normal(0, 1.0)), float(scale))
    matrix[:, 2] += dx, dy
    smooth = target.eyes_apart * rng.uniform(0.4, 1.0)
    layer = displaced(layer, elastic((h, w), target.eyes_apart * 0.015, smooth, rng), matrix)
    shapes = WHOLE_FACES if rng.random() < 0.8 else PARTS
    mask = random_mask(target, shapes, rng) * OPACITY[rng.integers(len(OPACITY))]
    return blend(base, layer, mask), mask
