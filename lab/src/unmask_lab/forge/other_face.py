"""Another person's face laid over by features, its colours matched, blended softly or by Poisson.

Poisson cloning: Perez, Gangnet and Blake, "Poisson Image Editing", 2003. Choosing the seam's blend
at random follows the swaps that Face X-ray (Li et al. 2020) trains on.
"""

from __future__ import annotations

import cv2
import numpy as np

from unmask.types import Rgb
from unmask_lab.forge.face import FaceImage, Mask, blend, change_detail, match_colour
from unmask_lab.forge.hulls import face_mask
from unmask_lab.forge.laid_over import laid_over


def other_face(target: FaceImage, donor: FaceImage, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """Puts the donor's face on the target's head; see the module."""
    layer = laid_over(donor, target)
    mask = face_mask(target, rng)
    if rng.random() < 0.85:
        layer = match_colour(layer, target.rgb, mask)
    layer = change_detail(layer, rng)
    if rng.random() < 0.2:
        return poisson(target.rgb, layer, mask)
    return blend(target.rgb, layer, mask), mask


def poisson(base: Rgb, layer: Rgb, mask: Mask) -> tuple[Rgb, Mask]:
    """Clones the layer's gradients inside the mask, with the base's colours on its edge.

    The returned mask has a hard edge.
    """
    hard = (mask > 0.5).astype(np.uint8)
    hard[:2], hard[-2:], hard[:, :2], hard[:, -2:] = 0, 0, 0, 0
    if hard.sum() < 64:
        return blend(base, layer, mask), mask
    x, y, w, h = cv2.boundingRect(hard)
    cloned = cv2.seamlessClone(layer, base, hard * 255, (x + w // 2, y + h // 2), cv2.NORMAL_CLONE)
    return np.where(hard[..., None] > 0, cloned, base), hard.astype(np.float32)
