"""Fitting frames to thumbnails: the nearest in time fits best; no claim without data."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.support import films
from unmask.originals.fitting import Greys, fits


@pytest.mark.parametrize("scale", [1.0, 40.0], ids=["a black thumbnail", "a sliver of it is seen"])
def test_where_nothing_can_be_compared_all_frames_fit_alike(scale: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (5, 108, 192), np.uint8)
    thumbnail = np.zeros((216, 384, 3), np.uint8)
    found = fits(
        Greys(np.arange(5.0), noise), [(0.0, thumbnail)], False, np.diag([scale, scale, 1.0]), 1.0
    )
    assert np.isfinite(found.cost).all()
    assert np.ptp(found.cost) == 0
    assert np.isfinite(found.noise).all()


def test_a_frame_that_was_drawn_better_is_not_taken_for_the_nearer_one() -> None:
    rng = np.random.default_rng(0)
    moves = [np.array([[1, 0, -150 - 0.3 * i], [0, 1, -100]]) for i in range(24)]
    shown = [cv2.warpAffine(films.scenery(3), move, (384, 216)) for move in moves]
    drawn = [rgb + rng.normal(0, 6 if i % 4 == 1 else 9, rgb.shape) for i, rgb in enumerate(shown)]
    grey = np.array(
        [cv2.cvtColor(np.clip(rgb, 0, 255).astype(np.uint8), cv2.COLOR_RGB2GRAY) for rgb in drawn]
    )
    found = fits(Greys(np.arange(24) / 25, grey), [(0.0, shown[11])], False, np.eye(3), 0.8)
    assert found.cost[0].argmin() == 11
