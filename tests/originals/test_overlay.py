"""Laying a picture over another."""

from __future__ import annotations

import numpy as np
import pytest

from unmask.originals.overlay import lay


@pytest.mark.parametrize("scale", [1.0, -0.01, 1e-6])
def test_a_homography_counts_for_the_same_whatever_its_scale(scale: float) -> None:
    """A homography may have any scale; one that seems to shrink much would blur for seconds."""
    rgb = np.random.default_rng(1).integers(0, 256, (240, 426, 3), np.uint8)
    onto = np.array([[0.4, 0.02, 12.0], [-0.02, 0.4, 3.0], [0.0, 0.0, 1.0]])
    laid, seen = lay(rgb, scale * onto, (216, 384))
    expected, covered = lay(rgb, onto, (216, 384))
    np.testing.assert_array_equal(seen, covered)
    np.testing.assert_allclose(laid[seen].astype(int), expected[covered], atol=1)


def test_a_picture_shrunk_to_nothing_is_no_work() -> None:
    laid, _ = lay(np.full((240, 426, 3), 200, np.uint8), np.diag([1e-5, 1e-5, 1.0]), (216, 384))
    assert laid.shape == (216, 384, 3)
