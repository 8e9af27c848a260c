"""Reading of one camera frame: where the face is, and its light over a grid.

The frame itself need not be kept. Detection is expensive, so a face is detected once a second and
followed in between: four windows of its look at detection, the anchor, are searched for, and their
shifts tell how the face moved, turned and grew. So the cells lie on the same skin from frame to
frame, far more exactly than by detection. Looks are compared as logarithms less their blur, which
screen light, room light and exposure leave unchanged.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unmask import faces
from unmask.types import Box, Face, Frame, Rgb

if TYPE_CHECKING:
    from cv2.typing import MatLike

GRID = 16
"""Cells along each side of the aligned face; one is 0.225 distances between the eyes wide."""

FIND_EVERY = 1.0
"""Seconds after which the face is detected again; in between it is followed."""

SEARCH_PX = 128
"""Longest side at which a frame is searched, px.

A face that is large enough, see `verification`, is still 25 px wide there.
"""

SEARCH_AGAIN = 0.3
"""Seconds between searches while there is no face."""

SURE, LEAST_SURE = 0.5, 0.2
"""Confidence of a face, 0 to 1; see `unmask.faces.find`.

The lower one is enough where there was a face a moment ago.
"""

SAME_FACE = 1.5
"""Most that a face may move between frames, as the mean of its points.

The unit is the distance between the eyes.
"""

SIDE = 96
"""Side of the aligned face that is measured, px."""

LOOK = 48
"""Side of the look by which a face is followed, px."""

WINDOW, REACH = 16, 6
"""Side of each window of a look, and most that each may move per frame, px of the look."""

FOLLOWED = 0.7
"""Least median correlation of the four windows with the anchor's.

Below it, the face is detected again.
"""

DRIFTED = 0.85
"""The same correlation, below which a face that is detected anyway gets its new look as anchor.

It has turned, or was followed wrongly while it did. A head that holds still keeps 0.87 (simulated).
"""

SAME_PLACE = 0.3
"""Most that detected points may be off those followed, as a mean, in distances between the eyes."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceAnchor:
    """Reference look of a face, from a frame in which it was detected.

    Attributes:
        time: seconds.
        look: float32 ``(LOOK, LOOK)``, see the module.
        edges: share of its light by which each cell would change if the face were followed wrongly
            by one distance between the eyes, to the right and downwards, float32 ``(2, GRID,
            GRID)``.
    """

    time: float
    look: NDArray[np.float32]
    edges: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """The face of one frame.

    Attributes:
        box: px in the frame.
        points: float32 ``(5, 2)`` px, as in `unmask.types.Face`.
        found_at: seconds of the frame in which it was last detected; since then it was followed.
        anchor: what it is followed by; another one where it jumped.
        likeness: median correlation with the anchor, -1 to 1.
        yaw: of the head when it was last detected: the nose tip's place between the eyes, 0 in the
            middle, -1 at the eye that is left in the image, 1 at the other.
        size: when it was last detected, px: geometric mean of the box's width and of the five
            points' root mean squared distance from their middle. Turning enlarges neither much; the
            detector errs in each, seldom in both.
        cells: mean linear light over the cells of the aligned face, as `unmask.faces.align` cuts
            it, float32 ``(GRID, GRID, 3)``, 0 to 1.
        clipped: share of the face's pixels with a channel at its upper end, 0 to 1.
        eyes: contrast along the rows of each eye, person's right first: iris against white. Mean
            step of the logarithm of light from one pixel of the aligned face to the next; it falls
            when the eye closes, as lids and lashes run along the rows.
    """

    box: Box
    points: NDArray[np.float32]
    found_at: float
    anchor: FaceAnchor
    likeness: float
    yaw: float
    size: float
    cells: NDArray[np.float32]
    clipped: float
    eyes: tuple[float, float]


@dataclass(frozen=True, slots=True)
class FrameReading:
    """Reading of one frame.

    Attributes:
        time: seconds of the client's clock.
        face: the largest one, None where there is none.
        searched: seconds of the last frame that was searched for a face.
    """

    time: float
    face: SeenFace | None
    searched: float


