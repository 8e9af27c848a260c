"""The exact time: all thumbnails and all frames of a clip at once, laid over each other.

A camera that pans makes a wrong time look like a wrong place, and the other way round. But the place is the same all the
time, and the time runs evenly. So each frame's difference from a thumbnail is kept as a quadratic of the place (Lucas and
Kanade 1981), and the time is where all thumbnails together fit best, whatever the place. Stretches, where something was cut
out or the order was changed, are the path through all thumbnails that costs least (Viterbi 1967).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.originals.matching import SPEEDS
from unmask.originals.overlay import detail, luma
from unmask.originals.registration import Film
from unmask.originals.timing import REACH, Place, Timing
from unmask.types import Rgb

FIT_PX = 192
"""Width of the original at which frames are laid over thumbnails, px."""

MOST_FRAMES = 500
"""Frames of a clip that are laid over; those nearest to where each thumbnail is thought to be."""

MOST_PX = 640
"""Longest side at which they are kept meanwhile, px."""

APART = 1.0
"""s from another stretch below which a thumbnail alone makes none: it stands at an edge, and its neighbour is shown."""

TELLING = 40.0
"""What a frame costs that differs from a thumbnail twice as much as the best frame does."""

ABSENT, JUMP = 30.0, 25.0
"""Most that a thumbnail costs, one that the clip does not show; and what another stretch costs."""

NOISIER = 6.0
"""Times as much as the best thumbnail that another may differ from its best frame, and still be thought to be shown."""

UNCHANGED = 30.0
"""By how much another speed than the original one must fit better, as most copies are not sped up."""

FAR, NEAR, FIXED = 2.0, 0.3, 0.05
"""px of `FIT_PX` by which the place may be off: at first, once it was told, and where the whole frame is shown."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Greys:
    """Frames of a clip: ``times`` s, float64 ``(n,)``; ``greys`` uint8 ``(n, h, w)``."""

    times: Floats
    greys: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Fits:
    """How well frames fit thumbnails, as quadratics of the place: ``cost - 2 slope p + p curvature p``, p in px of `FIT_PX`.

    Attributes:
        moments: float64 ``(k,)``: of the thumbnails, s, in order.
        times: float64 ``(n,)``: of the frames, s.
        cost: float64 ``(k, n)``: how much they differ, 1 for the best frame of a thumbnail.
        slope: float64 ``(k, n, 4)``.
        curvature: float64 ``(k, 4, 4)``.
        noise: float64 ``(k,)``: what the best frame differs in, as part of the thumbnail's detail.
    """

    moments: Floats
    times: Floats
    cost: Floats
    slope: Floats
    curvature: Floats
    noise: Floats

    def at(self, place: Floats, loose: float) -> Floats:
        """Costs, ``(k, n)``, where the place is off by p, ``(4,)``, and each frame by about ``loose`` px more."""
        slope = self.slope - (self.curvature @ place)[:, None]
        cost = self.cost - 2 * self.slope @ place + (place @ self.curvature @ place)[:, None]
        better = np.einsum("kni,kij,knj->kn", slope, np.linalg.inv(self.curvature + _held(loose)), slope)
        return np.asarray(np.maximum(cost - better, 1e-3))

    def shown(self, timing: Timing, shifts: Floats, speeds: Floats) -> NDArray[np.int64]:
        """The frame for each thumbnail, int64 ``(speeds, shifts, k)``; -1 where there is none at that time.

        The clip's times are shifted, and the speed is another, about the middle of all thumbnails.
        """
        middle = self.moments.mean()
        here = timing.here(middle) + (self.moments - middle) / speeds[:, None]
        times = (here[:, None] + shifts[:, None]).clip(-1e6, 1e6)
        after = np.searchsorted(self.times, times).clip(1, max(1, self.times.size - 1))
        after = np.minimum(after, self.times.size - 1)
        before = np.maximum(after - 1, 0)
        nearest = np.where(times - self.times[before] < self.times[after] - times, before, after)
        apart = float(np.median(np.diff(self.times))) if self.times.size > 1 else 1.0
        return np.where(np.abs(self.times[nearest] - times) <= apart, nearest, -1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Thumbnails that one timing explains, by number, and the time of the frame that shows each, s."""

    timing: Timing
    members: tuple[int, ...]
    shown: tuple[float, ...]


def _held(loose: float) -> Floats:
    """The curvature that keeps the place from going much further than so many px."""
    return np.eye(4) / (loose**2 * TELLING)


def stretches(found: Fits, guess: Timing, exact: bool) -> tuple[list[Stretch], Floats]:
    """The stretches that explain all thumbnails at the least cost, that of most thumbnails first; and the place, ``(4,)``.

    Args:
        found: thumbnails against frames.
        guess: what votes say; times up to `REACH` away are tried.
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
    return [Stretch(t, tuple(m), tuple(_shown(found, costs[k], t, k) for k in m)) for t, m in parts], place


def _excess(found: Fits, place: Floats, loose: float) -> Floats:
    """What each frame costs for each thumbnail, at most `ABSENT`; more where none fits nearly as others are fitted."""
    cost = found.at(place, loose)
    least = cost.min(axis=1)
    noise = found.noise * least
    misfit = np.maximum(0, np.log(noise / (NOISIER * noise.min())))
    return np.asarray(np.minimum(TELLING * (np.log(cost / least[:, None]) + misfit[:, None]), ABSENT))


def _path(found: Fits, costs: Floats, guess: Timing) -> list[tuple[Timing, list[int]]]:
    """Timings, and the thumbnails that each explains, by the path of least cost through all of them, at one speed."""
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
    return [(Timing(speed, middle - speed * (guess.here(middle) + float(shifts[s]))), mine) for s, mine in kept]


def _least(table: Floats, jump: float) -> tuple[float, list[int]]:
    """The least cost of a path through a table ``(states, k)``, where changing the state costs ``jump``; and its states."""
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
    found: Fits, timing: Timing, members: Sequence[int], others: Sequence[tuple[Timing, list[int]]], loose: float
) -> Timing:
    """The timing at which the members fit best all together, whatever the place, which is that of the others as well."""
    mine = np.array(members)
    part = Fits(*(getattr(found, name)[mine] if name != "times" else found.times for name in Fits.__slots__))
    period = float(np.median(np.diff(found.times))) if found.times.size > 1 else 1.0
    shifts = np.arange(-6 * period, 6.01 * period, period / 4)
    slack = np.linspace(-0.012, 0.012, 25) if len(members) > 2 else np.zeros(1)
    speeds = np.unique(np.append(timing.speed + slack, [1.0] if abs(timing.speed - 1) < 0.02 else []))
    frames = part.shown(timing, shifts, speeds)
    at = np.arange(mine.size), frames
    cost, slope = part.cost[at].sum(axis=2), part.slope[at].sum(axis=2)
    known, curvature = np.zeros(4), part.curvature.sum(axis=0) + _held(loose)
    for other, theirs in others:
        for k, n in zip(theirs, found.shown(other, np.zeros(1), np.array([other.speed]))[0, 0][theirs], strict=True):
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
    """By how much the place is off, once the times are known."""
    slope, curvature = np.zeros(4), _held(loose)
    for timing, members in parts:
        frames = found.shown(timing, np.zeros(1), np.array([timing.speed]))[0, 0]
        for k in members:
            if frames[k] >= 0:
                slope, curvature = slope + found.slope[k, frames[k]], curvature + found.curvature[k]
    return np.asarray(np.linalg.solve(curvature, slope))


