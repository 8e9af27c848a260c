"""Fit of every frame of a clip to every thumbnail of an original, at any place near the known one.

When a camera pans, a wrong time looks like a wrong place, and the reverse. But the place is the
same all the time. So each frame's difference from a thumbnail is kept as a quadratic of the place
(Lucas and Kanade 1981), and `unmask.originals.stretches` finds the place and the times at which all
of them together fit best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.originals.film import Film
from unmask.originals.overlay import detail, luma
from unmask.originals.timing import Place, Timing
from unmask.types import Rgb

FIT_PX = 192
"""Width of the original at which frames are laid over thumbnails, px."""

MOST_FRAMES = 500
"""Most frames of a clip that are laid over; those nearest to the likely time of each thumbnail."""

MOST_PX = 640
"""Longest side at which these frames are kept meanwhile, px."""

FAR = 2.0
"""Largest initial error of the place, px of `FIT_PX`."""

TELLING = 40.0
"""Cost of a frame that differs from a thumbnail twice as much as the best frame does."""

STEADIED = 2
"""Frames before and after one over which its cost is averaged.

Encoders draw some frames better than those between, at a low rate every fourth or so. Without the
average the better frame would be taken for the nearer one.
"""

CUT = 4.0
"""Ratio of the differences of two neighbouring frames from some thumbnail that makes a cut."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Greys:
    """Frames of a clip: ``times`` s, float64 ``(n,)``; ``greys`` uint8 ``(n, h, w)``."""

    times: Floats
    greys: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Fits:
    """Fit of frames to thumbnails, as quadratics of the place.

    Each is ``cost - 2 slope p + p curvature p``, p in px of `FIT_PX`.

    Attributes:
        moments: float64 ``(k,)``: of the thumbnails, s, in order.
        times: float64 ``(n,)``: of the frames, s.
        cost: float64 ``(k, n)``: how much they differ, about 1 for the best frame of a thumbnail.
        slope: float64 ``(k, n, 4)``.
        curvature: float64 ``(k, 4, 4)``.
        noise: float64 ``(k,)``: difference of the best frame, as part of the thumbnail's detail.
    """

    moments: Floats
    times: Floats
    cost: Floats
    slope: Floats
    curvature: Floats
    noise: Floats

    def at(self, place: Floats, loose: float) -> Floats:
        """Computes the costs, ``(k, n)``, for a place that is off by ``place``, ``(4,)``.

        Each frame may be off by about ``loose`` px more.
        """
        slope = self.slope - (self.curvature @ place)[:, None]
        cost = self.cost - 2 * self.slope @ place + (place @ self.curvature @ place)[:, None]
        better = np.einsum(
            "kni,kij,knj->kn", slope, np.linalg.inv(self.curvature + held(loose)), slope
        )
        return np.asarray(np.maximum(cost - better, 1e-3))

    def shown(self, timing: Timing, shifts: Floats, speeds: Floats) -> NDArray[np.int64]:
        """Returns the frame for each thumbnail, int64 ``(speeds, shifts, k)``.

        It is -1 where there is none at that time. The clip's times are shifted, and the speed is
        changed about the middle of all thumbnails.
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


def held(loose: float) -> Floats:
    """Returns the curvature that keeps the place from moving much further than ``loose`` px."""
    return np.eye(4) / (loose**2 * TELLING)


def windows(film: Film, likely: Sequence[float]) -> list[float]:
    """Returns the times of the frames to lay over, s.

    These are all frames, or those of a long clip near the likely times of its thumbnails.
    """
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
    """Compares every frame with every thumbnail.

    Args:
        frames: of the clip.
        thumbnails: moment, s, and picture of each.
        mirrored: whether the clip is.
        place: where the original lies in the clip's frame.
        softness: blur, px of `FIT_PX`; about as much as the place may be off.
    """
    height, width = (
        round(FIT_PX * side / thumbnails[0][1].shape[1]) for side in thumbnails[0][1].shape[:2]
    )
    matrix = _onto_clip(place, mirrored, width, frames.greys.shape[2])
    seen = _covered(matrix, (height, width), frames.greys.shape[1:])
    laid = np.array([_softened(_laid(grey, matrix, seen.shape), softness) for grey in frames.greys])
    laid = laid.reshape(len(laid), -1)
    squared = laid**2
    targets = (_small(picture, seen.shape) for _, picture in thumbnails)
    told = [_against(laid, squared, _softened(target, softness), seen) for target in targets]
    cost, slope, curvature, noise = (np.array([one[i] for one in told]) for i in range(4))
    near = _steadying(frames.times, cost)
    return Fits(
        np.array([m for m, _ in thumbnails]),
        frames.times,
        cost @ near.T,
        near @ slope,
        curvature,
        noise,
    )


def _steadying(times: Floats, cost: Floats) -> Floats:
    """Returns weights, ``(n, n)``, that average over the frames about each one.

    They span at most `STEADIED` frames on each side, of the same shot.
    """
    steps, numbers = np.diff(times), np.arange(times.size)
    cut = (np.abs(np.diff(np.log(np.maximum(cost, 1e-3)), axis=1)) > np.log(CUT)).any(axis=0)
    shot = (
        np.append(0, np.cumsum(cut | (steps > 2 * np.median(steps)))) if steps.size else np.zeros(1)
    )
    weight = np.maximum(
        STEADIED + 1 - np.abs(np.subtract.outer(numbers, numbers)), 0
    ) * np.equal.outer(shot, shot)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def greys(film: Film, times: Sequence[float], place: Place) -> Greys:
    """Reads the clip's frames at some times, about as large as thumbnails at that place."""
    tall = max(1.0, film.facts.height / film.facts.width)
    longest = min(MOST_PX, FIT_PX * tall / max(float(np.hypot(*place[:2, 0])), 0.1))
    shown = [
        (frame.time, luma(frame.rgb).astype(np.uint8))
        for frame in film.frames(times, round(longest))
    ]
    return Greys(np.array([time for time, _ in shown]), np.array([grey for _, grey in shown]))


