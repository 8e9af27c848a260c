"""Laying a clip over its original: the exact frame first, then the exact place; what does not fit is no match.

An original is known at some moments only, its thumbnails. For each of these the clip's frame is sought that shows just this
moment. Where the frames lie in time is told by all thumbnails together, because one of a still scene tells little. Then the
regions of the two pictures give a homography, which the enhanced correlation coefficient (Evangelidis and Psarakis 2008)
makes exact to a fraction of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.originals.matching import Candidate
from unmask.originals.regions import QUERY_PX, scaled
from unmask.originals.registration import Film
from unmask.types import Frame, Pair, Rgb

WINDOW = 0.7
"""s on either side of where votes say a moment is, within which it is sought."""

PASSES = ((160, WINDOW, 0.04), (320, 0.24, 0.012))
"""Width at which frames are compared to find the right moment, px; s on either side within which it is sought; by how much the
speed may differ from what was thought before. The second time the place is known exactly."""

MARGIN = 5.0
"""s before and after the votes in which thumbnails are tried as well."""

PROBES = 8
"""Thumbnails from which the exact offset is told."""

MOST_PAIRS = 60
"""Frames laid over an original for one stretch, evenly spaced."""

TILE = 16
"""Side of the tiles that are compared to tell whether two pictures show the same, px of the thumbnail."""

ALIKE, ENOUGH = 0.6, 0.35
"""Correlation, -1 to 1, from which two tiles show the same; share of the tiles that can be compared of which it must hold.
Pictures of different scenes have a share of about 0.02; a face that fills half of the frame still leaves half of it."""

LEAST_TILES = 12
"""Tiles with some detail without which nothing can be said."""

Picture = Callable[[float], Rgb | None]
"""Gives the thumbnail of the original at a time, s; None if there is none."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The original's time is ``speed * time + offset``, s."""

    speed: float
    offset: float

    def there(self, time: float) -> float:
        return self.speed * time + self.offset

    def here(self, original_time: float) -> float:
        return (original_time - self.offset) / self.speed


def align(
    film: Film, candidate: Candidate, moments: Sequence[float], picture: Picture
) -> tuple[Timing, tuple[Pair, ...]]:
    """Frames of a clip laid over the thumbnails of an original; no pairs if they do not show the same.

    Args:
        film: the clip, open.
        candidate: where the votes are.
        moments: times of all thumbnails of that footage, s, in order.
        picture: gives the thumbnail of a time.
    """
    place = np.vstack([candidate.place, [0, 0, 1]])
    if film.facts.frames == 1:
        nearest = min(moments, key=lambda m: abs(m - candidate.offset))
        timing = Timing(1.0, nearest)
        return timing, _pairs(film, timing, [nearest], candidate.mirrored, place, picture)
    timing = Timing(candidate.speed, candidate.offset)
    inside = [m for m in moments if candidate.start - MARGIN <= timing.here(m) <= candidate.end + MARGIN]
    inside = [m for m in inside if -WINDOW <= timing.here(m) <= film.facts.duration + WINDOW]
    probes = {m: thumbnail for m in spread(inside, PROBES) if (thumbnail := picture(m)) is not None}
    for width, window, slack in PASSES:
        curves = [_curve(film, timing, m, probes[m], candidate.mirrored, place, width, window) for m in probes]
        timing = _timing(timing, [c for c in curves if c.times.size], window, slack, _period(film))
        found = _pairs(film, timing, list(probes), candidate.mirrored, place, picture)
        if not found:
            return timing, ()
        place = _common(found, film.facts.width, candidate.mirrored)
    return timing, _pairs(film, timing, spread(inside, MOST_PAIRS), candidate.mirrored, place, picture)


def _period(film: Film) -> float:
    """Seconds from one frame to the next, on average."""
    return film.facts.duration / max(1, film.facts.frames)


def spread(values: Sequence[float], at_most: int) -> list[float]:
    """At most so many of the values, evenly spaced."""
    if len(values) <= at_most:
        return list(values)
    return [values[i] for i in np.linspace(0, len(values) - 1, at_most).round().astype(int)]


