"""Detection of lettering, such as subtitles, which covers a face and does not change it."""

from __future__ import annotations

import numpy as np

from unmask.originals.comparison.noise import Mask, Plane


def find_lettering(residual: Plane, expected: Plane, seen: Mask, faces: Mask, heads: Mask) -> Mask:
    """Finds lines of letters that continue beyond a face, such as subtitles and banners.

    They are searched for outside the faces, where a changed face cannot be mistaken for them, and
    then followed across heads.
    """
    import cv2

    height, width = residual.shape
    hot = ((residual > np.maximum(300.0, 25 * expected)) & seen & ~faces).astype(np.uint8)
    joined = cv2.morphologyEx(hot, cv2.MORPH_CLOSE, np.ones((3, max(5, width // 24)), np.uint8))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(joined)
    found = np.zeros(residual.shape, np.bool_)
    for x, y, across, down, area in boxes[1:count]:
        if across >= 1.5 * down and 4 <= down < 0.2 * height and area > 0.4 * across * down:
            found[max(0, y - 3) : y + down + 3, max(0, x - 4) : x + across + 4] = True
    return found | _followed(found, faces, heads)


def _followed(lettering: Mask, faces: Mask, heads: Mask, halo: int = 3) -> Mask:
    """Returns the parts of the heads in the rows of lettering that touches a face.

    The rows that its compression affects are included.
    """
    import cv2

    touching = (
        cv2.dilate(faces.astype(np.uint8), np.ones((3, 31), np.uint8)).astype(np.bool_) & lettering
    )
    rows = np.asarray(touching.any(axis=1))
    about = np.convolve(rows, np.ones(2 * halo + 1), "same") > 0
    return np.asarray((faces & rows[:, None]) | (heads & ~faces & about[:, None]))
