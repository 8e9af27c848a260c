"""Classic swap: the face decoded by a trained autoencoder, colour-matched and blended back in.

The networks are those of `unmask_lab.autoencoder`, trained on the bona fide faces that the detector
may learn from. There are several sizes, and snapshots from early and late in a training, so that
the detector learns the kind and not one network.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from unmask.types import Rgb
from unmask_lab.data import DataError
from unmask_lab.forge.face import FaceImage, Mask, blend, change_detail, match_colour
from unmask_lab.forge.hulls import face_mask
from unmask_lab.forge.other_face import poisson

if TYPE_CHECKING:
    from unmask_lab.autoencoder import Autoencoder, Linear

NETWORKS = "lab/out/autoencoders"
"""Folder of folders with trained networks and their snapshots.

The environment variable UNMASK_LAB_AUTOENCODERS names another.
"""


def autoencoder(target: FaceImage, donor: FaceImage, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """Decodes the target's face by a random decoder of a random network; the donor is not used."""
    from unmask_lab.autoencoder import decode_as

    nets = networks(Path(os.environ.get("UNMASK_LAB_AUTOENCODERS", NETWORKS)))
    net = nets[rng.integers(len(nets))]
    how = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]))
    return paste(target, decode_as(net, target, int(rng.integers(len(net.people))), how), rng)


def paste(target: FaceImage, layer: Rgb, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """Pastes a decoded face: mostly colour-matched, at times sharpened.

    It is blended softly or by Poisson cloning.
    """
    mask = face_mask(target, rng)
    if rng.random() < 0.7:
        layer = match_colour(layer, target.rgb, mask)
    if rng.random() < 0.3:
        layer = change_detail(layer, rng)
    if rng.random() < 0.15:
        return poisson(target.rgb, layer, mask)
    return blend(target.rgb, layer, mask), mask


@cache
def networks(folder: Path) -> tuple[Autoencoder | Linear, ...]:
    """Loads all networks in a folder's folders, in the order of their names.

    Raises:
        DataError: there are none.
    """
    from unmask_lab.autoencoder import load

    files = sorted(folder.glob("*/*.pt"))
    if not files:
        raise DataError(
            f"{folder}: no trained autoencoders; "
            "run unmask-lab autoencoder first, as the Makefile does"
        )
    return tuple(load(file) for file in files)