def _shown(found: Fits, costs: Floats, timing: Timing, number: int, stray: float = 0.04) -> float:
    """When a thumbnail is shown: what its own costs say, the less the farther from what all say together, in s."""
    away = (found.times - timing.here(float(found.moments[number]))) / stray
    return float(found.times[int((costs + 0.5 * away**2).argmin())])


def windows(film: Film, likely: Sequence[float]) -> list[float]:
    """Times of the frames to lay over: all, or of a long clip those about the likely times of its thumbnails, s."""
    everything = film.times(1 / 240, MOST_FRAMES)
    if len(everything) >= film.facts.frames or not likely:
        return everything
    each = MOST_FRAMES // len(likely)
    half = each / 2 * film.facts.duration / film.facts.frames
    near = (film.times_between(max(0.0, t - half), t + half, 1 / 240, each) for t in likely)
    return sorted({t for times in near for t in times})


def fits(
    frames: Greys,
    thumbnails: Sequence[tuple[float, Rgb]],
    mirrored: bool,
    place: Place,
    softness: float,
) -> Fits:
    """Every frame against every thumbnail.

    Args:
        frames: of the clip.
        thumbnails: moment, s, and picture of each.
        mirrored: whether the clip is.
        place: where the original lies in the clip's frame.
        softness: blur, px of `FIT_PX`; about as much as the place may be off.
    """
    height, width = (round(FIT_PX * side / thumbnails[0][1].shape[1]) for side in thumbnails[0][1].shape[:2])
    matrix = _onto_clip(place, mirrored, width, frames.greys.shape[2])
    seen = _covered(matrix, (height, width), frames.greys.shape[1:])
    laid = np.array([_softened(_laid(grey, matrix, seen.shape), softness) for grey in frames.greys])
    laid = laid.reshape(len(laid), -1)
    squared = laid**2
    targets = (_small(picture, seen.shape) for _, picture in thumbnails)
    told = [_against(laid, squared, _softened(target, softness), seen) for target in targets]
    cost, slope, curvature, noise = (np.array([one[i] for one in told]) for i in range(4))
    return Fits(np.array([m for m, _ in thumbnails]), frames.times, cost, slope, curvature, noise)


