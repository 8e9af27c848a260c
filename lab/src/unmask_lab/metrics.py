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


def cllr(llr: NDArray[np.float64], label: NDArray[np.int_], weight: NDArray[np.float64]) -> float:
    """Cost of log likelihood ratio, bits: 0 perfect, 1 as good as saying nothing (Bruemmer and du Preez 2006)."""
    cost = np.logaddexp(0, np.where(label == 1, -llr, llr)) / np.log(2)
    return float(np.mean([np.average(cost[label == k], weights=weight[label == k]) for k in (0, 1)]))


def ece(llr: NDArray[np.float64], label: NDArray[np.int_], weight: NDArray[np.float64], bins: int = 10) -> float:
    """Expected calibration error at even odds, over bins of probability of equal width (Naeini et al. 2015)."""
    p = 1 / (1 + np.exp(-llr))
    member = np.minimum((p * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        of = member == b
        if of.any():
            share = weight[of].sum() / weight.sum()
            error += share * abs(np.average(p[of], weights=weight[of]) - np.average(label[of], weights=weight[of]))
    return float(error)
