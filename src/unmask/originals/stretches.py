"""Exact times of the stretches of an original that a clip shows.

They are found from all thumbnails and all frames at once. Time runs evenly, the place stays, and
cuts are few. So the stretches are the path of least cost through all thumbnails (Viterbi 1967). The
time of each is where its thumbnails together fit best, whatever the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unmask.originals.fitting import FAR, TELLING, Fits, Floats, held
from unmask.originals.matching import SPEEDS
from unmask.originals.timing import REACH, Timing

ABSENT, JUMP = 30.0, 25.0
"""Largest cost of a thumbnail, that of one not shown in the clip; and cost of another stretch.

`TELLING` is the unit.
"""

UNCHANGED = 30.0
"""Lead in cost that a speed other than the original one needs; most copies are not sped up."""

NOISIER, QUIET = 2.5, 0.01
"""Limits on how much a thumbnail's best frame may differ for the thumbnail to count as shown.

The first is a multiple of the difference that the best thumbnail has; the second is the least value
taken for that, as part of its detail.
"""

APART = 1.0
"""Distance from another stretch, s, below which a single thumbnail makes no stretch of its own.

It stands at an edge, and its neighbour is shown.
"""

NEAR, FIXED = 0.3, 0.05
"""Remaining error of the place, px: after it was measured, and where the whole frame is shown."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Stretch of thumbnails that one timing explains.

    Attributes:
        timing: of the stretch.
        members: numbers of its thumbnails.
        shown: time of the frame that shows each, s.
    """

    timing: Timing
    members: tuple[int, ...]
    shown: tuple[float, ...]


def stretches(found: Fits, guess: Timing, exact: bool) -> tuple[list[Stretch], Floats]:
    """Finds the stretches that explain all thumbnails at the least cost, and the place, ``(4,)``.

    The stretch with most thumbnails comes first.

    Args:
        found: thumbnails against frames.
        guess: the timing by votes; times up to `REACH` away are tried.
        exact: whether the place is known to be right.
    """
    place, loose = np.zeros(4), FIXED if exact else FAR
    parts: list[tuple[Timing, list[int]]] = []
    for _ in range(3):
        parts = _path(found, _excess(found, place, loose), guess)
        for i, (timing, members) in enumerate(parts):
            others = [part for j, part in enumerate(parts) if j != i]
            parts[i] = (_exactly(found, timing, members, others, FIXED if exact else FAR), members)
        place = _place(found, parts, FIXED if exact else FAR)
        loose = FIXED if exact else NEAR
    costs = _excess(found, place, loose)
    return [
        Stretch(t, tuple(m), tuple(_shown(found, costs[k], t, k) for k in m)) for t, m in parts
    ], place


def _excess(found: Fits, place: Floats, loose: float) -> Floats:
    """Computes the cost of each frame for each thumbnail, at most `ABSENT`.

    It is higher for a thumbnail whose best frame fits much worse than those of the others.
    """
    cost = found.at(place, loose)
    least = cost.min(axis=1)
    noise = found.noise * least
    misfit = np.maximum(0, np.log(noise / (NOISIER * max(QUIET, noise.min()))))
    return np.asarray(
        np.minimum(TELLING * (np.log(cost / least[:, None]) + misfit[:, None]), ABSENT)
    )


def _path(found: Fits, costs: Floats, guess: Timing) -> list[tuple[Timing, list[int]]]:
    """Finds timings, and the thumbnails that each explains, on the path of least cost.

    All timings have the same speed.
    """
    period = float(np.median(np.diff(found.times))) if found.times.size > 1 else 1.0
    shifts = np.arange(-REACH, REACH + period / 2, period)
    speeds = np.unique(np.append(SPEEDS, 1.0)) if found.moments.size > 1 else np.ones(1)
    frames = found.shown(guess, shifts, speeds)
    each = np.where(frames >= 0, costs[np.arange(found.moments.size), frames], ABSENT)
    best: tuple[float, float, list[int]] = (np.inf, 1.0, [])
    for speed, table in zip(speeds, each, strict=True):
        sped_up = abs(speed - 1) > 1e-6
        total, states = _least(table, JUMP * (1 + sped_up))
        total += UNCHANGED * sped_up
        if total < best[0]:
            best = (total, float(speed), states)
    _, speed, states = best
    middle, table = float(found.moments.mean()), each[int(np.flatnonzero(speeds == speed)[0])]
    members: dict[int, list[int]] = {}
    for k, state in enumerate(states):
        if table[state, k] < ABSENT:
            members.setdefault(state, []).append(k)
    kept: list[tuple[int, list[int]]] = []
    for state, mine in sorted(members.items(), key=lambda item: -len(item[1])):
        if len(mine) > 1 or all(abs(state - other) * period >= APART for other, _ in kept):
            kept.append((state, mine))
    return [
        (Timing(speed, middle - speed * (guess.here(middle) + float(shifts[s]))), mine)
        for s, mine in kept
    ]


def _least(table: Floats, jump: float) -> tuple[float, list[int]]:
    """Finds the path of least cost through a table ``(states, k)``: its cost and its states.

    A change of state costs ``jump``.
    """
    total, came = table[:, 0], []
    for column in table.T[1:]:
        least = int(total.argmin())
        jumps = total[least] + jump < total
        came.append(np.where(jumps, least, np.arange(total.size)))
        total = np.where(jumps, total[least] + jump, total) + column
    states = [int(total.argmin())]
    for back in reversed(came):
        states.append(int(back[states[-1]]))
    return float(total.min()), states[::-1]


def _exactly(
    found: Fits,
    timing: Timing,
    members: Sequence[int],
    others: Sequence[tuple[Timing, list[int]]],
    loose: float,
) -> Timing:
    """Refines a timing: the one at which the members fit best all together, at any place.

    The place is the same for the other stretches, so they count as well.
    """
    mine = np.array(members)
    part = Fits(
        *(getattr(found, name)[mine] if name != "times" else found.times for name in Fits.__slots__)
    )
    period = float(np.median(np.diff(found.times))) if found.times.size > 1 else 1.0
    shifts = np.arange(-6 * period, 6.01 * period, period / 4)
    slack = np.linspace(-0.012, 0.012, 25) if len(members) > 2 else np.zeros(1)
    speeds = np.unique(
        np.append(timing.speed + slack, [1.0] if abs(timing.speed - 1) < 0.02 else [])
    )
    frames = part.shown(timing, shifts, speeds)
    at = np.arange(mine.size), frames
    cost, slope = part.cost[at].sum(axis=2), part.slope[at].sum(axis=2)
    known, curvature = np.zeros(4), part.curvature.sum(axis=0) + held(loose)
    for other, theirs in others:
        for k, n in zip(
            theirs,
            found.shown(other, np.zeros(1), np.array([other.speed]))[0, 0][theirs],
            strict=True,
        ):
            known, curvature = known + found.slope[k, n], curvature + found.curvature[k]
    slope = slope + known
    total = TELLING * (cost - np.einsum("sti,ij,stj->st", slope, np.linalg.inv(curvature), slope))
    total = np.where((frames < 0).any(axis=2), np.inf, total)
    if not np.isfinite(total).any():
        return timing
    total += UNCHANGED * (np.abs(speeds - 1) > 1e-6)[:, None]
    row, _ = np.unravel_index(int(total.argmin()), total.shape)
    level = np.flatnonzero(total[row] <= total.min() + 1e-6)
    middle = float(part.moments.mean())
    speed, shift = float(speeds[row]), float(shifts[level].mean())
    return Timing(speed, middle - speed * (timing.here(middle) + shift))


def _place(found: Fits, parts: Sequence[tuple[Timing, list[int]]], loose: float) -> Floats:
    """Measures the error of the place, once the times are known."""
    slope, curvature = np.zeros(4), held(loose)
    for timing, members in parts:
        frames = found.shown(timing, np.zeros(1), np.array([timing.speed]))[0, 0]
        for k in members:
            if frames[k] >= 0:
                slope, curvature = slope + found.slope[k, frames[k]], curvature + found.curvature[k]
    return np.asarray(np.linalg.solve(curvature, slope))


def _shown(found: Fits, costs: Floats, timing: Timing, number: int, stray: float = 0.04) -> float:
    """Finds the time of the frame that shows a thumbnail, s.

    The thumbnail's own costs decide, with a penalty for the distance from the common timing, in
    units of ``stray``, s.
    """
    away = (found.times - timing.here(float(found.moments[number]))) / stray
    return float(found.times[int((costs + 0.5 * away**2).argmin())])
