"""Change from one picture to another, without movement, light and the inside of faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from unmask.types import Box, Frame, Glimpse

GRID = (9, 16)
"""Blocks of a picture, down and across, whatever its shape."""
_BLOCK = 6
"""Side of a block in the miniature, px."""
_INNER = 0.8
"""Share of a face's box that is ignored, since a swapped face changes only there."""
_REACH, _MARGIN = 0.75, 4.0
"""Reach of a face's surroundings: widths and heights of the face, and px of the miniature."""
_FEWEST = 6
"""Least number of blocks for a comparison."""
_LEAST = 7.0
"""Least mean difference of a changed block, grey levels; film grain and coding stay below."""


@dataclass(frozen=True, slots=True, eq=False)
class Miniature:
    """A small grey picture.

    Attributes:
        time: seconds.
        grey: its grey levels, float32 ``(54, 96)``.
        around: bool `GRID`: the blocks around the faces, or all blocks without a face. A change far
            from every face, such as a picture inserted behind a newsreader, is no cut.
        inside: bool `GRID`: the blocks inside the faces, which change where a face is swapped.
    """

    time: float
    grey: NDArray[np.float32]
    around: NDArray[np.bool_]
    inside: NDArray[np.bool_]

    @classmethod
    def of(cls, glimpse: Glimpse) -> Miniature:
        """Makes a miniature without a face."""
        whole = np.ones(GRID, np.bool_)
        return cls(glimpse.time, glimpse.grey.astype(np.float32), whole, ~whole)


def miniature(frame: Frame, faces: Sequence[Box] = ()) -> Miniature:
    """Makes a miniature of a frame; ``faces`` in px of the frame."""
    import cv2

    rows, columns = GRID
    h, w = frame.rgb.shape[:2]
    grey = cv2.cvtColor(
        cv2.resize(frame.rgb, (columns * _BLOCK, rows * _BLOCK), interpolation=cv2.INTER_AREA),
        cv2.COLOR_RGB2GRAY,
    )
    scale = np.array([columns / w, rows / h, columns / w, rows / h]) * _BLOCK
    around, inside = np.zeros((2, rows * _BLOCK, columns * _BLOCK), np.float32)
    for face in faces:
        box = np.array(face) * scale
        size = np.maximum(box[2:] - box[:2], 0)
        _fill(inside, box + np.concatenate([size, -size]) * (1 - _INNER) / 2)
        _fill(around, box + np.concatenate([-_REACH * size - _MARGIN, _REACH * size + _MARGIN]))
    return Miniature(
        frame.time,
        np.asarray(grey, np.float32),
        _means(around) > 0.5 if faces else np.ones(GRID, np.bool_),
        _means(inside) > 0.5,
    )


def _fill(mask: NDArray[np.float32], box: NDArray[np.float64]) -> None:
    x0, y0, x1, y1 = np.round(box.clip(0, None)).astype(int)
    mask[y0:y1, x0:x1] = 1


def change(a: Miniature, b: Miniature, reach: int) -> float:
    """Returns the share, 0 to 1, of blocks of either picture that have no match in the other.

    Matches are searched within ``reach`` px of 96. Only blocks around faces count, and none inside;
    with too few of them the share is 0. Exposure is equalised first, so that a change of light is
    no change.
    """
    counted = _counted(a, b)
    if counted.sum() < _FEWEST:
        return 0.0
    from_, to = (m.grey - m.grey.mean() for m in (a, b))
    spread = [max(float(m.std()), 1.0) for m in (from_, to)]
    to = to * np.clip(spread[0] / spread[1], 0.5, 2.0)
    least = max(_LEAST, 0.15 * spread[0])
    moved = counted & (_means(np.abs(from_ - to)) > least)
    if not moved.any():
        return 0.0
    there, back = (_nearest(x, y, moved, reach) > least for x, y in ((from_, to), (to, from_)))
    return float((there | back).sum() / counted.sum())


def mixture(a: Miniature, middle: Miniature, b: Miniature) -> tuple[float, float]:
    """Fits ``middle`` as a blend of ``a`` and ``b``, as in a cross-dissolve.

    Returns the share of ``a`` and the unexplained rest, both where ``a`` and ``b`` differ. The rest
    is 0 for a perfect blend and about a half for something that moved.
    """
    apart = a.grey - b.grey
    at = np.abs(apart) > 1.5 * _LEAST
    if not (counted := _counted(a, middle, b)).all():
        at &= counted.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)
    if at.sum() < _BLOCK * _BLOCK:
        return 0.0, 1.0
    apart, seen = apart[at], (middle.grey - b.grey)[at]
    share = float(apart @ seen / (apart @ apart))
    return share, float(np.abs(seen - share * apart).mean() / np.abs(apart).mean())


def likeness(a: Miniature, b: Miniature) -> float:
    """Returns the correlation, -1 to 1, of two pictures' grey levels around faces.

    A change of brightness does not affect it.
    """
    counted = np.kron(_counted(a, b), np.ones((_BLOCK, _BLOCK), np.bool_))
    if counted.sum() < _BLOCK * _BLOCK:
        return 1.0
    x, y = (picture.grey[counted] - picture.grey[counted].mean() for picture in (a, b))
    return float(x @ y / max(float(np.sqrt((x @ x) * (y @ y))), 1e-6))


def _counted(*pictures: Miniature) -> NDArray[np.bool_]:
    around = np.logical_or.reduce([picture.around for picture in pictures])
    return np.asarray(around & ~np.logical_or.reduce([picture.inside for picture in pictures]))


def _nearest(
    a: NDArray[np.float32], b: NDArray[np.float32], blocks: NDArray[np.bool_], reach: int
) -> NDArray[np.float32]:
    """Returns the mean difference of each block of ``a`` from its best match in ``b``.

    It is float32 ``(n,)``, for the ``n`` blocks that are set in ``blocks``, bool `GRID`.
    """
    rows, columns = np.nonzero(blocks)
    own = a.reshape(GRID[0], _BLOCK, GRID[1], _BLOCK)[rows, :, columns]
    windows = sliding_window_view(np.pad(b, reach, mode="edge"), (_BLOCK, _BLOCK))
    shifts = np.arange(2 * reach + 1)
    y, x = (_BLOCK * place[:, None] + shifts for place in (rows, columns))
    apart = np.abs(windows[y[:, :, None], x[:, None, :]] - own[:, None, None])
    return np.asarray(apart.mean(axis=(3, 4)).min(axis=(1, 2)), np.float32)


def _means(values: NDArray[np.float32]) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.resize(values, GRID[::-1], interpolation=cv2.INTER_AREA), np.float32)