# ---------------------------------------------------------------- when


@dataclass(frozen=True, slots=True)
class _Curve:
    """How like a thumbnail of time ``moment`` each of the clip's frames at ``times`` is: correlation, -1 to 1."""

    moment: float
    times: NDArray[np.float64]
    alike: NDArray[np.float64]


def _curve(
    film: Film,
    timing: Timing,
    moment: float,
    thumbnail: Rgb,
    mirrored: bool,
    place: NDArray[np.float64],
    width: int,
    window: float,
) -> _Curve:
    here = timing.here(moment)
    times = film.times_between(max(0.0, here - window), here + window, 1 / 240, 1000)
    target, mask = _as_in_clip(thumbnail, place, width, round(width * film.facts.height / film.facts.width))
    seen = [
        (f.time, _correlation(_grey(_turned(f.rgb, mirrored), target.shape), target, mask)) for f in film.frames(times)
    ]
    return _Curve(moment, np.array([t for t, _ in seen]), np.array([a for _, a in seen]))


def _timing(timing: Timing, curves: Sequence[_Curve], window: float, slack: float, period: float) -> Timing:
    """The speed, within ``slack``, and the offset at which all curves together are highest."""
    if not curves:
        return timing
    weights = [float(c.alike.max() - np.median(c.alike)) + 1e-3 for c in curves]
    middle = float(np.mean([c.moment for c in curves]))
    far = max(abs(c.moment - middle) for c in curves)
    steps = int(np.ceil(2 * slack * far / period))
    speeds = timing.speed + np.linspace(-slack, slack, 2 * steps + 1) if steps else np.array([timing.speed])
    shifts = np.arange(-window, window + period / 8, period / 4)
    total = np.zeros((speeds.size, shifts.size))
    for i, speed in enumerate(speeds):
        for curve, weight in zip(curves, weights, strict=True):
            at = timing.here(middle) + (curve.moment - middle) / speed + shifts
            total[i] += weight * np.interp(at, curve.times, curve.alike, left=-1, right=-1)
    best_speed, best_shift = np.unravel_index(int(total.argmax()), total.shape)
    speed = float(speeds[best_speed])
    return Timing(speed, middle - speed * (timing.here(middle) + float(shifts[best_shift])))


def _as_in_clip(
    thumbnail: Rgb, place: NDArray[np.float64], width: int, height: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The thumbnail where it is in the clip's frame, grey, ``(height, width)``; and where it is."""
    import cv2

    matrix = np.diag([width, width, 1.0]) @ place @ np.diag([1 / thumbnail.shape[1], 1 / thumbnail.shape[1], 1.0])
    soft = cv2.GaussianBlur(_fine(thumbnail), (0, 0), max(0.5, 0.4 * thumbnail.shape[1] / width))
    target = cv2.warpPerspective(soft, matrix, (width, height), flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones(thumbnail.shape[:2], np.float32), matrix, (width, height))
    return np.asarray(target, np.float32), np.asarray(mask > 0.99)


def _common(pairs: Sequence[Pair], clip_width: int, mirrored: bool) -> NDArray[np.float64]:
    """The place that all pairs agree on, see `Candidate.place`: where its corners lie in the middle one of them.

    A frame that is a little early is laid a little aside if the camera moves; over many moments that evens out.
    """
    import cv2

    height, width = pairs[0].original.shape[:2]
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float32)
    flip = np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]]) if mirrored else np.eye(3)
    in_widths = flip @ np.diag([1 / clip_width, 1 / clip_width, 1.0])
    placed = [cv2.perspectiveTransform(corners[None], in_widths @ np.linalg.inv(p.onto))[0] for p in pairs]
    middle = np.median(placed, axis=0).astype(np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners / np.float32(width), middle), np.float64)


def _fine(rgb: Rgb) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)


