"""Warps a donor's face onto a target's by their features.

Swaps that keep the target's expression do this.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator

from unmask.faces import similarity
from unmask.types import Rgb
from unmask_lab.forge.face import FaceImage, moved

GRID = 64
"""Number of points a side at which the warp is interpolated between the mesh's.

This is finer than the mesh on a face that fills the picture.
"""

FADE = 1.35
"""Distance from the face's middle at which the warp has faded to zero, in those of its outline."""


def laid_over(donor: FaceImage, target: FaceImage) -> Rgb:
    """Warps the donor's image, uint8, so that each point of its mesh meets the target's.

    The result has the target's size. Where one of the meshes is unknown, only a similarity
    transform of the five points is used.
    """
    h, w = target.rgb.shape[:2]
    if donor.mesh is None or target.mesh is None:
        back, bend = similarity(target.points, donor.points), np.zeros((h, w, 2), np.float32)
    else:
        back = similarity(target.mesh, donor.mesh)
        bend = _bend(target.mesh, donor.mesh - moved(target.mesh, back), (h, w))
    y, x = np.mgrid[:h, :w].astype(np.float32)
    at = (
        np.stack([x, y], 2) @ back[:, :2].T.astype(np.float32)
        + back[:, 2].astype(np.float32)
        + bend
    )
    return np.asarray(
        cv2.remap(
            donor.rgb, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        ),
        np.uint8,
    )


def _bend(
    mesh: NDArray[np.float32], by: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Interpolates displacements at the mesh, ``(468, 2)`` px, over the picture, ``(h, w, 2)``.

    They are zero far from the face.
    """
    h, w = shape
    middle = mesh.mean(axis=0)
    round_it = middle + FADE * (cv2.convexHull(mesh)[:, 0] - middle)
    far = np.array([[-w, -h], [2 * w, -h], [-w, 2 * h], [2 * w, 2 * h]], np.float32)
    still = np.concatenate([round_it, far])
    known = LinearNDInterpolator(
        np.concatenate([mesh, still]), np.concatenate([by, np.zeros_like(still)])
    )
    x, y = np.meshgrid(np.linspace(0, w - 1, GRID), np.linspace(0, h - 1, GRID))
    return np.asarray(
        cv2.resize(known(x, y).astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR),
        np.float32,
    )
