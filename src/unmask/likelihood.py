"""From scores to likelihood ratios: of one sighting by calibration, of a track by a model of how
frames depend on each other.

Calibration was fitted in the lab, jointly over the lines of evidence and with the face's size and
sharpness; for every set of lines there is one, because not every line can read every face. Over
time, frames of one person share an error: if all of them lean the same way, that may be the person,
the lens or the light, and a hundred frames are then hardly more than two. What counts as well is a
stretch that stands out from the rest of the same track; but errors drift, with the pose, the light
and the blur of the moment, so neighbouring looks are hardly more than one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unmask.types import Quality, Span, TrackRecord

LN10 = float(np.log(10))

LIMITS = {"size": (-1.5, 1.0), "sharpness": (-1.5, 1.0), "blockiness": (0.0, 2.3)}
"""What limits a judgement, see `features`, and between which values calibrations are fitted:
beyond, the nearer end counts.
"""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the scores of some lines become one log10 LR, as the lab fitted it; see
    ``weights/calibration.json``.

    Attributes:
        lines: whose scores it weighs, all of them at once.
        intercept, terms: of the logistic regression, by the names that `features` gives.
        bound: log10 LR, either way, beyond which the number of people calibrated on supports no
            statement.
        missed: part of the forgeries made in ways never trained on that leave no trace these lines
            can see, 0 to 1.
        shared: part of the LR's variance that all frames of one track share, 0 to 1.
        separation: mean natural-log LR of changed faces less that of bona fide ones.
        knees: by line, the score from which on its LR may rise at another rate, see `features`.
        record: how often single faces got which answer by it; None where that was not measured.
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
        """Lowest and highest log10 LR that it can come to."""
        return self.any_kind(-self.bound), self.any_kind(self.bound)

    def known(self, scores: Mapping[str, float], quality: Quality) -> float:
        """log10 LR of one sighting on its own, by the lines' scores, if every forgery were of the
        kinds calibrated on.
        """
        values = features(scores, quality, self.knees)
        total = self.intercept + sum(weight * values[name] for name, weight in self.terms.items())
        return float(np.clip(total / LN10, -self.bound, self.bound))

    def any_kind(self, known: float) -> float:
        """log10 LR against forgeries of any kind, the `missed` part of which looks just like a bona
        fide face.

        So the absence of traces never weighs more than ``log10(missed)``: no detector can say
        "authentic".
        """
        return float(
            np.logaddexp(np.log(max(self.missed, 1e-9)), np.log1p(-self.missed) + known * LN10)
            / LN10
        )


def features(
    scores: Mapping[str, float], quality: Quality, knees: Mapping[str, float] | None = None
) -> dict[str, float]:
    """What a calibration may weigh: the lines' scores, the limits of quality, each score under each
    limit, and past its knee.

    Size in octaves from 128 px, sharpness in decades from 0.05, blockiness in octaves from none;
    bounded by `LIMITS`. Past a knee a score counts once more, by its excess: bona fide faces lie
    closer together than changed ones, so that the LR rises faster beyond them than one straight
    line through both classes would.
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
    """Of these lines the calibration of the strongest one, of the strongest two, and so on; the
    last weighs all that can be.

    So each line can be said to add what it adds to the stronger ones: LR(a, b) = LR(a) LR(b | a). A
    line is as strong as its scores alone hold the classes apart. One that was not fitted together
    with the stronger ones has no place in it.
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
    """One log10 LR for a track, and the spans in which it was changed, if it was changed at all.

    The hypothesis *changed* is a mixture: half its weight says the whole track, the other half one
    stretch of it, every length on a logarithmic scale and every place alike. So a long track, which
    has more places for a chance outlier, needs more evidence for a short stretch. Each stretch's
    likelihood is that of a normal model with a shared and a drifting error (see `_ratios`); for a
    long track it comes to the mean LR over ``shared``.

    The first span is the likeliest stretch; others follow as long as the rest of the track has an
    LR of 10 for one more.

    Args:
        times: seconds, ascending, ``(n,)``.
        known: `Calibration.known` of each sighting, ``(n,)``.
        calibration: for the shared error, the separation, the bound and the missed part.
        slot: seconds; sightings closer together than this count as one look.
        drift: seconds over which an error forgets itself to 37 %; assumed, for no footage with
            known truth has measured it.
        shortest: looks in the shortest stretch; fewer are a chance outlier, however far out.
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
    """Sightings averaged over slots of time, so that looking more often at one moment does not
    count it more often.
    """
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
    """The natural-log LR of all stretches together, see `combine`, and the likeliest of them."""
    first, last = np.triu_indices(x.size, min(shortest, x.size) - 1)
    weight = np.log(_prior(x.size, last - first + 1)) + _ratios(
        times, x, first, last, calibration, drift
    )
    best = int(weight.argmax())
    total = float(weight[best] + np.log(np.exp(weight - weight[best]).sum()))
    return total, slice(int(first[best]), int(last[best]) + 1)


def _prior(n: int, length: NDArray[np.intp]) -> NDArray[np.float64]:
    """The weight, in the mixture of `combine`, of each of all the stretches of ``n`` looks, given
    their lengths; sums to 1.
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
    """Natural-log likelihood ratio of "changed from look ``first`` to look ``last``" against
    "never", per stretch.

    A look is normal with variance d about -d/2 if bona fide and +d/2 if changed, as calibrated LRs
    of separation d are. Of that variance a part r is shared by the whole track, and of the other
    part two looks share ``exp(-gap / drift)``. What is compared is the mean over the stretch with
    what the mean over the rest of the track foretells of it.
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
    """Runs of changed looks. A look speaks for the time half way to its neighbours, but not across
    a gap in the looks.

    Suspicious stretches are looked at more closely than the rest, so a gap is what is wider than
    twice the rest's spacing. ``first`` and ``last`` are when the first and the last sighting were,
    between which all looks lie.
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
    """The probability of a change, 0 to 1, that an LR makes of a base rate between 0 and 1, both
    excluded (Bayes).
    """
    logit = float(np.clip(log10_lr * LN10 + np.log(prior) - np.log1p(-prior), -700, 700))
    return float(1 / (1 + np.exp(-logit)))
