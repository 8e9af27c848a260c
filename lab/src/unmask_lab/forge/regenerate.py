"""Face regenerated at a low resolution and pasted back.

One-shot swappers (128 px faces) and autoencoders (64 px) do this. No generator is trained here:
only the traces of such generators are imitated. The aligned face goes through a small size and a
smoothing, is mixed with another person's, sharpened or not, brought back, colour-matched and
blended in.
"""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike

from unmask.faces import TEMPLATE, similarity
from unmask.types import Rgb
from unmask_lab.forge.face import FaceImage, Mask, blend, displaced, elastic, match_colour
from unmask_lab.forge.hulls import face_mask
from unmask_lab.forge.laid_over import laid_over

SIDES = (48, 64, 80, 96, 128, 160)
"""Sides at which the face is regenerated, px, for a crop as wide as the runtime's."""


def regenerate(target: FaceImage, donor: FaceImage, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """Regenerates the face as a small generator would; see the module."""
    h, w = target.rgb.shape[:2]
    side = int(rng.choice(SIDES))
    matrix = similarity(target.points, TEMPLATE * np.float32(side / 192))
    face = np.asarray(
        cv2.warpAffine(
            target.rgb,
            matrix,
            (side, side),
            flags=cv2.INTER_AREA,
            borderMode=cv2.BORDER_REFLECT_101,
        ),
        np.uint8,
    )
    if rng.random() < 0.6:
        other = np.asarray(
            cv2.warpAffine(
                laid_over(donor, target),
                matrix,
                (side, side),
                flags=cv2.INTER_AREA,
                borderMode=cv2.BORDER_REFLECT_101,
            ),
            np.uint8,
        )
        face = np.asarray(
            cv2.addWeighted(
                face,
                1 - (share := float(rng.uniform(0.2, 0.9))),
                match_colour(other, face, _oval(side)),
                share,
                0,
            ),
            np.uint8,
        )
    face = displaced(face, elastic((side, side), side * 0.008, side / 5, rng))
    face = _smooth(face, rng)
    back = np.asarray(
        cv2.warpAffine(
            face,
            cv2.invertAffineTransform(matrix),
            (w, h),
            flags=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC])),
            borderMode=cv2.BORDER_REFLECT_101,
        ),
        np.uint8,
    )
    mask = face_mask(target, rng)
    if rng.random() < 0.7:
        back = match_colour(back, target.rgb, mask)
    return blend(target.rgb, back, mask), mask


def _smooth(face: Rgb, rng: np.random.Generator) -> Rgb:
    smooth: MatLike = face
    how = rng.integers(4)
    if how == 0:
        smooth = cv2.bilateralFilter(smooth, 5, float(rng.uniform(10, 40)), 2.0)
    elif how == 1:
        smooth = cv2.medianBlur(smooth, 3)
    elif how == 2:
        smooth = cv2.GaussianBlur(smooth, (0, 0), float(rng.uniform(0.4, 0.9)))
    if rng.random() < 0.4:
        smooth = cv2.addWeighted(smooth, 1.6, cv2.GaussianBlur(smooth, (0, 0), 1.0), -0.6, 0)
    return np.asarray(smooth, np.uint8)


def _oval(side: int) -> Mask:
    mask = np.zeros((side, side), np.float32)
    cv2.ellipse(
        mask, (side // 2, side * 6 // 10), (side * 3 // 10, side * 4 // 10), 0, 0, 360, 1.0, -1
    )
    return mask
