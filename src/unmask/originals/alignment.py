"""Alignment of a clip with its original: the exact frame and the exact place.

What does not fit is dropped.

An original is known at some moments only, its thumbnails. For each the most similar frame of the
clip is found (`unmask.originals.timing`), then the frame that shows this very moment
(`unmask.originals.stretches`), and laid over it (`unmask.originals.overlay`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.originals.film import Film
from unmask.originals.fitting import FIT_PX, Fits, fits, greys, windows
from unmask.originals.hashing import QUERY_PX, is_drawn, scaled
from unmask.originals.matching import Candidate
from unmask.originals.overlay import correlation, homography, lay, luma, resembles, shows_the_same
from unmask.originals.stretches import Stretch, stretches
from unmask.originals.timing import FrameStrip, Place, Timing, most_alike, spread
from unmask.types import Frame, Match, Pair, Rgb

REACHED = 8.0
"""Time before and after the votes in which thumbnails are tried as well, s."""

PROBES = 12
"""Thumbnails that the time is measured with."""

UNLIKE = 0.4
"""Share of the best thumbnail's correlation below which another one is not in the clip."""

SETTLED = 0.2
"""Error of the place, px, below which the next measurement is the last."""

TRIED = 4
"""Thumbnails that are laid over the frames most similar to them, to measure the place."""

SOFTNESS = (2.5, 1.6, 1.0, 0.8)
"""Blurs, px, of the successive fits; each starts at the place that the one before has measured."""

UNCROPPED = 0.012
"""Largest difference of a place from the whole frame, as part of the width, that is ignored."""

MOST_PAIRS = 60
"""Frames laid over an original for one stretch, evenly spaced."""

Picture = Callable[[float], Rgb | None]
"""Returns the thumbnail of the original at a time, s; None if there is none."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """A stretch of a clip laid over its original.

    ``start`` and ``end`` are where other stretches of the clip begin, s.
    """

    timing: Timing
    pairs: tuple[Pair, ...]
    start: float
    end: float


def align(
    film: Film, frames: FrameStrip, candidate: Candidate, moments: Sequence[float], picture: Picture
) -> list[Aligned]:
    """Lays frames of a clip over the thumbnails of an original.

    Returns an empty list if they do not show the same.

    Args:
        film: the clip, open.
        frames: all of the clip's, small.
        candidate: where the votes are.
        moments: times of all thumbnails of that footage, s, in order.
        picture: gives the thumbnail of a time.
    """
    place = np.vstack([candidate.place, [0, 0, 1]])
    if film.facts.frames == 1:
        return _still(film, candidate, moments, place, picture)
    guess, mirrored = Timing(candidate.speed, candidate.offset), candidate.mirrored
    inside = [
        m for m in moments if candidate.start - REACHED <= guess.here(m) <= candidate.end + REACHED
    ]
    likely = _likely(frames, guess, inside, mirrored, place, picture)
    best = sorted(likely, key=lambda one: -one.alike)[:TRIED]
    rough = _pairs(film, [(one.time, one.moment) for one in best], mirrored, place, picture)
    if not rough:
        return []
    place = _common(rough, film.facts.width, mirrored)
    found, parts, place = _fitted(film, likely, guess, mirrored, place)
    made = [_aligned(film, found, part, inside, mirrored, place, picture) for part in parts]
    return list(_bounded([part for part in made if part is not None]))


def nearer(
    film: Film, match: Match, moments: Sequence[float], picture: Picture
) -> tuple[Pair, ...]:
    """Lays frames that show further moments of an original over it, at the place of a match.

    Args:
        film: the clip, open.
        match: a stretch of it that was aligned.
        moments: times of thumbnails within that stretch, s.
        picture: gives the thumbnail of a time.
    """
    place = _common(match.pairs, film.facts.width, match.mirrored)
    at = [
        (match.start + (moment - match.original_start) / match.speed, moment) for moment in moments
    ]
    return _the_same(_pairs(film, at, match.mirrored, place, picture))


@dataclass(frozen=True, slots=True)
class _Likely:
    """A thumbnail, and the time, s, of the clip's frame most like it; ``alike`` is from -1 to 1."""

    moment: float
    thumbnail: Rgb
    time: float
    alike: float


