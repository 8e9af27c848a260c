"""Figures of merit from scores, with 95 % bootstrap intervals over identities.

Most take a weight per row and bootstrap round, ``(rounds, n)``, and give one value per round, so
that all rounds of all figures of a set cost a few sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Identities = Sequence[str] | NDArray[np.str_]
"""Name of the person of each row, ``(n,)``."""
ROUNDS = 500
AT_ONCE = 2_000_000
"""Number of weights held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Figure and its 95 % interval.

    They are nan where not defined, as an AUC without changed faces, or an interval over one person.
    """

    value: float
    low: float
    high: float


def auc(bona_fide: ArrayLike, changed: ArrayLike) -> float:
    """Computes the chance that a changed face scores above a bona fide one.

    Ties count half (Mann and Whitney 1947).
    """
    low, high = np.sort(np.asarray(bona_fide, float)), np.asarray(changed, float)
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.mean() / (2 * low.size))


# ---------------------------------------------------------------- figures from a ROC curve


def roc(
    score: NDArray[np.floating], label: NDArray[np.integer], weight: Floats
) -> tuple[Floats, Floats]:
    """Computes false and true positive rates, each ``(rounds, thresholds + 1)``.

    They go from the highest threshold to the lowest.
    """
    order = np.argsort(-score, kind="stable")
    last_of_ties = np.append(np.flatnonzero(np.diff(score[order])), score.size - 1)
    rates = []
    for wanted in (0, 1):
        passed = np.cumsum(weight[:, order] * (label[order] == wanted), axis=1)
        with np.errstate(invalid="ignore"):
            rates.append(np.pad(passed[:, last_of_ties] / passed[:, -1:], ((0, 0), (1, 0))))
    return rates[0], rates[1]


def area(fpr: Floats, tpr: Floats) -> Floats:
    """Computes AUC per round: the same as `auc`, for weighted rows."""
    return np.asarray((np.diff(fpr) * (tpr[:, 1:] + tpr[:, :-1])).sum(axis=1) / 2)


def equal_error(fpr: Floats, tpr: Floats) -> Floats:
    """Computes the equal error rate per round, interpolated.

    There, as many bona fide faces are called changed as changed ones are missed.
    """
    surplus = fpr + tpr - 1
    after = np.maximum((surplus >= 0).argmax(axis=1), 1)
    row = np.arange(len(fpr))
    a, b = surplus[row, after - 1], surplus[row, after]
    part = -a / (b - a)
    return np.asarray(fpr[row, after - 1] + part * (fpr[row, after] - fpr[row, after - 1]))


def found_at(fpr: Floats, tpr: Floats, alarms: float = 0.01) -> Floats:
    """Computes the true positive rate per round at a false positive rate of at most ``alarms``.

    It is that of the lowest such threshold.
    """
    found = np.where(fpr <= alarms, tpr, 0.0).max(axis=1)
    return np.where(np.isfinite(fpr[:, -1] + tpr[:, -1]), found, np.nan)


# ---------------------------------------------------------------- intervals


def estimates(
    figures: Callable[[Floats], Mapping[str, Floats]],
    identities: Identities,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Computes figures with 95 % intervals, resampling people rather than rows (Efron 1979).

    Args:
        figures: from a weight per row, ``(rounds, n)``, to each figure's values, ``(rounds,)``.
        identities: of each row, ``(n,)``.
        rounds, seed: of the bootstrap.
    """
    counts, member = _resampled(identities, rounds, seed)
    counts = np.vstack([np.ones_like(counts[0]), counts])
    at_once = max(1, AT_ONCE // member.size)
    parts = [figures(counts[i : i + at_once, member]) for i in range(0, len(counts), at_once)]
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    spread = slice(1, None if counts.shape[1] > 1 else 1)
    return {name: _estimate(value[0], value[spread]) for name, value in values.items()}


def rate(hits: NDArray[np.bool_], identities: Identities) -> Estimate:
    """Computes a rate with its interval.

    Where something holds for none or for all, resampling shows no spread; the interval is then that
    of a binomial with one trial per person (Clopper and Pearson 1934). Without rows it is not
    defined.
    """
    if hits.all() or not hits.any():
        people = len(set(identities))
        return binomial(people if hits.any() else 0, people)
    return estimates(lambda weight: {"rate": weight @ hits / weight.sum(axis=1)}, identities)[
        "rate"
    ]


def interval(
    figure: Callable[[NDArray[np.intp]], float],
    identities: Identities,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> tuple[float, float]:
    """Computes the 95 % interval, over people as in `estimates`, of any figure of row indices."""
    counts, member = _resampled(identities, rounds, seed)
    rows = np.arange(member.size)
    values = np.array([figure(np.repeat(rows, of[member].astype(int))) for of in counts])
    of = _estimate(np.nan, values)
    return of.low, of.high


def _resampled(identities: Identities, rounds: int, seed: int) -> tuple[Floats, NDArray[np.intp]]:
    """Draws how often each person counts, ``(rounds, people)``; also returns each row's person."""
    names, member = np.unique(np.asarray(identities), return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(
        names.size, np.full(names.size, 1 / names.size), size=rounds
    )
    return drawn.astype(float), member


def _estimate(value: float, values: Floats) -> Estimate:
    """Computes the interval without the rounds in which a class was not drawn.

    The figure is not defined in these.
    """
    defined = values[np.isfinite(values)]
    low, high = np.percentile(defined, [2.5, 97.5]) if defined.size else (np.nan, np.nan)
    return Estimate(float(value), float(low), float(high))


# ---------------------------------------------------------------- of likelihood ratios


def balanced(label: NDArray[np.integer], family: NDArray[np.str_]) -> Floats:
    """Returns a weight per row, 1 on average.

    Each class weighs the same, and within a class each family.
    """
    group = np.char.add(np.char.add(label.astype(str), " "), family)
    names, member, rows = np.unique(group, return_inverse=True, return_counts=True)
    classes = np.array([name.split(" ")[0] for name in names])
    families = np.array([(classes == of).sum() for of in classes])
    return np.asarray((label.size / np.unique(classes).size / families / rows)[member])


def cllr(llr: Floats, label: NDArray[np.integer], weight: Floats) -> float:
    """Computes the cost of the log likelihood ratio (Cllr), bits.

    It is 0 if perfect, 1 if as good as saying nothing (Bruemmer and du Preez 2006).
    """
    return float(cllr_parts(llr, label, weight).sum())


def cllr_parts(llr: Floats, label: NDArray[np.integer], weight: Floats) -> Floats:
    """Computes the part of `cllr` that each example adds."""
    cost = np.logaddexp(0, np.where(label == 1, -llr, llr)) / np.log(2)
    whole = np.where(label == 1, weight[label == 1].sum(), weight[label == 0].sum())
    return np.asarray(cost * weight / whole / 2)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins of probability of equal width; arrays ``(bins,)``, nan in bins without rows.

    Attributes:
        foretold: mean probability of a change.
        happened: share that was changed.
        share: of all weight, in this bin.
    """

    foretold: Floats
    happened: Floats
    share: Floats

    @property
    def error(self) -> float:
        """Expected calibration error (Naeini et al. 2015)."""
        return float(np.nansum(self.share * np.abs(self.foretold - self.happened)))


def reliability(
    llr: Floats, label: NDArray[np.integer], weight: Floats, bins: int = 10
) -> Reliability:
    """Compares the probability at even odds of a natural-log LR with the share that was changed."""
    p = 1 / (1 + np.exp(-llr))
    member = np.minimum((p * bins).astype(int), bins - 1)
    total, foretold, happened = (
        np.bincount(member, weight * of, bins) for of in (np.ones_like(p), p, label)
    )
    with np.errstate(invalid="ignore"):
        return Reliability(foretold / total, happened / total, total / weight.sum())


def ece(llr: Floats, label: NDArray[np.integer], weight: Floats, bins: int = 10) -> float:
    """Computes the expected calibration error at even odds, see `Reliability.error`."""
    return reliability(llr, label, weight, bins).error


def binomial(hits: int, trials: int) -> Estimate:
    """Computes a rate over independent trials, with its interval (Clopper and Pearson 1934).

    The interval is exact.
    """
    from scipy.stats import beta

    if not trials:
        return Estimate(float("nan"), float("nan"), float("nan"))
    low = float(beta.ppf(0.025, hits, trials - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, trials - hits)) if hits < trials else 1.0
    return Estimate(hits / trials, low, high)
