"""Frames laid over thumbnails: where there is nothing to compare, nothing is claimed."""

from __future__ import annotations

import numpy as np
import pytest

from unmask.originals.fitting import Greys, fits


@pytest.mark.parametrize("scale", [1.0, 40.0], ids=["a black thumbnail", "a sliver of it is seen"])
def test_where_nothing_can_be_compared_all_frames_fit_alike(scale: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (5, 108, 192), np.uint8)
    thumbnail = np.zeros((216, 384, 3), np.uint8)
    found = fits(Greys(np.arange(5.0), noise), [(0.0, thumbnail)], False, np.diag([scale, scale, 1.0]), 1.0)
    assert np.isfinite(found.cost).all()
    assert np.ptp(found.cost) == 0
    assert np.isfinite(found.noise).all()