def _likely(
    frames: FrameStrip,
    guess: Timing,
    moments: Sequence[float],
    mirrored: bool,
    place: Place,
    picture: Picture,
) -> list[_Likely]:
    """Finds thumbnails that the clip may show, in order of time.

    Titles are left out, because they look the same at any time.
    """
    found: list[_Likely] = []
    for moment in spread(moments, PROBES):
        thumbnail = picture(moment)
        if thumbnail is not None and is_drawn(luma(thumbnail).astype(np.uint8)):
            continue
        like = (
            None
            if thumbnail is None
            else most_alike(frames, guess, moment, thumbnail, mirrored, place)
        )
        if thumbnail is not None and like is not None:
            found.append(_Likely(moment, thumbnail, *like))
    best = max((one.alike for one in found), default=0.0)
    return [one for one in found if one.alike >= UNLIKE * best]


def _fitted(
    film: Film, likely: Sequence[_Likely], guess: Timing, mirrored: bool, place: Place
) -> tuple[Fits, list[Stretch], Place]:
    """Measures the exact times of thumbnails and the exact place, in turns.

    Each turn starts from the better place of the one before.
    """
    laid = greys(
        film,
        sorted({*windows(film, [one.time for one in likely]), *(one.time for one in likely)}),
        place,
    )
    thumbnails, left = [(one.moment, one.thumbnail) for one in likely], list(SOFTNESS)
    while True:
        exact = bool((place == np.eye(3)).all())
        left = left[-1:] if exact else left
        found = fits(laid, thumbnails, mirrored, place, left.pop(0))
        parts, off = stretches(found, guess, exact)
        if not left:
            return found, parts, place
        place = _moved(place, off)
        left = left[-1:] if np.abs(off).max() < SETTLED else left


def _still(
    film: Film, candidate: Candidate, moments: Sequence[float], place: Place, picture: Picture
) -> list[Aligned]:
    """Aligns a photo: of the moments with votes, the one most like it after the overlay."""
    near = sorted(moments, key=lambda m: abs(m - candidate.offset))[:PROBES]
    pairs = _the_same(_pairs(film, [(0.0, m) for m in near], candidate.mirrored, place, picture))
    if not pairs:
        return []
    best = max(pairs, key=lambda p: correlation(luma(p.rgb), luma(p.original), p.seen))
    return [Aligned(Timing(1.0, best.original_time), (best,), 0.0, 0.0)]


def _nearest(
    inside: Sequence[float], fits: Sequence[float], probes: Sequence[float]
) -> list[float]:
    """Returns the moments whose nearest probe is one that fits."""
    return [m for m in inside if min(probes, key=lambda probe: abs(probe - m)) in fits]


def _aligned(
    film: Film,
    found: Fits,
    part: Stretch,
    inside: Sequence[float],
    mirrored: bool,
    place: Place,
    picture: Picture,
) -> tuple[Timing, tuple[Pair, ...]] | None:
    """Lays one stretch over the thumbnails that belong to it."""
    members = {
        float(found.moments[k]): shown for k, shown in zip(part.members, part.shown, strict=True)
    }
    moments = _nearest(inside, list(members), found.moments.tolist())
    at = [(members.get(m, part.timing.here(m)), m) for m in spread(moments, MOST_PAIRS)]
    pairs = _the_same(_pairs(film, at, mirrored, place, picture))
    return (part.timing, pairs) if pairs else None


def _bounded(made: Sequence[tuple[Timing, tuple[Pair, ...]]]) -> Iterator[Aligned]:
    """Yields the stretches in order of time, with their bounds.

    Two stretches meet half way between the frames that are known to belong to each. A frame shows
    one moment only: frames within a stretch that fits more are taken from one that fits less.
    """
    kept: list[tuple[Timing, tuple[Pair, ...]]] = []
    for timing, pairs in made:
        mine = tuple(
            p for p in pairs if not any(k[0].time <= p.time <= k[-1].time for _, k in kept)
        )
        kept += [(timing, mine)] if mine else []
    ordered = sorted(kept, key=lambda part: part[1][0].time)
    for i, (timing, pairs) in enumerate(ordered):
        before = (ordered[i - 1][1][-1].time + pairs[0].time) / 2 if i else -np.inf
        after = (pairs[-1].time + ordered[i + 1][1][0].time) / 2 if i + 1 < len(ordered) else np.inf
        yield Aligned(timing, pairs, float(before), float(after))


