"""Figures of merit from scores, with 95 % bootstrap intervals over identities."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def auc(bona_fide: ArrayLike, changed: ArrayLike) -> float:
    """Chance that a changed face scores above a bona fide one, ties counted half (Mann and Whitney 1947)."""
    low, high = np.sort(np.asarray(bona_fide, float)), np.asarray(changed, float)
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.mean() / (2 * low.size))


def interval(
    figure: Callable[[NDArray[np.intp]], float], identities: Sequence[str], rounds: int = 500, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of a figure of row indices, resampling people rather than rows (Efron 1979)."""
    names, member = np.unique(np.asarray(identities), return_inverse=True)
    rows = [np.flatnonzero(member == i) for i in range(names.size)]
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        drawn = np.concatenate([rows[i] for i in rng.integers(names.size, size=names.size)])
        value = figure(drawn)
        if np.isfinite(value):
            values.append(value)
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