def read(frame: Frame, before: FrameReading | None, find_every: float = FIND_EVERY) -> FrameReading:
    """Measures one frame.

    Args:
        frame: an upright camera frame that is not mirrored, about 320 x 240; ``time`` of the
            client's clock, s.
        before: the reading of the frame before, None for the first.
        find_every: seconds after which the face is detected again; `movement.FIND_EVERY` for a
            movement challenge.
    """
    last = before.face if before else None
    if last is None and before and 0 <= frame.time - before.searched < SEARCH_AGAIN:
        return FrameReading(frame.time, None, before.searched)
    place = _follow(frame.rgb, last) if last else None
    if place and last and before and 0 <= frame.time - last.found_at < find_every:
        return FrameReading(
            frame.time,
            _measured(frame.rgb, place, last.found_at, last.yaw, last.size),
            before.searched,
        )
    found = _found(frame.rgb, last)
    if found is None:
        return FrameReading(frame.time, None, frame.time)
    if place is None or place.likeness < DRIFTED or _apart(found.points, place.points) > SAME_PLACE:
        place = _Place(found.box, found.points, _anchor(frame, found.points), 1.0)
    seen = _measured(frame.rgb, place, frame.time, _yaw(found.points), _size(found))
    return FrameReading(frame.time, seen, frame.time)


def _found(rgb: Rgb, last: SeenFace | None) -> Face | None:
    """Detects the largest sure face, or else the surest near the face of the frame before.

    The detector is not sure of turned heads.
    """
    found = faces.find(rgb, SEARCH_PX, LEAST_SURE)
    near = [face for face in found if last and _apart(face.points, last.points) < SAME_FACE]
    sure = [face for face in found if face.confidence >= SURE]
    return sure[0] if sure else max(near, key=lambda face: face.confidence, default=None)


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Place of a face; see `SeenFace`."""

    box: Box
    points: NDArray[np.float32]
    anchor: FaceAnchor
    likeness: float


def _follow(rgb: Rgb, last: SeenFace) -> _Place | None:
    """Follows the face; None if it does not look like its anchor any more."""
    import cv2

    now = _look(_upright(rgb, last.points))
    shifts, likenesses = [], []
    for y, x in _windows():
        sought = last.anchor.look[y : y + WINDOW, x : x + WINDOW]
        field = now[y - REACH : y + WINDOW + REACH, x - REACH : x + WINDOW + REACH]
        alike = cv2.matchTemplate(field, sought, cv2.TM_CCOEFF_NORMED)
        _, best, _, (column, row) = cv2.minMaxLoc(alike)
        shifts.append(
            (
                column + _summit(alike[row], column) - REACH,
                row + _summit(alike[:, column], row) - REACH,
            )
        )
        likenesses.append(best)
    likeness = statistics.median(likenesses)
    if likeness < FOLLOWED:
        return None
    middles = np.array([(x, y) for y, x in _windows()], np.float32) + np.float32((WINDOW - 1) / 2)
    back = faces.similarity(
        (middles + np.array(shifts, np.float32)) * (SIDE / LOOK), middles * (SIDE / LOOK)
    )
    to_face = faces.similarity(last.points, _template())
    whole = np.vstack([back, [0, 0, 1]]) @ np.vstack([to_face, [0, 0, 1]])
    moved = np.linalg.solve(whole, np.vstack([to_face, [0, 0, 1]]))[:2]
    points = (last.points @ moved[:, :2].T + moved[:, 2]).astype(np.float32)
    x0, y0, x1, y1 = (
        (np.array(last.box).reshape(2, 2) @ moved[:, :2].T + moved[:, 2]).ravel().tolist()
    )
    return _Place((x0, y0, x1, y1), points, last.anchor, likeness)


@cache
def _windows() -> tuple[tuple[int, int], ...]:
    """Returns top and left of a look's four windows, around the eyes and the mouth's corners."""
    return tuple(product((9, 25), (8, 24)))


def _summit(values: MatLike, at: int) -> float:
    """Returns the summit, -0.5 to 0.5, of the parabola through the highest value and neighbours."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, highest, after = (float(value) for value in values[at - 1 : at + 2])
    bend = before - 2 * highest + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