def _period(film: Film) -> float:
    """Returns the time from one frame to the next, on average, s."""
    return film.facts.duration / max(1, film.facts.frames)


def _common(pairs: Sequence[Pair], clip_width: int, mirrored: bool) -> Place:
    """Fits the place that all pairs agree on: scale and shift along the two axes.

    Crops, bars and insets have this form. If the camera moves, a frame that is a little early is
    laid a little aside; over many moments that averages out.
    """
    import cv2

    height, width = pairs[0].original.shape[:2]
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float32)
    flip = np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]]) if mirrored else np.eye(3)
    in_widths = flip @ np.diag([1 / clip_width, 1 / clip_width, 1.0])
    placed = [
        cv2.perspectiveTransform(corners[None], in_widths @ np.linalg.inv(p.onto))[0] for p in pairs
    ]
    place = np.eye(3)
    for axis in (0, 1):
        scale, shift = np.polyfit(corners[:, axis] / width, np.median(placed, axis=0)[:, axis], 1)
        place[axis, axis], place[axis, 2] = scale, shift
    return _likelier(place)


def _likelier(place: Place) -> Place:
    """Replaces a place close to the whole frame by it; most copies are not cropped at all."""
    return np.eye(3) if np.abs(place - np.eye(3)).max() < UNCROPPED else place


def _moved(place: Place, off: NDArray[np.float64]) -> Place:
    """Corrects a place by its measured error, see `unmask.originals.fitting.Fits`."""
    x, y, wider, higher = off / FIT_PX
    shift = np.array([[1 - 2 * wider, 0, wider - x], [0, 1 - 2 * higher, higher - y], [0, 0, 1]])
    return _likelier(np.asarray(place @ shift))


def _turned(rgb: Rgb, mirrored: bool) -> Rgb:
    return np.ascontiguousarray(rgb[:, ::-1]) if mirrored else rgb


def _pairs(
    film: Film, at: Sequence[tuple[float, float]], mirrored: bool, place: Place, picture: Picture
) -> tuple[Pair, ...]:
    """Lays the clip's frames of some times over the thumbnails of some moments.

    Pairs that do not resemble each other are left out.

    Args:
        film: the clip.
        at: time in the clip and in the original, s, of each.
        mirrored: whether the clip is.
        place: where the original lies in the clip's frame, roughly.
        picture: gives the thumbnail of a moment.
    """
    period = _period(film)
    early = [max(0.0, here - period / 2) for here, _ in at]
    # All frames at once where they fit in memory.
    frames = list(film.frames(sorted(early))) if len(at) <= PROBES else None
    laid = []
    for (here, moment), sought in zip(at, early, strict=True):
        near = (
            film.frames([sought])
            if frames is None
            else (f for f in frames if f.time >= sought - 1e-6)
        )
        frame, thumbnail = next(iter(near), None), picture(moment)
        if frame is not None and thumbnail is not None and abs(frame.time - here) <= 2 * period:
            laid.append(_pair(frame, moment, thumbnail, mirrored, place))
    return tuple(pair for pair in laid if pair is not None)


def _the_same(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    return tuple(pair for pair in pairs if shows_the_same(pair.rgb, pair.original, pair.seen))


def _pair(frame: Frame, moment: float, thumbnail: Rgb, mirrored: bool, place: Place) -> Pair | None:
    small = scaled(_turned(frame.rgb, mirrored), QUERY_PX)
    onto = homography(small, thumbnail, place)
    if onto is None:
        return None
    laid, seen = lay(small, onto, thumbnail.shape)
    if not resembles(laid, thumbnail, seen):
        return None
    return Pair(
        frame.time, moment, laid, thumbnail, seen, onto @ _shrinking(frame.rgb, small, mirrored)
    )


def _shrinking(rgb: Rgb, small: Rgb, mirrored: bool) -> Place:
    """Returns the matrix from px of the file's frame to px of the small copy, mirrored or not."""
    x, y = small.shape[1] / rgb.shape[1], small.shape[0] / rgb.shape[0]
    flip = np.array([[-1.0, 0, rgb.shape[1] - 1], [0, 1, 0], [0, 0, 1]]) if mirrored else np.eye(3)
    return np.asarray(np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]]) @ flip)
