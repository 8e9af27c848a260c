"""Drawings: their sizes, and the places of what they show."""

from __future__ import annotations

import numpy as np
import pytest

from unmask import drawing
from unmask.drawing import DARK, GAP, LIGHT, PANEL_PX


def test_panels_stand_side_by_side_at_one_height() -> None:
    drawn = drawing.side_by_side(np.zeros((10, 10, 3), np.uint8), np.zeros((20, 40, 3), np.uint8))
    assert drawn.shape == (PANEL_PX, PANEL_PX + 4 + 2 * PANEL_PX, 3)
    assert (drawn[:, PANEL_PX : PANEL_PX + 4] == GAP).all()


def test_a_region_is_outlined_at_its_edge() -> None:
    mask = np.zeros((48, 48), np.bool_)
    mask[12:36, 12:36] = True
    drawn = drawing.outlined(np.zeros((192, 192, 3), np.uint8), [(mask, (200, 0, 0))])
    rows, columns = np.nonzero(drawn.any(axis=2))
    assert drawn.shape == (PANEL_PX, PANEL_PX, 3)
    for places in (rows, columns):
        assert places.min() == pytest.approx(0.25 * PANEL_PX, abs=5)
        assert places.max() == pytest.approx(0.75 * PANEL_PX, abs=5)


def test_dots_rise_with_y_and_go_right_with_x() -> None:
    dots = np.array([[0.0, 0.0], [10.0, 10.0]])
    red, blue = (250, 0, 0), (0, 0, 250)
    drawn = drawing.scatter([(dots[:1], red), (dots[1:], blue)]).astype(int)
    of_red, of_blue = (
        np.argwhere(np.abs(drawn - colour).sum(axis=2) < 60).mean(axis=0) for colour in (red, blue)
    )
    assert of_blue[0] < of_red[0]
    assert of_blue[1] > of_red[1]
    assert drawing.scatter([(np.empty((0, 2)), red)]).shape == (PANEL_PX, PANEL_PX, 3)


@pytest.mark.parametrize(("values", "side"), [([0.0, 0.0, 9.0], 1), ([9.0, 0.0, 0.0], 0)])
def test_a_curve_is_high_where_its_values_are(values: list[float], side: int) -> None:
    drawn = drawing.curve([0.0, 1.0, 2.0], values, ("0:00.0", "0:02.0"), mark=3.0).astype(int)
    top = drawn[: PANEL_PX // 4]
    coloured = np.nonzero((top.max(axis=2) - top.min(axis=2) > 60).any(axis=0))[0]
    assert (coloured > drawn.shape[1] / 2).all() == bool(side)
    assert coloured.size


def test_a_curve_stands_on_an_axis_with_numbers() -> None:
    drawn = drawing.curve([0.0, 1.0, 2.0], [1.0, 2.0, 7.0], ("0:00.0", "0:02.0"), mark=3.0)
    ink = (drawn != LIGHT.ground).any(axis=2)
    rows = np.flatnonzero(ink[:, :54].any(axis=1))
    numbers = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    assert len(numbers) == 3, "0, 3 and 5"
    middle = [float(rows.mean()) for rows in numbers]
    assert middle == sorted(middle)
    zero, mark, five = middle[2], middle[1], middle[0]
    assert (zero - five) / (zero - mark) == pytest.approx(5 / 3, abs=0.1)


def test_what_is_drawn_for_a_dark_page_is_dark() -> None:
    drawn = (
        drawing.curve([0.0, 1.0, 2.0], [1.0, 2.0, 7.0], ("0:00.0", "0:02.0"), mark=3.0, paper=DARK),
        drawing.scatter([(np.array([[0.0, 0.0], [10.0, 10.0]]), (250, 0, 0))], paper=DARK),
    )
    for picture in drawn:
        assert np.median(picture, axis=(0, 1)) == pytest.approx(DARK.ground)
        assert (picture.min(axis=2) > 200).mean() < 0.001
