"""Masks of a face from its mesh: convex hulls of landmarks, warped, softened, some eroded.

The public implementation of self-blended images uses hulls of dense landmarks instead of the mean
face's outline, and warps the mask while the face is not warped (Shiohara and Yamasaki 2022, after
Li et al. 2020, "Face X-ray").
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask_lab.forge.face import WHOLE_FACES, FaceImage, Mask, elastic, random_mask

# Indices into MediaPipe's face mesh, see its canonical face model.
JAW = (
    356,
    454,
    323,
    361,
    288,
    397,
    365,
    379,
    378,
    400,
    377,
    152,
    148,
    176,
    149,
    150,
    136,
    172,
    58,
    132,
    93,
    234,
    127,
)
OVAL = (*JAW, 162, 21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251, 389)
RIGHT_BROW, LEFT_BROW = (70, 63, 105, 66, 107), (336, 296, 334, 293, 300)
RIGHT_EYE, LEFT_EYE = (33, 145, 133, 159, 116, 117, 118, 6), (263, 374, 362, 386, 345, 346, 347, 6)
NOSE = (168, 6, 5, 4, 1, 2, 98, 327, 129, 358, 50, 280)
MOUTH = (61, 84, 17, 314, 291, 270, 0, 40, 2)
CHIN = (152, 148, 377)
CHEEKS = (58, 288, 132, 361, 50, 280)

WHOLE: tuple[Sequence[Sequence[int]], ...] = (
    (OVAL,),
    ((*JAW, *RIGHT_BROW, *LEFT_BROW),),
    ((*RIGHT_BROW, *LEFT_BROW, *MOUTH, *CHEEKS),),
    ((*RIGHT_EYE, *RIGHT_BROW), (*LEFT_EYE, *LEFT_BROW), NOSE, MOUTH),
    ((*RIGHT_EYE, *RIGHT_BROW), (*LEFT_EYE, *LEFT_BROW), NOSE, (*MOUTH, *CHIN)),
    ((*JAW, 50, 280, 4),),
)
"""Shapes that replace a whole face, each one or more hulls."""

WARP, SMOOTH = 0.12, 0.7
"""Strength of the mask's warp and length over which it varies, in distances between the eyes."""

LEAST_SOFT, MOST_SOFT = 2 / 110, 13 / 110
"""Bounds of the half width of each of the two blurs, in distances between the eyes."""


def face_mask(face: FaceImage, rng: np.random.Generator) -> Mask:
    """Draws a soft mask of a whole face, float32 ``(h, w)``, 0 to 1.

    It comes from the mesh, or from the points where the mesh is unknown.
    """
    if face.mesh is None:
        return random_mask(face, WHOLE_FACES, rng)
    h, w = face.rgb.shape[:2]
    return hull_mask(face.mesh, (h, w), rng)


def hull_mask(mesh: NDArray[np.float32], size: tuple[int, int], rng: np.random.Generator) -> Mask:
    """Draws a soft mask of one of the shapes `WHOLE`.

    Args:
        mesh: float32 ``(468, 2)`` px.
        size: height and width of the mask, px.

    Returns:
        float32 ``(h, w)``, 0 to 1, the highest value being 1 wherever the face lies in the picture.
    """
    eyes_apart = max(8.0, float(np.hypot(*(mesh[33] - mesh[263]))))
    mask = np.zeros(size, np.float32)
    for part in WHOLE[rng.integers(len(WHOLE))]:
        cv2.fillConvexPoly(mask, cv2.convexHull(np.round(mesh[list(part)]).astype(np.int32)), 1.0)
    return _softened(_warped(mask, eyes_apart, rng), eyes_apart, rng)


def _warped(mask: Mask, eyes_apart: float, rng: np.random.Generator) -> Mask:
    h, w = mask.shape
    field = elastic((h, w), WARP / 2 * eyes_apart, SMOOTH * eyes_apart, rng)
    x, y = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
    return np.asarray(
        cv2.remap(mask, x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR), np.float32
    )


def _softened(mask: Mask, eyes_apart: float, rng: np.random.Generator) -> Mask:
    """Blurs the mask, erodes its edge in three of five cases, and blurs it again."""
    mask = _blurred(mask, eyes_apart, rng)
    if rng.random() < 0.6:
        mask = np.where(mask < (0.98 if rng.random() < 0.5 else 0.5), 0, mask)
    mask = _blurred(mask, eyes_apart, rng)
    return mask / max(float(mask.max()), 1e-3)


def _blurred(mask: Mask, eyes_apart: float, rng: np.random.Generator) -> Mask:
    w, h = (2 * int(eyes_apart * rng.uniform(LEAST_SOFT, MOST_SOFT)) + 1 for _ in range(2))
    return np.asarray(cv2.GaussianBlur(mask, (w, h), 0), np.float32)
