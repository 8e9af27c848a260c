"""Regions of the aligned crop: the eyes, mouth and skin of a real face."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests import retouched
from tests.sightings import seen
from unmask.faces import CROP_PX, TEMPLATE
from unmask.faces.regions import inner_skin, outer_skin, places, rho, ring


@pytest.mark.parametrize("side", [CROP_PX, CROP_PX // 4])
def test_the_eyes_are_half_a_distance_from_the_middle_between_them(side: int) -> None:
    x, y = places(side)
    for (px, py), where in zip(TEMPLATE[:2] * side / CROP_PX, (-0.5, 0.5), strict=True):
        column, row = round(float(px) - 0.5), round(float(py) - 0.5)
        assert x[row, column] == pytest.approx(where, abs=0.05)
        assert y[row, column] == pytest.approx(0.0, abs=0.05)


def test_rings_part_the_crop_and_grow_outwards() -> None:
    edges = [0.0, 0.6, 1.05, 1.5, 9.0]
    parts = [ring(low, high) for low, high in pairwise(edges)]
    assert (np.sum(parts, axis=0) == 1).all()
    means = [rho()[part].mean() for part in parts]
    assert means == sorted(means)


def test_eyes_and_mouth_are_no_skin_and_regions_do_not_overlap() -> None:
    for x, y in np.round(TEMPLATE[[0, 1, 3, 4]]).astype(int):
        assert not inner_skin()[y, x]
    assert not (inner_skin() & np.logical_or.reduce(list(outer_skin().values()))).any()


def test_inner_skin_of_a_real_face_is_skin() -> None:
    red, green, blue = np.median(seen(retouched.portrait()).crop[inner_skin()], axis=0)
    assert red > green > blue > 60
