"""Face detection with CenterFace (Xu et al. 2020), in a whole image or near an earlier place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unmask import models
from unmask.faces import boxes
from unmask.types import Box, Face, Rgb

SEARCH_PX = 640
"""Longest side at which a whole frame is searched, px.

A 64 px face in a 1080p frame is still 21 px wide there.
"""

WINDOW_PX = 160
"""Side at which the window around a known face is searched, px."""


def find(rgb: Rgb, search_px: int = SEARCH_PX, confidence: float = 0.5) -> tuple[Face, ...]:
    """Finds all faces of an image, the largest first.

    Args:
        rgb: uint8 ``(h, w, 3)``.
        search_px: longest side at which the image is searched, px.
        confidence: the least confidence of a face, 0 to 1; CenterFace's authors use 0.5 for
            precision.
    """
    import cv2

    h, w = rgb.shape[:2]
    scale = min(1.0, search_px / max(h, w))
    small_w, small_h = max(32, round(w * scale / 32) * 32), max(32, round(h * scale / 32) * 32)
    small = cv2.resize(rgb, (small_w, small_h), interpolation=cv2.INTER_AREA)
    tensor = small.transpose(2, 0, 1)[None].astype(np.float32)
    heat, size, offset, marks = models.run_any_size(models.CENTERFACE, {"input.1": tensor})
    found = _decode(heat[0, 0], size[0], offset[0], marks[0], confidence)
    per_px = np.array([w / small_w, h / small_h], np.float32)
    faces = [
        Face(_box(box * np.tile(per_px, 2)), (points * per_px).astype(np.float32), float(score))
        for box, points, score in found
    ]
    return tuple(sorted(faces, key=lambda face: -boxes.width(face.box)))


def find_near(rgb: Rgb, box: Box) -> Face | None:
    """Finds the face that was in ``box`` a moment ago, in a window three times as wide.

    It is None if the face is gone.
    """
    (cx, cy), side = boxes.centre(box), 3.0 * max(boxes.width(box), box[3] - box[1])
    x0, y0 = max(0, int(cx - side / 2)), max(0, int(cy - side / 2))
    window = rgb[y0 : max(0, int(cy + side / 2)), x0 : max(0, int(cx + side / 2))]
    if min(window.shape[:2]) < 16:
        return None
    found = [_moved(face, x0, y0) for face in find(window, WINDOW_PX)]
    near = [face for face in found if boxes.distance(face.box, box) < 1.0]
    return min(near, key=lambda face: boxes.distance(face.box, box), default=None)


def _decode(
    heat: NDArray[np.float32],
    size: NDArray[np.float32],
    offset: NDArray[np.float32],
    marks: NDArray[np.float32],
    confidence: float,
) -> list[tuple[NDArray[np.float32], NDArray[np.float32], np.float32]]:
    """Decodes CenterFace's four maps (stride 4), with overlaps suppressed.

    The results are boxes ``(4,)``, points ``(5, 2)`` and scores.
    """
    import cv2

    rows, cols = np.nonzero(heat > confidence)
    if rows.size == 0:
        return []
    scores = heat[rows, cols]
    hw = np.exp(np.minimum(size[:, rows, cols], 8.0)) * 4
    centre = (np.stack([rows, cols]) + offset[:, rows, cols] + 0.5) * 4
    corner = centre - hw / 2
    points = marks[:, rows, cols].reshape(5, 2, -1) * hw + corner
    found = np.stack([corner[1], corner[0], corner[1] + hw[1], corner[0] + hw[0]], axis=1).astype(
        np.float32
    )
    as_xywh = np.column_stack([found[:, :2], found[:, 2:] - found[:, :2]])
    keep = cv2.dnn.NMSBoxes(as_xywh.tolist(), scores.tolist(), confidence, 0.3)
    return [(found[i], points[:, ::-1, i].astype(np.float32), scores[i]) for i in np.ravel(keep)]


def _box(values: NDArray[np.float32]) -> Box:
    x0, y0, x1, y1 = (float(v) for v in values)
    return x0, y0, x1, y1


def _moved(face: Face, dx: float, dy: float) -> Face:
    x0, y0, x1, y1 = face.box
    return Face(
        (x0 + dx, y0 + dy, x1 + dx, y1 + dy),
        face.points + np.array([dx, dy], np.float32),
        face.confidence,
    )
