"""Laying a clip over its original: the exact frame, the exact place, and nothing that does not fit.

An original is known at some moments only, its thumbnails. For each the frame of the clip is sought that shows this moment
(`unmask.originals.timing`), and laid over it (`unmask.originals.overlay`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unmask.originals.matching import Candidate
from unmask.originals.overlay import correlation, homography, lay, luma, shows_the_same
from unmask.originals.regions import QUERY_PX, scaled
from unmask.originals.registration import Film
from unmask.originals.timing import Curve, Place, Strip, Timing, close_curve, curve, fitted, stretches
from unmask.types import Frame, Pair, Rgb

PASSES = ((0.08, 0.5), (0.04, 0.25))
"""By how much the speed may be wrong, and the time, s, when they are told again from a better place."""

CLOSE_PX, CLOSE, SLACK = 320, 0.24, 0.012
"""Once the place is known exactly, the moment is sought again: width of the frames compared, px; s on either side; and by how
much the speed may still be wrong."""

REACHED = 8.0
"""s before and after the votes in which thumbnails are tried as well."""

PROBES = 12
"""Thumbnails from which the time is told."""

UNCROPPED = 0.012
"""Part of the width by which a place may differ from the whole frame to be taken for it."""

MOST_PAIRS = 60
"""Frames laid over an original for one stretch, evenly spaced."""

Picture = Callable[[float], Rgb | None]
"""Gives the thumbnail of the original at a time, s; None if there is none."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """A stretch of a clip laid over its original; ``start`` and ``end`` are where other stretches of it begin, s."""

    timing: Timing
    pairs: tuple[Pair, ...]
    start: float
    end: float


def align(film: Film, frames: Strip, candidate: Candidate, moments: Sequence[float], picture: Picture) -> list[Aligned]:
    """Frames of a clip laid over the thumbnails of an original; nothing if they do not show the same.

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
    guess = Timing(candidate.speed, candidate.offset)
    inside = [m for m in moments if candidate.start - REACHED <= guess.here(m) <= candidate.end + REACHED]
    probes = {m: thumbnail for m in spread(inside, PROBES) if (thumbnail := picture(m)) is not None}
    # Votes tell the place to a few per cent. The best frame of each thumbnail tells it better, and then the time is told.
    curves = [curve(frames, guess, m, thumbnail, candidate.mirrored, place) for m, thumbnail in probes.items()]
    best = [(float(c.times[c.alike.argmax()]), c.moment) for c in curves if c.times.size]
    if not (rough := _pairs(film, best, candidate.mirrored, place, picture)):
        return []
    place = _common(rough, film.facts.width, candidate.mirrored)
    curves = [curve(frames, guess, m, thumbnail, candidate.mirrored, place) for m, thumbnail in probes.items()]
    found = stretches(curves, guess, _period(film))
    parts = [(timing, [c.moment for c in fits]) for timing, fits in found]
    made = [
        _aligned(
            film, frames, candidate.mirrored, place, timing, fits, _nearest(inside, fits, list(probes)), probes, picture
        )
        for timing, fits in parts
    ]
    return list(_bounded([part for part in made if part is not None]))


def _still(film: Film, candidate: Candidate, moments: Sequence[float], place: Place, picture: Picture) -> list[Aligned]:
    """A photo: of the moments that votes name, the one that it is most like once it is laid over it."""
    near = sorted(moments, key=lambda m: abs(m - candidate.offset))[:PROBES]
    pairs = _pairs(film, [(0.0, m) for m in near], candidate.mirrored, place, picture)
    if not pairs:
        return []
    best = max(pairs, key=lambda p: correlation(luma(p.rgb), luma(p.original), p.seen))
    return [Aligned(Timing(1.0, best.original_time), (best,), 0.0, 0.0)]


def _nearest(inside: Sequence[float], fits: Sequence[float], probes: Sequence[float]) -> list[float]:
    """The moments whose nearest probe is one that fits."""
    return [m for m in inside if min(probes, key=lambda probe: abs(probe - m)) in fits]


def _aligned(
    film: Film,
    frames: Strip,
    mirrored: bool,
    place: Place,
    timing: Timing,
    fits: Sequence[float],
    moments: Sequence[float],
    probes: dict[float, Rgb],
    picture: Picture,
) -> tuple[Timing, tuple[Pair, ...]] | None:
    """One stretch: the exact place tells the time, and the exact time the place; then it is laid over for good."""
    period = _period(film)
    for slack, shift in PASSES:
        rough = _pairs(film, [(timing.here(m), m) for m in fits], mirrored, place, picture)
        if not rough:
            return None
        place = _common(rough, film.facts.width, mirrored)
        curves = [c for c in (curve(frames, timing, m, probes[m], mirrored, place) for m in fits) if c.times.size]
        if curves:
            speeds, shifts = np.linspace(-slack, slack, 31), np.arange(-shift, shift + period / 8, period / 4)
            timing = fitted(curves, timing, speeds, shifts, period)
    close = [close_curve(film, timing, m, probes[m], mirrored, place, CLOSE_PX, CLOSE) for m in fits]
    if close := [c for c in close if c.times.size]:
        steps = np.linspace(-SLACK, SLACK, 13)
        timing = fitted(close, timing, steps, np.arange(-CLOSE, CLOSE + period / 8, period / 4), period)
    shown = {c.moment: _shown(c, timing) for c in close}
    at = [(shown.get(m, timing.here(m)), m) for m in spread(moments, MOST_PAIRS)]
    pairs = _pairs(film, at, mirrored, place, picture)
    return (timing, pairs) if pairs else None