def greys(film: Film, times: Sequence[float], place: Place) -> Greys:
    """The clip's frames of some times, about as large as they are laid over thumbnails from that place."""
    tall = max(1.0, film.facts.height / film.facts.width)
    longest = min(MOST_PX, FIT_PX * tall / max(float(np.hypot(*place[:2, 0])), 0.1))
    shown = [(frame.time, luma(frame.rgb).astype(np.uint8)) for frame in film.frames(times, round(longest))]
    return Greys(np.array([time for time, _ in shown]), np.array([grey for _, grey in shown]))


def _onto_clip(place: Place, mirrored: bool, width: int, clip_width: int) -> Place:
    """Carries px of an original that is ``width`` px wide to px of the clip's frame."""
    flip = np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]]) if mirrored else np.eye(3)
    from_px = np.array([[1 / width, 0, 0.5 / width], [0, 1 / width, 0.5 / width], [0, 0, 1]])
    to_px = np.array([[clip_width, 0, -0.5], [0, clip_width, -0.5], [0, 0, 1]])
    return np.asarray(to_px @ flip @ place @ from_px)


def _covered(matrix: Place, shape: tuple[int, int], clip_shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """What of the original the clip's frame covers, bool ``shape``."""
    import cv2

    y, x = np.indices(shape, np.float64)
    at = cv2.perspectiveTransform(np.stack([x, y], axis=-1).reshape(1, -1, 2), matrix)[0].reshape(*shape, 2)
    return np.asarray(((at > 1) & (at < np.array([clip_shape[1], clip_shape[0]]) - 2)).all(axis=2))


def _laid(grey: NDArray[np.uint8], matrix: Place, shape: tuple[int, ...]) -> NDArray[np.float32]:
    import cv2

    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    over = cv2.warpPerspective(grey, matrix, (shape[1], shape[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(over, np.float32)


def _small(picture: Rgb, shape: tuple[int, ...]) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.resize(luma(picture), (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.float32)


def _softened(grey: NDArray[np.float32], softness: float) -> NDArray[np.float32]:
    """Without coarse light and shade, nor what is finer than a place may be off."""
    import cv2

    return detail(np.asarray(cv2.GaussianBlur(grey, (0, 0), softness), np.float32), 7.0)


def _against(
    frames: NDArray[np.float32], squared: NDArray[np.float32], target: NDArray[np.float32], seen: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats, float]:
    """Cost, slope, curvature and noise of all frames against one thumbnail, see `Fits`.

    What differs in the best of them as well is left out.
    """
    import cv2

    y, x = np.indices(seen.shape, np.float32) / seen.shape[1] - 0.5
    dx, dy = (cv2.Sobel(target, cv2.CV_32F, i, 1 - i, scale=1 / 8) for i in (1, 0))
    columns = np.stack([dx, dy, 2 * dx * x, 2 * dy * y], axis=-1).reshape(-1, 4)
    basis, inner = np.column_stack([target.ravel(), columns]), _inner(seen)
    cost, slope, curvature, _ = _quadratic(frames, squared, basis, inner)
    better = np.einsum("ni,ij,nj->n", slope, np.linalg.inv(curvature + _held(FAR)), slope)
    best = frames[int((cost - better).argmin())].reshape(seen.shape)
    return _quadratic(frames, squared, basis, inner & _agreeing(best, target, inner))


def _quadratic(
    frames: NDArray[np.float32], squared: NDArray[np.float32], basis: NDArray[np.float32], use: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats, float]:
    """Squared difference of frames, brought to one contrast, from a thumbnail, see `Fits`; ``basis`` is that and its slopes."""
    used = basis * use.reshape(-1, 1)
    moved = (used.T @ basis).astype(np.float64)
    own = float(moved[0, 0])
    energy = (squared @ use.ravel().astype(np.float32)).astype(np.float64)
    products = (frames @ used).astype(np.float64) * np.sqrt(own / np.maximum(energy, 1e-3))[:, None]
    cost = 2 * own - 2 * products[:, 0]
    slope = products[:, 1:] - moved[0, 1:]
    least = max(float(cost.min()), 1e-3 * own)
    return cost / least, slope / least, moved[1:, 1:] / least, least / own


def _inner(seen: NDArray[np.bool_], margin: int = 9) -> NDArray[np.bool_]:
    import cv2

    return np.asarray(cv2.erode(seen.astype(np.uint8), np.ones((margin, margin), np.uint8)) > 0)


def _agreeing(
    frame: NDArray[np.float32], target: NDArray[np.float32], use: NDArray[np.bool_], far: float = 5.0
) -> NDArray[np.bool_]:
    """Where a frame differs from a thumbnail little more than it usually does: not under a subtitle, nor in a changed face."""
    import cv2

    x, y = frame[use], target[use]
    gain = float(x @ y / max(float(x @ x), 1e-3))
    residual = cv2.GaussianBlur((gain * frame - target) ** 2, (0, 0), 3)
    return np.asarray(residual < far * np.median(residual[use]))
