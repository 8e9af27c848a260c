"""Faces followed over time into tracks, with few searches of whole frames.

Detection is the most expensive step of a check. So the whole frame is searched only when a shot
begins, when a face was lost, and otherwise once a second. In between, each known face is found
again in a small window around its last place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from unmask.faces import boxes, detection
from unmask.faces.alignment import CLOSE_UP_LEAST_PX, align, close_up, eyes
from unmask.faces.quality import measure
from unmask.types import Face, Frame, Rgb, Sighting, Track

MOST_WINDOWS = 5
"""Most known faces for which searching a window each is cheaper than searching the whole frame."""


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """Record of a frame that was searched.

    Attributes:
        time: seconds.
        histogram: of the whole frame's colours, see `colours`.
        sightings: the faces in it, the largest first.
        left_out: number of smaller faces that were found and not kept.
    """

    time: float
    histogram: NDArray[np.float32]
    sightings: tuple[Sighting, ...]
    left_out: int = 0


@dataclass(slots=True)
class Watcher:
    """Finds the faces of one clip frame by frame, in order of time.

    It searches as few whole frames as tracking allows.

    Args:
        refresh: seconds after which the whole frame is searched again, for people who came in.
        at_most: faces kept per frame, the largest first.
    """

    refresh: float = 1.0
    at_most: int = 12
    _searched: float = field(default=float("-inf"), init=False)
    _last: SeenFrame | None = field(default=None, init=False)

    def see(self, frame: Frame) -> SeenFrame:
        """Finds the faces of one frame, aligns and measures them."""
        histogram = colours(frame.rgb)
        faces = self._follow(frame, histogram)
        if faces is None:
            faces = detection.find(frame.rgb)
            self._searched = frame.time
        sightings = []
        for face in faces[: self.at_most]:
            crop = align(frame.rgb, face.points)
            quality, strip = measure(frame.rgb, face, crop), eyes(frame.rgb, face.points)
            closer = (
                close_up(frame.rgb, face.points) if quality.size_px >= CLOSE_UP_LEAST_PX else None
            )
            sightings.append(Sighting(frame.time, face, quality, crop, strip, closer))
        self._last = SeenFrame(
            frame.time, histogram, tuple(sightings), max(0, len(faces) - self.at_most)
        )
        return self._last

    def _follow(self, frame: Frame, histogram: NDArray[np.float32]) -> tuple[Face, ...] | None:
        """Finds the known faces in their new places; None if the whole frame must be searched."""
        last = self._last
        if (
            last is None
            or not 0 < frame.time - self._searched < self.refresh
            or is_cut(last.histogram, histogram)
        ):
            return None
        if not 0 < len(last.sightings) <= MOST_WINDOWS:
            return None
        near = [detection.find_near(frame.rgb, s.face.box) for s in last.sightings]
        found = [face for face in near if face is not None]
        apart = all(
            boxes.distance(a.box, b.box) > 0.3 for i, a in enumerate(found) for b in found[:i]
        )
        return tuple(found) if len(found) == len(near) and apart else None


def link(
    frames: Sequence[SeenFrame], patience: float = 2.0, cuts: Sequence[float] = ()
) -> tuple[Track, ...]:
    """Links sightings, in order of time, to tracks of one person's face each.

    A track continues across short occlusions and ends at a shot change. A sighting joins the track
    whose last place, size and look it fits best. A face that is swapped for a moment must stay in
    its track, so look alone never separates two sightings that follow each other in the same place.

    Args:
        frames: in order of time.
        cuts: times of shot changes, s, beside those that the colours show.
        patience: seconds for which a hidden face is remembered; however far apart the frames are,
            the next one still counts.
    """
    done: list[list[Sighting]] = []
    open_: list[list[Sighting]] = []
    for before, frame in zip([*frames[:1], *frames], frames, strict=False):
        if is_cut(before.histogram, frame.histogram) or any(
            before.time < cut <= frame.time for cut in cuts
        ):
            done, open_ = done + open_, []
        done += [track for track in open_ if before.time - track[-1].time > patience]
        open_ = [track for track in open_ if before.time - track[-1].time <= patience]
        _assign(open_, frame.sightings)
    tracks = sorted(done + open_, key=lambda track: (track[0].time, -track[0].quality.size_px))
    return tuple(Track(i, tuple(track)) for i, track in enumerate(tracks, start=1))


def _assign(tracks: list[list[Sighting]], sightings: tuple[Sighting, ...]) -> None:
    pairs = sorted(
        (cost, t, s)
        for t, track in enumerate(tracks)
        for s, sighting in enumerate(sightings)
        if (cost := _cost(track[-1], sighting)) is not None
    )
    taken_t: set[int] = set()
    taken_s: set[int] = set()
    for _, t, s in pairs:
        if t not in taken_t and s not in taken_s:
            tracks[t].append(sightings[s])
            taken_t.add(t)
            taken_s.add(s)
    tracks.extend([sighting] for s, sighting in enumerate(sightings) if s not in taken_s)


def _cost(last: Sighting, now: Sighting) -> float | None:
    """Computes how badly a sighting fits a track's last one; None if it cannot be the same face.

    A head moves by up to one and a half of its widths in a second, and its size halves or doubles
    at most. One that walks through the picture moves by up to ten; that far it must look the same:
    of pairs of strangers, 2 in 100 are this similar.
    """
    gap = min(now.time - last.time, 1.0)
    reach, far = 0.6 + 1.5 * gap, 0.6 + 10.0 * gap
    distance = boxes.distance(last.face.box, now.face.box)
    ratio = abs(float(np.log2(max(now.quality.size_px, 1.0) / max(last.quality.size_px, 1.0))))
    if distance > far or ratio > 1.0:
        return None
    likeness = _likeness(last.crop, now.crop)
    if likeness < (0.7 if distance > reach else 0.2 if distance > 0.5 else -1.0):
        return None
    return distance / reach + ratio + 1.5 * (1 - likeness)


def _likeness(a: Rgb, b: Rgb) -> float:
    """Correlates two aligned crops at 24 px, -1 to 1."""
    import cv2

    small = [
        cv2.resize(crop.astype(np.float32), (24, 24), interpolation=cv2.INTER_AREA).ravel()
        for crop in (a, b)
    ]
    x, y = (s - s.mean() for s in small)
    return float(x @ y / max(float(np.sqrt((x @ x) * (y @ y))), 1e-6))


def colours(rgb: Rgb) -> NDArray[np.float32]:
    """Computes the histogram of lightness and colour (CIE Lab), float32 ``(6 * 10 * 10,)``, sum 1.

    Each pixel is shared among the eight nearest bins. A drift of exposure then moves only a little
    of it; with hard bins an even background between two bins would move as a whole.
    """
    import cv2

    small = cv2.resize(rgb, (96, 54), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    last = np.array([5, 9, 9])
    place = np.clip((lab - np.array([0.0, 64.0, 64.0])) / [255.0, 128.0, 128.0], 0, 1) * last
    low = np.minimum(place.astype(int), last - 1)
    above = place - low
    bins, near = low @ [100, 10, 1], np.stack([1 - above, above])
    shares = np.zeros(600)
    for i, j, k in product((0, 1), repeat=3):
        shares += np.bincount(
            bins + (100 * i + 10 * j + k), near[i, :, 0] * near[j, :, 1] * near[k, :, 2], 600
        )
    return np.asarray(shares / shares.sum(), dtype=np.float32)


def is_cut(before: NDArray[np.float32], after: NDArray[np.float32], overlap: float = 0.5) -> bool:
    """Tells whether a shot changed between two frames.

    Their colour histograms then overlap by less than ``overlap`` (0 to 1).
    """
    return float(np.minimum(before, after).sum()) < overlap
