"""Measurements of the quality of one face, which limits how well it can be judged.

They are size, detail, sharpness, turn, coding blocks and double pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unmask.faces import boxes
from unmask.faces.spectrum import Grey, detail_end, echo
from unmask.types import Box, Face, Quality, Rgb

FACE_PX = 182.0
"""Width, px, of a face whose detail ends at one cycle per px of the aligned crop.

About half of the faces that were shrunk to 64 px and enlarged again end below 0.35.
"""

CORNER_PX = 96
"""Side of the corners of the crop, px, that show what is around the face."""


def measure(rgb: Rgb, face: Face, crop: Rgb) -> Quality:
    """Measures how well the face can be judged; see `Quality` for units."""
    import cv2

    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    inner = grey[32:-32, 32:-32]
    sharpness = float(cv2.Laplacian(inner, cv2.CV_32F).var()) / max(float(inner.var()), 25.0)
    width = boxes.width(face.box)
    detail = min(width, FACE_PX * end) if (end := _detail_end(grey)) < 0.5 else width
    return Quality(
        width,
        sharpness,
        _yaw(face.points),
        _blockiness(rgb, face.box),
        detail,
        echo(grey[16:-16, 16:-16]),
    )


def _detail_end(grey: Grey) -> float:
    """Measures where the detail ends, see `detail_end`, in the crop or in its corners.

    The higher value counts. An enlarged picture is coarse everywhere. A face that is coarser than
    what is around it was not enlarged with the picture: a swap looks like that, and must be judged.
    """
    if (whole := detail_end(grey)) >= 0.5:
        return whole
    far = len(grey) - CORNER_PX
    corners = [grey[y : y + CORNER_PX, x : x + CORNER_PX] for y in (0, far) for x in (0, far)]
    return max(whole, float(np.median([detail_end(corner) for corner in corners])))


def _yaw(points: NDArray[np.float32]) -> float:
    """Measures the turn by the nose's position along the line between the eyes.

    The middle is frontal (0), an eye or beyond is profile (1).
    """
    right, left, nose = points[0], points[1], points[2]
    across = left - right
    along = float((nose - right) @ across) / max(float(across @ across), 1e-6)
    return min(1.0, abs(2 * along - 1))


def _blockiness(rgb: Rgb, box: Box) -> float:
    """Measures steps across the 8 px coding grid over steps elsewhere; 1 if no grid shows.

    The method is after Wang, Sheikh and Bovik 2002.
    """
    x0, y0 = max(0, int(box[0])) // 8 * 8, max(0, int(box[1])) // 8 * 8
    luma = rgb[y0 : max(0, int(box[3])), x0 : max(0, int(box[2])), 1].astype(np.float32)
    if min(luma.shape) < 24:
        return 1.0
    ratios = []
    for axis in (0, 1):
        steps = np.abs(np.diff(luma, axis=axis)).mean(axis=1 - axis)
        on_grid = np.arange(1, steps.size + 1) % 8 == 0
        ratios.append((steps[on_grid].mean() + 0.1) / (steps[~on_grid].mean() + 0.1))
    return float(np.mean(ratios))
