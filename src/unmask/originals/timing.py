"""When a clip shows what an original shows: the frame of the clip for each of the original's thumbnails.

Votes tell the shot; within a shot regions stay where they are, so that they cannot tell the frame. Here thumbnails are compared
with all frames about them: how like they are rises and falls with every movement, and where all thumbnails together fit best,
at one speed, is the time. Those that fit badly there may fit well elsewhere: something was cut out in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.originals.matching import SPEEDS
from unmask.originals.overlay import correlation, detail, luma
from unmask.originals.registration import Film
from unmask.types import Rgb

STRIP_PX = 160
"""Width at which all frames of a clip are kept to be compared, px."""

MOST_FRAMES = 500
"""Frames of a clip that are kept, evenly spaced if it has more."""

APART = 1.0
"""s between what two stretches say of one moment, below which they are one: a scene with little movement is told less exactly."""

UNCHANGED = 0.985
"""Part of the best fit of all speeds that the original speed must reach to be taken for it: most copies are not sped up."""

REACH = 6.0
"""s by which votes on the time may be wrong."""

SPREAD, TELLING = 0.04, 0.1
"""Correlation by which a frame falls behind the best one to fit a third as well; and by which the best one must be above most
frames to tell the time."""

FIT = 0.25
"""How well a thumbnail must fit to belong to a stretch, see `Curve.fit`."""

Place = NDArray[np.float64]
"""float64 ``(3, 3)``: carries a place in the original to one in the clip's frame, both in their widths."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The original's time is ``speed * time + offset``, s."""

    speed: float
    offset: float

    def there(self, time: float) -> float:
        return self.speed * time + self.offset

    def here(self, original_time: float) -> float:
        return (original_time - self.offset) / self.speed


@dataclass(frozen=True, slots=True)
class Strip:
    """Small grey copies of a clip's frames: ``times`` s, float64 ``(n,)``; ``greys`` uint8 ``(n, h, STRIP_PX)``."""

    times: NDArray[np.float64]
    greys: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Curve:
    """How like a thumbnail of time ``moment`` each of the clip's frames at ``times`` is: correlation, -1 to 1."""

    moment: float
    times: NDArray[np.float64]
    alike: NDArray[np.float64]

    def fit(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """How well the frames at some times fit, 0 to 1: the best one 1, less the less like the thumbnail they are.

        A thumbnail of a still scene, which all frames are like, has little to say: 0 where the best is like all.
        """
        best = self.alike.max()
        weight = min(1.0, float(best - np.median(self.alike)) / TELLING)
        like = np.interp(times, self.times, self.alike, left=-1.0, right=-1.0)
        return np.asarray(weight * np.exp((like - best) / SPREAD))


def strip(film: Film) -> Strip:
    """The frames of a clip, small and grey."""
    times, greys = [], []
    height = max(8, round(STRIP_PX * film.facts.height / film.facts.width))
    for frame in film.frames(film.times(1 / 240, MOST_FRAMES), 4 * max(height, STRIP_PX)):
        times.append(frame.time)
        greys.append(_grey(frame.rgb, (height, STRIP_PX)).astype(np.uint8))
    return Strip(np.array(times), np.array(greys))


def curve(frames: Strip, timing: Timing, moment: float, thumbnail: Rgb, mirrored: bool, place: Place) -> Curve:
    """Over the frames of a strip within `REACH` of where a moment is thought to be."""
    near = np.flatnonzero(np.abs(frames.times - timing.here(moment)) <= REACH)
    height, width = frames.greys.shape[1:]
    target, mask = _as_in_clip(thumbnail, place, width, height)
    turned = frames.greys[near][:, :, ::-1] if mirrored else frames.greys[near]
    alike = [_moved_alike(np.ascontiguousarray(grey, np.float32), target, mask) for grey in turned]
    return Curve(moment, frames.times[near], np.array(alike))


def close_curve(
    film: Film, timing: Timing, moment: float, thumbnail: Rgb, mirrored: bool, place: Place, width: int, window: float
) -> Curve:
    """Over all frames within ``window`` s of where a moment is thought to be, at ``width`` px."""
    here = timing.here(moment)
    times = film.times_between(max(0.0, here - window), here + window, 1 / 240, 1000)
    target, mask = _as_in_clip(thumbnail, place, width, max(8, round(width * film.facts.height / film.facts.width)))
    seen = [(f.time, _grey(f.rgb, target.shape)) for f in film.frames(times)]
    turned = [np.ascontiguousarray(g[:, ::-1]) if mirrored else g for _, g in seen]
    alike = [(_moved_alike(g, target, mask) + correlation(g, target, mask)) / 2 for g in turned]
    return Curve(moment, np.array([t for t, _ in seen]), np.array(alike))


def _moved_alike(grey: NDArray[np.float32], target: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Correlation after the frame was moved to where it fits best.

    A camera that pans makes a wrong place look like a wrong time, and the other way round. What cannot be mistaken is how
    people move before the scenery.
    """
    import cv2

    window = mask.astype(np.float32)
    (dx, dy), _ = cv2.phaseCorrelate(detail(target) * window, detail(grey) * window)
    if max(abs(dx), abs(dy)) > 0.06 * grey.shape[1]:
        return correlation(grey, target, mask)
    moved = cv2.warpAffine(
        grey,
        np.array([[1, 0, -dx], [0, 1, -dy]]),
        grey.shape[::-1],
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return max(correlation(grey, target, mask), correlation(np.asarray(moved, np.float32), target, mask))


def stretches(curves: Sequence[Curve], guess: Timing, period: float) -> list[tuple[Timing, list[Curve]]]:
    """The timing that fits most curves, that which fits most of the others, and so on; and the curves that fit each.

    Args:
        curves: of all thumbnails.
        guess: what votes say.
        period: seconds from one frame of the clip to the next.
    """
    left = [c for c in curves if c.times.size]
    best = max((float(c.alike.max()) for c in left), default=0.0)
    found: list[tuple[Timing, list[Curve]]] = []
    while left and len(found) < 4:
        timing = fitted(left, guess, SPEEDS - guess.speed, np.arange(-REACH, REACH, period), period, steady=0.1)
        fits = [c for c in left if _fits(c, timing) and not _taken(timing.here(c.moment), found)]
        if not fits or (found and (len(fits) < 2 or max(c.alike.max() for c in fits) < 0.8 * best)):
            break
        left = [c for c in left if c not in fits]
        middle = float(np.mean([c.moment for c in fits]))
        near = [i for i, (other, _) in enumerate(found) if abs(other.here(middle) - timing.here(middle)) < APART]
        if near:
            found[near[0]] = (found[near[0]][0], found[near[0]][1] + fits)
        else:
            found.append((timing, fits))
    return found


def _taken(here: float, found: Sequence[tuple[Timing, list[Curve]]], margin: float = 0.3) -> bool:
    """Whether the frame at that time shows another moment already: one that the clip leaves out looks like its neighbours."""
    shown = [[timing.here(c.moment) for c in fits] for timing, fits in found]
    return any(min(times) + margin <= here <= max(times) - margin for times in shown)


def _fits(found: Curve, timing: Timing) -> bool:
    here = timing.here(found.moment)
    if not found.times[0] - 0.1 <= here <= found.times[-1] + 0.1:
        return False
    still = found.alike.max() - np.median(found.alike) < 0.2 * TELLING
    return bool(still or found.fit(np.array([here]))[0] >= FIT * found.fit(found.times).max())


def fitted(
    curves: Sequence[Curve],
    guess: Timing,
    slack: NDArray[np.float64],
    shifts: NDArray[np.float64],
    period: float,
    steady: float = 0.02,
) -> Timing:
    """The timing near a guess at which all curves together fit best.

    Args:
        curves: of some thumbnails.
        guess: from where the search goes out.
        slack: what is added to its speed, by turns.
        shifts: seconds by which the clip's times are shifted, by turns.
        period: seconds from one frame of the clip to the next.
        steady: by how much better per curve a speed that is 10 % off must fit than none, 0 to 1.
    """
    middle = float(np.mean([c.moment for c in curves]))
    far = max(abs(c.moment - middle) for c in curves)
    speeds = guess.speed + (slack if far > period else np.zeros(1))
    if speeds.min() < 1 < speeds.max():
        speeds = np.append(speeds, 1.0)
    total = np.zeros((speeds.size, shifts.size))
    for i, speed in enumerate(speeds):
        for one in curves:
            total[i] += one.fit(guess.here(middle) + (one.moment - middle) / speed + shifts)
        total[i] -= steady * len(curves) * min(1.0, abs(speed - 1) * 10)
    unchanged = np.flatnonzero(speeds == 1)
    if unchanged.size and total[unchanged].max() >= UNCHANGED * total.max():
        speeds, total = speeds[unchanged], total[unchanged]
    best_speed, best_shift = np.unravel_index(int(total.argmax()), total.shape)
    speed = float(speeds[best_speed])
    return Timing(speed, middle - speed * (guess.here(middle) + float(shifts[best_shift])))


def _as_in_clip(thumbnail: Rgb, place: Place, width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The thumbnail where it is in the clip's frame, grey, ``(height, width)``; and where it is."""
    import cv2

    matrix = np.diag([width, width, 1.0]) @ place @ np.diag([1 / thumbnail.shape[1], 1 / thumbnail.shape[1], 1.0])
    soft = cv2.GaussianBlur(luma(thumbnail), (0, 0), max(0.5, 0.4 * thumbnail.shape[1] / width))
    target = cv2.warpPerspective(soft, matrix, (width, height), flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones(thumbnail.shape[:2], np.float32), matrix, (width, height))
    return np.asarray(target, np.float32), np.asarray(mask > 0.99)


def _grey(rgb: Rgb, shape: tuple[int, ...]) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.resize(luma(rgb), (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.float32)
