"""Changes eyes, mouth, nose or lower face alone, as lip-sync and retouching tools do.

The part is replaced by another person's, or reshaped.
"""

from __future__ import annotations

import numpy as np

from unmask.types import Rgb
from unmask_lab.forge.face import (
    PARTS,
    FaceImage,
    Mask,
    blend,
    change_detail,
    displaced,
    elastic,
    match_colour,
    random_mask,
)
from unmask_lab.forge.laid_over import laid_over
from unmask_lab.forge.other_face import poisson


def local_edit(target: FaceImage, donor: FaceImage, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """Changes one part of the face; see the module."""
    mask = random_mask(target, PARTS, rng)
    if rng.random() < 0.6:
        layer = match_colour(laid_over(donor, target), target.rgb, mask)
    else:
        h, w = target.rgb.shape[:2]
        field = elastic(
            (h, w), target.eyes_apart * rng.uniform(0.03, 0.08), target.eyes_apart * 0.5, rng
        )
        layer = displaced(target.rgb, field)
    layer = change_detail(layer, rng)
    if rng.random() < 0.15:
        return poisson(target.rgb, layer, mask)
    return blend(target.rgb, layer, mask), mask