def _grey(rgb: Rgb, shape: tuple[int, ...]) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.resize(_fine(rgb), (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.float32)


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Of what is left of two pictures without their coarse light and shade."""
    if mask.sum() < 100:
        return -1.0
    x, y = (_detail(picture)[mask] for picture in (a, b))
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / max(float(np.sqrt((x * x).sum() * (y * y).sum())), 1e-6))


def _detail(grey: NDArray[np.float32], sigma: float = 6.0) -> NDArray[np.float32]:
    import cv2

    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), sigma), np.float32)


def _turned(rgb: Rgb, mirrored: bool) -> Rgb:
    return np.ascontiguousarray(rgb[:, ::-1]) if mirrored else rgb


# ---------------------------------------------------------------- where


def _pairs(
    film: Film,
    timing: Timing,
    moments: Sequence[float],
    mirrored: bool,
    place: NDArray[np.float64],
    picture: Picture,
) -> tuple[Pair, ...]:
    """The clip's frames of some moments, each laid over its thumbnail; without those that do not show the same."""
    period = _period(film)
    early = [max(0.0, timing.here(m) - period / 2) for m in moments]
    frames = (
        list(film.frames(sorted(early))) if len(moments) <= PROBES else None
    )  # all at once where they fit in memory
    laid = []
    for moment, sought in zip(moments, early, strict=True):
        near = film.frames([sought]) if frames is None else (f for f in frames if f.time >= sought - 1e-6)
        frame, thumbnail = next(iter(near), None), picture(moment)
        if frame is None or thumbnail is None or frame.time > max(0.0, timing.here(moment)) + 2 * period:
            continue
        laid.append(_pair(frame, moment, thumbnail, mirrored, place))
    return tuple(pair for pair in laid if pair is not None)


def _pair(frame: Frame, moment: float, thumbnail: Rgb, mirrored: bool, place: NDArray[np.float64]) -> Pair | None:
    small = scaled(_turned(frame.rgb, mirrored), QUERY_PX)
    onto = homography(small, thumbnail, place)
    if onto is None:
        return None
    laid, seen = lay(small, onto, thumbnail.shape)
    if not shows_the_same(laid, thumbnail, seen):
        return None
    return Pair(frame.time, moment, laid, thumbnail, seen, onto @ _shrinking(frame.rgb, small, mirrored))


def _shrinking(rgb: Rgb, small: Rgb, mirrored: bool) -> NDArray[np.float64]:
    """Carries px of the file's frame to px of the small copy, mirrored or not."""
    x, y = small.shape[1] / rgb.shape[1], small.shape[0] / rgb.shape[0]
    flip = np.array([[-1.0, 0, rgb.shape[1] - 1], [0, 1, 0], [0, 0, 1]]) if mirrored else np.eye(3)
    return np.asarray(np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]]) @ flip)