def _shown(found: Curve, timing: Timing, stray: float = 0.1) -> float:
    """When the clip shows a moment: what its own curve says, the less the farther from what all say together.

    Args:
        found: how like the moment's thumbnail the frames about it are.
        timing: of all moments.
        stray: seconds by which a copy's frames may stray from an even speed, as they do where frames were left out.
    """
    away = (found.times - timing.here(found.moment)) / stray
    return float(found.times[int((found.fit(found.times) - 0.5 * away**2).argmax())])


def _bounded(made: Sequence[tuple[Timing, tuple[Pair, ...]]]) -> Iterator[Aligned]:
    """The stretches in order of time, where they meet half way between the frames that are known to belong to each.

    A frame shows one moment only: those within a stretch that fits more are taken from one that fits less.
    """
    kept: list[tuple[Timing, tuple[Pair, ...]]] = []
    for timing, pairs in made:
        mine = tuple(p for p in pairs if not any(k[0].time <= p.time <= k[-1].time for _, k in kept))
        kept += [(timing, mine)] if mine else []
    ordered = sorted(kept, key=lambda part: part[1][0].time)
    for i, (timing, pairs) in enumerate(ordered):
        before = (ordered[i - 1][1][-1].time + pairs[0].time) / 2 if i else -np.inf
        after = (pairs[-1].time + ordered[i + 1][1][0].time) / 2 if i + 1 < len(ordered) else np.inf
        yield Aligned(timing, pairs, float(before), float(after))


def _period(film: Film) -> float:
    """Seconds from one frame to the next, on average."""
    return film.facts.duration / max(1, film.facts.frames)


def spread(values: Sequence[float], at_most: int) -> list[float]:
    """At most so many of the values, evenly spaced."""
    if len(values) <= at_most:
        return list(values)
    return [values[i] for i in np.linspace(0, len(values) - 1, at_most).round().astype(int)]


def _common(pairs: Sequence[Pair], clip_width: int, mirrored: bool) -> Place:
    """The place that all pairs agree on: scaled and shifted along the two axes, as crops, bars and insets are.

    A frame that is a little early is laid a little aside if the camera moves; over many moments that evens out.
    """
    import cv2

    height, width = pairs[0].original.shape[:2]
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float32)
    flip = np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]]) if mirrored else np.eye(3)
    in_widths = flip @ np.diag([1 / clip_width, 1 / clip_width, 1.0])
    placed = [cv2.perspectiveTransform(corners[None], in_widths @ np.linalg.inv(p.onto))[0] for p in pairs]
    place = np.eye(3)
    for axis in (0, 1):
        scale, shift = np.polyfit(corners[:, axis] / width, np.median(placed, axis=0)[:, axis], 1)
        place[axis, axis], place[axis, 2] = scale, shift
    # Most copies are not cropped at all, and a place that is off by a camera's sway makes the time wrong, too.
    return np.eye(3) if np.abs(place - np.eye(3)).max() < UNCROPPED else place


def _turned(rgb: Rgb, mirrored: bool) -> Rgb:
    return np.ascontiguousarray(rgb[:, ::-1]) if mirrored else rgb


def _pairs(
    film: Film, at: Sequence[tuple[float, float]], mirrored: bool, place: Place, picture: Picture
) -> tuple[Pair, ...]:
    """The clip's frames of some times laid over the thumbnails of some moments; without those that do not show the same.

    Args:
        film: the clip.
        at: time in the clip and in the original, s, of each.
        mirrored: whether the clip is.
        place: where the original lies in the clip's frame, roughly.
        picture: gives the thumbnail of a moment.
    """
    period = _period(film)
    early = [max(0.0, here - period / 2) for here, _ in at]
    frames = list(film.frames(sorted(early))) if len(at) <= PROBES else None  # all at once where they fit in memory
    laid = []
    for (here, moment), sought in zip(at, early, strict=True):
        near = film.frames([sought]) if frames is None else (f for f in frames if f.time >= sought - 1e-6)
        frame, thumbnail = next(iter(near), None), picture(moment)
        if frame is not None and thumbnail is not None and abs(frame.time - here) <= 2 * period:
            laid.append(_pair(frame, moment, thumbnail, mirrored, place))
    return tuple(pair for pair in laid if pair is not None)


def _pair(frame: Frame, moment: float, thumbnail: Rgb, mirrored: bool, place: Place) -> Pair | None:
    small = scaled(_turned(frame.rgb, mirrored), QUERY_PX)
    onto = homography(small, thumbnail, place)
    if onto is None:
        return None
    laid, seen = lay(small, onto, thumbnail.shape)
    if not shows_the_same(laid, thumbnail, seen):
        return None
    return Pair(frame.time, moment, laid, thumbnail, seen, onto @ _shrinking(frame.rgb, small, mirrored))


def _shrinking(rgb: Rgb, small: Rgb, mirrored: bool) -> Place:
    """Carries px of the file's frame to px of the small copy, mirrored or not."""
    x, y = small.shape[1] / rgb.shape[1], small.shape[0] / rgb.shape[0]
    flip = np.array([[-1.0, 0, rgb.shape[1] - 1], [0, 1, 0], [0, 0, 1]]) if mirrored else np.eye(3)
    return np.asarray(np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]]) @ flip)
