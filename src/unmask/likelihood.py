"""Scores to likelihood ratios: by calibration for a sighting, by a dependence model for a track.

The lab fitted the calibrations jointly over the lines of evidence and with the face's size and
sharpness. There is one for every set of lines, because not every line can read every face.

Frames of one person share an error: if all of them lean the same way, the cause may be the person,
the lens or the light, and a hundred frames are then hardly more evidence than two. A stretch that
stands out from the rest of the same track is evidence as well. But errors drift with the pose, the
light and the blur of the moment, so neighbouring looks are hardly more evidence than one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unmask.types import Quality, Span, TrackRecord

LN10 = float(np.log(10))

LIMITS = {"size": (-1.5, 1.0), "sharpness": (-1.5, 1.0), "blockiness": (0.0, 2.3)}
"""Range of each quality limit on which calibrations are fitted, see `features`.

Values beyond it are clipped.
"""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Conversion of some lines' scores into one log10 LR, fitted by the lab.

    See ``weights/calibration.json``.

    Attributes:
        lines: lines whose scores it weighs, all of them at once.
        intercept, terms: coefficients of the logistic regression, by the names that `features`
            gives.
        bound: largest absolute log10 LR that the number of people calibrated on supports.
        missed: part of the forgeries made in ways never trained on that leave no trace these lines
            can see, 0 to 1.
        shared: part of the LR's variance that all frames of one track share, 0 to 1.
        separation: mean natural-log LR of changed faces minus that of bona fide ones.
        knees: by line, the score above which its LR may rise at another rate, see `features`.
        record: how often single faces got which answer from it; None where that was not measured.
    """

    lines: tuple[str, ...]
    intercept: float
    terms: Mapping[str, float]
    bound: float
    missed: float
    shared: float
    separation: float
    knees: Mapping[str, float] = field(default_factory=dict)
    record: TrackRecord | None = None

    @property
    def reach(self) -> tuple[float, float]:
        """Lowest and highest log10 LR that it can give."""
        return self.any_kind(-self.bound), self.any_kind(self.bound)

    def known(self, scores: Mapping[str, float], quality: Quality) -> float:
        """Returns one sighting's log10 LR, as if every forgery were of a kind calibrated on."""
        values = features(scores, quality, self.knees)
        total = self.intercept + sum(weight * values[name] for name, weight in self.terms.items())
        return float(np.clip(total / LN10, -self.bound, self.bound))

    def any_kind(self, known: float) -> float:
        """Returns log10 LR against forgeries of any kind.

        The `missed` part of these looks just like a bona fide face. So the absence of traces never
        weighs more than ``log10(missed)``: no detector can say "authentic".
        """
        return float(
            np.logaddexp(np.log(max(self.missed, 1e-9)), np.log1p(-self.missed) + known * LN10)
            / LN10
        )


