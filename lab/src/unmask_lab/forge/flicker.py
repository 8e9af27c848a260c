"""Changed faces over the frames of a clip: steady, or with the jitter of frame-wise swappers.

A swapper that knows one frame at a time finds, crops, generates and blends anew in each, and all of
that varies a little from frame to frame: the position of the face, its brightness and sharpness,
the position of its seam. The amounts are our own.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.types import Rgb
from unmask_lab.forge import Family
from unmask_lab.forge.face import FaceImage, Mask, blend, shift_colour

Change = Callable[[FaceImage, int], tuple[Rgb, Mask]]
"""Function ``(target, number of the frame) -> (changed rgb, mask)``.

The image is uint8 ``(h, w, 3)``, the mask float32 ``(h, w)``; nothing outside the mask changes.
"""


def steady(family: Family, donor: FaceImage, seed: int) -> Change:
    """Makes a change with the same random choices in every frame.

    This holds as long as target and donor keep their sizes.
    """
    return lambda target, _number: family(target, donor, np.random.default_rng(seed))


def flickering(change: Change, seed: int, strength: float = 1.0) -> Change:
    """Makes a change whose result jitters from frame to frame.

    Frame ``i`` depends on the seed and ``i`` alone.

    Args:
        strength: 0 leaves the result as it is; at 1 the face moves by about 1 % of an eye distance,
            and its brightness by 4 %.
    """

    def jittered(target: FaceImage, number: int) -> tuple[Rgb, Mask]:
        rgb, mask = change(target, number)
        return jitter(target, rgb, mask, np.random.default_rng((seed, number)), strength)

    return jittered if strength else change


def jitter(
    target: FaceImage, changed: Rgb, mask: Mask, rng: np.random.Generator, strength: float = 1.0
) -> tuple[Rgb, Mask]:
    """Moves, recolours and blurs the changed face, uint8 ``(h, w, 3)``, a little.

    Its mask, float32 ``(h, w)``, moves, too.
    """
    size = (mask.shape[1], mask.shape[0])
    layer = np.asarray(
        cv2.warpAffine(
            changed, _move(target, rng, 0.01 * strength), size, borderMode=cv2.BORDER_REFLECT_101
        ),
        np.uint8,
    )
    layer = shift_colour(layer, rng, 0.4 * strength)
    blur = abs(rng.normal(0, 0.015 * strength * target.eyes_apart))
    if blur > 0.2:
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), blur), np.uint8)
    moved = np.asarray(cv2.warpAffine(mask, _move(target, rng, 0.02 * strength), size), np.float32)
    return blend(target.rgb, layer, moved), moved


def _move(face: FaceImage, rng: np.random.Generator, amount: float) -> NDArray[np.float64]:
    """Draws a small move about the face's middle.

    It shifts by about ``amount`` eye distances each way, and turns (radians) and grows by as much.
    """
    x, y = (float(v) for v in face.points.mean(axis=0))
    matrix = np.asarray(
        cv2.getRotationMatrix2D(
            (x, y), float(np.degrees(rng.normal(0, amount))), float(np.exp(rng.normal(0, amount)))
        ),
        np.float64,
    )
    matrix[:, 2] += rng.normal(0, amount * face.eyes_apart, 2)
    return matrix
