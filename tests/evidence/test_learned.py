"""The learned line's map lies where the close-up lies in the aligned crop."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sightings import examine, sized, track
from unmask import faces
from unmask.evidence.learned import Learned, over_crop
from unmask.types import Status


@pytest.mark.parametrize("place", [(-0.5, 0.0), (0.5, 0.0), (0.0, 1.155)])
def test_a_cell_of_the_map_lies_over_what_it_saw(place: tuple[float, float]) -> None:
    x0, y0, x1, y1 = faces.CLOSE_UP
    where = np.zeros((14, 14), np.float32)
    column, row = (int(14 * v) for v in ((place[0] - x0) / (x1 - x0), (place[1] - y0) / (y1 - y0)))
    where[row, column] = 1
    moved = over_crop(where)
    y, x = np.unravel_index(moved.argmax(), moved.shape)
    per_eyes, middle = faces.CROP_PX / 3.6, np.array([0.5, 0.4]) * faces.CROP_PX
    expected = (np.array(place) * per_eyes + middle) / (faces.CROP_PX / 12)
    assert np.abs(np.array([x, y]) + 0.5 - expected).max() <= 1


def test_a_face_too_small_for_a_close_up_is_not_looked_at() -> None:
    said = examine(Learned(), *track([0.0, 0.5], [sized(40.0)]).sightings)
    assert said.status is Status.NOT_APPLICABLE
