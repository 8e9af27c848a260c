"""One camera frame to one reading: where the face is, and its light over a grid; the frame itself need not be kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.types import Box, Frame

GRID = 16
"""Cells along each side of the aligned face; one is 0.225 distances between the eyes wide."""

FIND_EVERY = 1.0
"""Seconds after which the face is found anew; in between it is followed."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """The face of one frame.

    Attributes:
        box: px in the frame.
        points: float32 ``(5, 2)`` px, as in `unmask.types.Face`.
        found_at: seconds of the frame in which the finder saw it last; since then it was followed.
        cells: mean linear light over the cells of the aligned face, as `unmask.faces.align` cuts it, float32
            ``(GRID, GRID, 3)``, 0 to 1.
    """

    box: Box
    points: NDArray[np.float32]
    found_at: float
    cells: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """What is kept of one frame: ``time`` in seconds of the client's clock, and the largest face or None where there is none."""

    time: float
    face: SeenFace | None


def read(frame: Frame, before: Reading | None, find_every: float = FIND_EVERY) -> Reading:
    """Measure one frame.

    Args:
        frame: an upright camera frame that is not mirrored, about 320 x 240; ``time`` of the client's clock, s.
        before: the reading of the frame before, None for the first.
        find_every: seconds after which the face is found anew; `movement.FIND_EVERY` for a movement challenge.
    """
    raise NotImplementedError
