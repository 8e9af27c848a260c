"""Forgery families: each makes a changed face from a bona fide one, and a mask of the change.

A family is a function in a file of its own, listed in `FAMILIES`. It is deterministic under its
random generator, and changes nothing outside the mask it returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.types import Rgb
from unmask_lab.forge.autoencoder import autoencoder
from unmask_lab.forge.face import FaceImage
from unmask_lab.forge.local_edit import local_edit
from unmask_lab.forge.other_face import other_face
from unmask_lab.forge.regenerate import regenerate
from unmask_lab.forge.self_blend import blended, self_blend, treated

Family = Callable[[FaceImage, FaceImage, np.random.Generator], tuple[Rgb, NDArray[np.float32]]]
"""Function ``(target, donor, rng) -> (forged rgb, mask)``.

The image is uint8 ``(h, w, 3)``, the mask float32 ``(h, w)``, 0 untouched to 1 fully replaced.
"""

FAMILIES: dict[str, Family] = {
    "self_blend": self_blend,
    "other_face": other_face,
    "regenerate": regenerate,
    "local_edit": local_edit,
    "autoencoder": autoencoder,
}


@dataclass(frozen=True, slots=True)
class Forged:
    """Changed face.

    It has the image, uint8 ``(h, w, 3)``, its true mask, float32 ``(h, w)``, and the family's name.
    """

    rgb: Rgb
    mask: NDArray[np.float32]
    family: str


def forge(family: str, target: FaceImage, donor: FaceImage, rng: np.random.Generator) -> Forged:
    """Makes one changed face of a family.

    `donor` is another person's face, which some families do not need.
    """
    rgb, mask = FAMILIES[family](target, donor, rng)
    return Forged(rgb, mask, family)


def forge_beside(
    family: str, target: FaceImage, donor: FaceImage, rng: np.random.Generator
) -> tuple[FaceImage, Forged]:
    """Makes a changed face, and returns the bona fide picture to train on beside it.

    Half of the self-blends are laid over a treated copy of the target, which then is the bona fide
    picture, so that a treatment alone never means a change (as in Shiohara and Yamasaki's
    implementation, 2022).
    """
    if family != "self_blend" or rng.random() < 0.5:
        return target, forge(family, target, donor, rng)
    base = FaceImage(treated(target.rgb, rng), target.points, target.mesh)
    rgb, mask = blended(base, target.rgb, rng)
    return base, Forged(rgb, mask, family)