def _measured(rgb: Rgb, place: _Place, found_at: float, yaw: float, size: float) -> SeenFace:
    face = _upright(rgb, place.points)
    inner = face[SIDE // 6 : -SIDE // 6, SIDE // 6 : -SIDE // 6]
    clipped = float((inner.max(axis=2) >= 253).mean())
    return SeenFace(
        place.box,
        place.points,
        found_at,
        place.anchor,
        place.likeness,
        yaw,
        size,
        _cells(face),
        clipped,
        _eyes(face),
    )


def _cells(face: Rgb) -> NDArray[np.float32]:
    """Computes `SeenFace.cells`."""
    import cv2

    return np.asarray(
        cv2.resize(cv2.LUT(face, _linear()), (GRID, GRID), interpolation=cv2.INTER_AREA)
    )


def _anchor(frame: Frame, points: NDArray[np.float32], step: float = 0.02) -> FaceAnchor:
    """Makes the anchor of a face; ``step`` in distances between the eyes."""
    apart = np.float32(step * max(float(np.hypot(*(points[1] - points[0]))), 1.0))
    edges = []
    for shift in np.array([[apart, 0], [0, apart]], np.float32):
        before, after = (
            _cells(_upright(frame.rgb, points + to)).mean(axis=2) for to in (-shift, shift)
        )
        edges.append((after - before) / (after + before + 2e-3) / step)
    return FaceAnchor(frame.time, _look(_upright(frame.rgb, points)), np.stack(edges))


def _eyes(face: Rgb) -> tuple[float, float]:
    """Computes `SeenFace.eyes`."""
    width, height = round(0.17 * SIDE / 3.6), round(0.13 * SIDE / 3.6)
    light = np.log(face[..., 1].astype(np.float32) + 4)
    contrasts = []
    for x, y in _template()[:2].round().astype(int):
        eye = light[y - height : y + height + 1, x - width : x + width + 1]
        contrasts.append(float(np.abs(np.diff(eye, axis=1)).mean()))
    return contrasts[0], contrasts[1]


def _upright(rgb: Rgb, points: NDArray[np.float32]) -> Rgb:
    """Returns the aligned face, uint8 ``(SIDE, SIDE, 3)``.

    It is coarser than `unmask.faces.align` and does not preserve texture.
    """
    import cv2

    matrix = faces.similarity(points, _template())
    return np.asarray(
        cv2.warpAffine(rgb, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _look(face: Rgb) -> NDArray[np.float32]:
    """Computes the look, see the module, float32 ``(LOOK, LOOK)``."""
    import cv2

    small = cv2.resize(
        cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), (LOOK, LOOK), interpolation=cv2.INTER_AREA
    )
    light = np.log(small.astype(np.float32) + 8)
    return np.asarray(light - cv2.GaussianBlur(light, (0, 0), LOOK / 12))


@cache
def _template() -> NDArray[np.float32]:
    """Returns `unmask.faces.TEMPLATE` for a face of `SIDE` px."""
    scale = SIDE / faces.CROP_PX
    return np.asarray((faces.TEMPLATE + 0.5) * scale - 0.5, np.float32)


@cache
def _linear() -> NDArray[np.float32]:
    """Returns the linear light, 0 to 1, of each sRGB value (IEC 61966-2-1)."""
    value = np.arange(256) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def _yaw(points: NDArray[np.float32]) -> float:
    """Computes `SeenFace.yaw`."""
    across = points[1] - points[0]
    along = float((points[2] - points[0]) @ across) / max(float(across @ across), 1e-6)
    return float(np.clip(2 * along - 1, -1, 1))


def _size(face: Face) -> float:
    """Computes `SeenFace.size`."""
    spread = ((face.points - face.points.mean(axis=0)) ** 2).sum(axis=1).mean() ** 0.5
    return float(((face.box[2] - face.box[0]) * spread) ** 0.5)


def _apart(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Computes the mean distance of points, in distances between the eyes."""
    eyes = max(float(np.hypot(*(b[1] - b[0]))), 1.0)
    return float(np.hypot(*(a - b).T).mean()) / eyes