def lay(rgb: Rgb, onto: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[Rgb, NDArray[np.bool_]]:
    """A picture carried onto a thumbnail of ``shape``, and where it covers it."""
    import cv2

    size = (shape[1], shape[0])
    shrink = 1 / max(float(np.sqrt(abs(np.linalg.det(onto[:2, :2])))), 1e-6)
    soft = cv2.GaussianBlur(rgb, (0, 0), 0.4 * shrink) if shrink > 1.2 else rgb
    laid = cv2.warpPerspective(soft, onto, size, flags=cv2.INTER_LINEAR)
    seen = cv2.warpPerspective(np.ones(rgb.shape[:2], np.float32), onto, size) > 0.99
    return np.asarray(laid, np.uint8), np.asarray(seen)


def homography(rgb: Rgb, thumbnail: Rgb, place: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Carries px of a frame onto a thumbnail, float64 ``(3, 3)``; None if too few regions agree.

    Args:
        rgb: the frame, uint8 ``(h, w, 3)``.
        thumbnail: uint8 ``(h, w, 3)``.
        place: float64 ``(3, 3)``: where the thumbnail lies in the frame, roughly, both in their widths.
    """
    import cv2

    sift = cv2.SIFT.create(nfeatures=500, contrastThreshold=0.01)
    (here, there), (a, b) = zip(
        *(sift.detectAndCompute(_fine(p).astype(np.uint8), None) for p in (rgb, thumbnail)), strict=True
    )
    if a is None or b is None or min(len(a), len(b)) < 6:
        return None
    best = [
        pair[0]
        for pair in cv2.BFMatcher().knnMatch(a, b, k=2)
        if len(pair) == 2 and pair[0].distance < 0.85 * pair[1].distance
    ]
    matrix = np.diag([rgb.shape[1], rgb.shape[1], 1.0]) @ place @ np.diag([1 / thumbnail.shape[1]] * 2 + [1.0])
    source = np.array([here[m.queryIdx].pt for m in best], np.float32).reshape(-1, 2)
    target = np.array([there[m.trainIdx].pt for m in best], np.float32).reshape(-1, 2)
    expected = cv2.perspectiveTransform(target[None], matrix)[0] if best else source
    near = np.linalg.norm(expected - source, axis=1) < 0.08 * rgb.shape[1]
    if near.sum() < 6:
        return None
    found, inside = cv2.findHomography(source[near].copy(), target[near].copy(), cv2.USAC_MAGSAC, 2.0)
    if found is None or inside.sum() < 6 or not 0.05 < abs(np.linalg.det(found[:2, :2])) < 50:
        return None
    return _polished(rgb, thumbnail, np.asarray(found, np.float64))


def _polished(rgb: Rgb, thumbnail: Rgb, onto: NDArray[np.float64]) -> NDArray[np.float64]:
    """Made exact by ECC over the part of the thumbnail that the frame covers; as it was where that fails."""
    import cv2

    laid, seen = lay(rgb, onto, thumbnail.shape)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 25, 1e-4)
    try:
        worth, warp = cv2.findTransformECC(
            _fine(thumbnail), _fine(laid), np.eye(3, dtype=np.float32), cv2.MOTION_HOMOGRAPHY, criteria,
            seen.astype(np.uint8), 5,
        )  # fmt: skip
    except cv2.error:
        return onto
    moved = np.asarray(np.linalg.inv(warp.astype(np.float64)) @ onto)
    before = _correlation(_fine(laid), _fine(thumbnail), seen)
    again, both = lay(rgb, moved, thumbnail.shape)
    return moved if worth > 0 and _correlation(_fine(again), _fine(thumbnail), both & seen) >= before else onto


def shows_the_same(laid: Rgb, thumbnail: Rgb, seen: NDArray[np.bool_], enough: float = ENOUGH) -> bool:
    """Whether enough tiles with some detail correlate, and they are not all in one corner."""
    like, counted = tiles_alike(laid, thumbnail, seen)
    if counted.sum() < LEAST_TILES or like[counted].mean() < enough:
        return False
    rows, cols = np.nonzero(like & counted)
    return bool(np.ptp(rows) >= 0.3 * (like.shape[0] - 1) and np.ptp(cols) >= 0.3 * (like.shape[1] - 1))


def tiles_alike(laid: Rgb, thumbnail: Rgb, seen: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which tiles show the same in both, and which can be compared: bool ``(h // TILE, w // TILE)`` each."""
    x, y = (_tiled(_detail(_fine(p), 8.0)) for p in (laid, thumbnail))
    covered = _tiled(seen.astype(np.float32)).min(axis=2) > 0.5
    x, y = (t - t.mean(axis=2, keepdims=True) for t in (x, y))
    spread_x, spread_y = ((t * t).mean(axis=2) for t in (x, y))
    correlation = (x * y).mean(axis=2) / np.sqrt(np.maximum(spread_x * spread_y, 1e-6))
    return np.asarray(correlation > ALIKE), np.asarray(covered & (spread_y > 9.0))


def _tiled(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, cols = plane.shape[0] // TILE, plane.shape[1] // TILE
    cut = plane[: rows * TILE, : cols * TILE].reshape(rows, TILE, cols, TILE)
    return cut.transpose(0, 2, 1, 3).reshape(rows, cols, TILE * TILE)