def features(
    scores: Mapping[str, float], quality: Quality, knees: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Returns the features that a calibration may weigh.

    These are the lines' scores, the quality limits, each score times each limit, and each score's
    excess over its knee.

    Size in octaves from 128 px, sharpness in decades from 0.05, blockiness in octaves from none;
    clipped to `LIMITS`. Bona fide scores lie closer together than changed ones, so the LR rises
    faster above them than one straight line through both classes would. The excess over the knee
    models that.
    """
    measured = {
        "size": np.log2(max(quality.size_px, 1.0) / 128),
        "sharpness": np.log10(max(quality.sharpness, 1e-6) / 0.05),
        "blockiness": np.log2(max(quality.blockiness, 1e-6)),
    }
    limits = {name: float(np.clip(value, *LIMITS[name])) for name, value in measured.items()}
    weighed = {f"score of {line}": score for line, score in scores.items()}
    crossed = {
        f"{term} x {name}": score * value
        for term, score in weighed.items()
        for name, value in limits.items()
    }
    excess = {
        f"score of {line} past its knee": max(0.0, scores[line] - knee)
        for line, knee in (knees or {}).items()
    }
    return {**weighed, **limits, **crossed, **excess}


def chain(fitted: Sequence[Calibration], lines: Collection[str]) -> tuple[Calibration, ...]:
    """Returns calibrations of the strongest of these lines, of the strongest two, and so on.

    The last one weighs all the lines that can be weighed.

    So each line adds its weight to that of the stronger ones: LR(a, b) = LR(a) LR(b | a). A line's
    strength is how well its scores alone separate the classes. A line that was not fitted together
    with the stronger ones is left out.
    """
    by_lines = {frozenset(c.lines): c for c in fitted}
    alone = [c for c in (by_lines.get(frozenset({name})) for name in lines) if c]
    steps: tuple[Calibration, ...] = ()
    for line in sorted(alone, key=lambda c: (-c.separation, c.lines)):
        more = by_lines.get(frozenset({*line.lines, *(steps[-1].lines if steps else ())}))
        steps += (more,) if more else ()
    return steps


def combine(
    times: NDArray[np.float64],
    known: NDArray[np.float64],
    calibration: Calibration,
    slot: float = 0.25,
    drift: float = 2.0,
    shortest: int = 3,
) -> tuple[float, tuple[Span, ...]]:
    """Combines the sightings of a track into one log10 LR, and finds the changed spans.

    The hypothesis *changed* is a mixture. Half its weight is on the whole track, the other half on
    one stretch of it, uniform over the logarithm of the length and over the position. So a long
    track, which has more places for a chance outlier, needs more evidence for a short stretch. The
    likelihood of a stretch is that of a normal model with a shared and a drifting error (see
    `_ratios`); for a long track it approaches the mean LR over ``shared``.

    The first span is the likeliest stretch. Others follow as long as the rest of the track has an
    LR of 10 for one more. The spans say where the change is if there is one.

    Args:
        times: seconds, ascending, ``(n,)``.
        known: `Calibration.known` of each sighting, ``(n,)``.
        calibration: gives the shared error, the separation, the bound and the missed part.
        slot: seconds; sightings closer together than this count as one look.
        drift: seconds after which the correlation of an error falls to 37 %; assumed, because no
            footage with known truth has measured it.
        shortest: looks in the shortest stretch; fewer are treated as a chance outlier, however
            strong.
    """
    looked, x = _looks(times, known * LN10, slot)
    changed, left = np.zeros(x.size, np.bool_), np.arange(x.size)
    total, likeliest = _mixture(looked, x, calibration, drift, shortest)
    more = LN10
    while left.size and more >= LN10:
        changed[left[likeliest]] = True
        left = np.delete(left, likeliest)
        if left.size:
            more, likeliest = _mixture(looked[left], x[left], calibration, drift, shortest)
    bounded = float(np.clip(total / LN10, -calibration.bound, calibration.bound))
    return calibration.any_kind(bounded), _spans(looked, changed, float(times[0]), float(times[-1]))


def _looks(
    times: NDArray[np.float64], x: NDArray[np.float64], slot: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Averages sightings over time slots, so that denser sampling does not add weight."""
    _, member = np.unique(np.floor((times - times[0]) / slot + 1e-6), return_inverse=True)
    count = np.bincount(member)
    return np.bincount(member, times) / count, np.bincount(member, x) / count


def _mixture(
    times: NDArray[np.float64],
    x: NDArray[np.float64],
    calibration: Calibration,
    drift: float,
    shortest: int,
) -> tuple[float, slice]:
    """Returns natural-log LR of all stretches together, see `combine`, and the likeliest one."""
    first, last = np.triu_indices(x.size, min(shortest, x.size) - 1)
    weight = np.log(_prior(x.size, last - first + 1)) + _ratios(
        times, x, first, last, calibration, drift
    )
    best = int(weight.argmax())
    total = float(weight[best] + np.log(np.exp(weight - weight[best]).sum()))
    return total, slice(int(first[best]), int(last[best]) + 1)


def _prior(n: int, length: NDArray[np.intp]) -> NDArray[np.float64]:
    """Returns the weight of each stretch of ``n`` looks in the mixture of `combine`; they sum to 1.

    ``length`` is the number of looks in each stretch.
    """
    share = 1 / length / (n - length + 1)
    return np.asarray(0.5 * share / share.sum() + 0.5 * (length == n))


def _ratios(
    times: NDArray[np.float64],
    x: NDArray[np.float64],
    first: NDArray[np.intp],
    last: NDArray[np.intp],
    calibration: Calibration,
    drift: float,
) -> NDArray[np.float64]:
    """Returns natural-log LR of "changed in this stretch" against "never changed", per stretch.

    A stretch goes from look ``first`` to look ``last``.

    A look is normal with variance d about -d/2 if bona fide and +d/2 if changed, as calibrated LRs
    of separation d are. The whole track shares a part r of that variance; of the other part two
    looks share ``exp(-gap / drift)``. The mean over the stretch is compared with its prediction
    from the mean over the rest of the track.
    """
    n, d, r = x.size, calibration.separation, calibration.shared
    common = r + (1 - r) * np.exp(-np.abs(times[:, None] - times) / drift)
    sums = np.pad(np.cumsum(x + d / 2), (1, 0))
    grid = np.pad(common.cumsum(axis=0).cumsum(axis=1), (1, 0))
    a, b = first, last + 1
    inside = grid[b, b] - 2 * grid[a, b] + grid[a, a]
    across = grid[b, n] - grid[a, n] - inside
    outside = grid[n, n] - inside - 2 * across
    k, rest = b - a, n - b + a
    slope = np.divide(across * rest, outside * k, out=np.zeros(k.size), where=rest > 0)
    foretold = slope * (sums[n] - sums[b] + sums[a]) / np.maximum(rest, 1)
    surprise = (sums[b] - sums[a]) / k - d / 2 - foretold
    return np.asarray(surprise / (inside / k**2 - slope * across / (k * np.maximum(rest, 1))))


def _spans(
    times: NDArray[np.float64], changed: NDArray[np.bool_], first: float, last: float
) -> tuple[Span, ...]:
    """Returns the time spans of runs of changed looks.

    A look covers the time half way to its neighbours, but not across a gap. Suspicious stretches
    are sampled more densely than the rest, so a gap is an interval wider than twice the usual
    spacing of the rest. ``first`` and ``last`` are the times of the first and the last sighting;
    all looks lie between them.
    """
    gaps = np.diff(times)
    usual = float(np.sort(gaps)[int(0.95 * (gaps.size - 1))]) if gaps.size else 0.0
    near = gaps <= 2 * usual
    half = np.where(near, gaps, usual) / 2
    start = times - np.concatenate([[times[0] - first], half])
    end = times + np.concatenate([half, [last - times[-1]]])
    joined = np.concatenate([[False], changed[1:] & changed[:-1] & near, [False]])
    begins, ends = changed & ~joined[:-1], changed & ~joined[1:]
    return tuple(
        Span(round(float(a), 3), round(float(b), 3))
        for a, b in zip(start[begins], end[ends], strict=True)
    )


def posterior(prior: float, log10_lr: float) -> float:
    """Returns the posterior probability of a change, 0 to 1, by Bayes' rule.

    ``prior`` is the base rate, between 0 and 1, both excluded.
    """
    logit = float(np.clip(log10_lr * LN10 + np.log(prior) - np.log1p(-prior), -700, 700))
    return float(1 / (1 + np.exp(-logit)))
