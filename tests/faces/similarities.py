"""Similarity transforms of points: rotation, scale and shift."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

SIMILARITIES = st.tuples(
    st.floats(-np.pi, np.pi), st.floats(0.02, 50), st.floats(-3000, 3000), st.floats(-3000, 3000)
)


def matrix(turn: float, scale: float, x: float, y: float) -> NDArray[np.float64]:
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[cos, -sin, x], [sin, cos, y]])


def moved(points: NDArray[np.float32], by: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(points @ by[:, :2].T + by[:, 2], np.float32)