def _onto_clip(place: Place, mirrored: bool, width: int, clip_width: int) -> Place:
    """Returns the matrix from px of an original ``width`` px wide to px of the clip's frame."""
    flip = np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]]) if mirrored else np.eye(3)
    from_px = np.array([[1 / width, 0, 0.5 / width], [0, 1 / width, 0.5 / width], [0, 0, 1]])
    to_px = np.array([[clip_width, 0, -0.5], [0, clip_width, -0.5], [0, 0, 1]])
    return np.asarray(to_px @ flip @ place @ from_px)


def _covered(
    matrix: Place, shape: tuple[int, int], clip_shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Returns the part of the original that the clip's frame covers, bool ``shape``."""
    import cv2

    y, x = np.indices(shape, np.float64)
    at = cv2.perspectiveTransform(np.stack([x, y], axis=-1).reshape(1, -1, 2), matrix)[0].reshape(
        *shape, 2
    )
    return np.asarray(((at > 1) & (at < np.array([clip_shape[1], clip_shape[0]]) - 2)).all(axis=2))


def _laid(grey: NDArray[np.uint8], matrix: Place, shape: tuple[int, ...]) -> NDArray[np.float32]:
    import cv2

    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    over = cv2.warpPerspective(
        grey, matrix, (shape[1], shape[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(over, np.float32)


def _small(picture: Rgb, shape: tuple[int, ...]) -> NDArray[np.float32]:
    import cv2

    return np.asarray(
        cv2.resize(luma(picture), (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.float32
    )


def _softened(grey: NDArray[np.float32], softness: float) -> NDArray[np.float32]:
    """Removes coarse light and shade, and detail finer than the error of the place."""
    import cv2

    return detail(np.asarray(cv2.GaussianBlur(grey, (0, 0), softness), np.float32), 7.0)


def _against(
    frames: NDArray[np.float32],
    squared: NDArray[np.float32],
    target: NDArray[np.float32],
    seen: NDArray[np.bool_],
) -> tuple[Floats, Floats, Floats, float]:
    """Computes cost, slope, curvature and noise of all frames against one thumbnail, see `Fits`.

    Parts that differ even in the best frame are left out.
    """
    import cv2

    y, x = np.indices(seen.shape, np.float32) / seen.shape[1] - 0.5
    dx, dy = (cv2.Sobel(target, cv2.CV_32F, i, 1 - i, scale=1 / 8) for i in (1, 0))
    columns = np.stack([dx, dy, 2 * dx * x, 2 * dy * y], axis=-1).reshape(-1, 4)
    basis, inner = np.column_stack([target.ravel(), columns]), _inner(seen)
    cost, slope, curvature, _ = _quadratic(frames, squared, basis, inner)
    better = np.einsum("ni,ij,nj->n", slope, np.linalg.inv(curvature + held(FAR)), slope)
    best = frames[int((cost - better).argmin())].reshape(seen.shape)
    return _quadratic(
        frames, squared, basis, inner & _agreeing(best, target, inner) if inner.any() else inner
    )


def _quadratic(
    frames: NDArray[np.float32],
    squared: NDArray[np.float32],
    basis: NDArray[np.float32],
    use: NDArray[np.bool_],
) -> tuple[Floats, Floats, Floats, float]:
    """Computes the squared difference of frames from a thumbnail at equal contrast, see `Fits`.

    ``basis`` holds the thumbnail and its slopes.
    """
    used = basis * use.reshape(-1, 1)
    moved = (used.T @ basis).astype(np.float64)
    own = float(moved[0, 0])
    if own <= 0:  # nothing left to compare: every frame fits equally badly
        return (
            np.ones(len(frames)),
            np.zeros((len(frames), len(moved) - 1)),
            np.zeros_like(moved[1:, 1:]),
            1.0,
        )
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
    frame: NDArray[np.float32],
    target: NDArray[np.float32],
    use: NDArray[np.bool_],
    far: float = 5.0,
) -> NDArray[np.bool_]:
    """Finds where a frame differs from a thumbnail little more than it usually does.

    This excludes subtitles and a changed face.
    """
    import cv2

    x, y = frame[use], target[use]
    gain = float(x @ y / max(float(x @ x), 1e-3))
    residual = cv2.GaussianBlur((gain * frame - target) ** 2, (0, 0), 3)
    return np.asarray(residual <= far * np.median(residual[use]))
