"""Faces: found with CenterFace, aligned by their five points, measured, and followed over time into tracks.

The finder is the dearest step of a check. So the whole frame is searched only when a shot begins, when a face was lost, and
otherwise once a second; in between, each known face is found again in a small window around its last place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from unmask import models
from unmask.types import Box, Face, Frame, Quality, Rgb, Sighting, Track

CROP_PX = 192
"""Side of the aligned crop, px. It spans 3.6 distances between the eyes: the face with its outline, where seams run."""

_EYES_APART = CROP_PX / 3.6
PROPORTIONS: NDArray[np.float32] = np.array(
    [[-0.5, 0.0], [0.5, 0.0], [0.0, 0.57], [-0.415, 1.155], [0.415, 1.155]], np.float32
)
"""The five points of the mean frontal face in distances between the eyes, from the middle between them, y downwards."""

TEMPLATE: NDArray[np.float32] = PROPORTIONS * np.float32(_EYES_APART) + np.array(
    [CROP_PX / 2, 0.40 * CROP_PX], np.float32
)
"""Where the five points lie in the aligned crop, px."""

CLOSE_UP_PX = 224
"""Side of the close-up that the strong look takes, px."""

CLOSE_UP: Box = (-1.62, -1.5, 1.62, 2.24)
"""Part of the upright face in the close-up, in distances between the eyes from the middle between them, as in `PROPORTIONS`:
the face's outline and an eighth more on each side, squashed to a square as Shiohara and Yamasaki's detector sees it (2022)."""

STRIP_PX = (192, 64)
"""Width and height of the strip of both eyes, px. It spans 1.5 by 0.5 distances between the eyes, so that a cornea that the
camera saw sharply is 24 px wide: much finer than in the crop."""

STRIP_EYES: NDArray[np.float32] = np.array([[32, 32], [160, 32]], np.float32)
"""Where the person's right and left eye lie in the strip, px."""

EYE_PX = 20.0
"""Least width of an eye, px, below which no strip is kept; an eye's opening is 0.48 of the distance between the eyes (30 of
63 mm: Farkas, "Anthropometry of the Head and Face", 1994)."""

SEARCH_PX = 640
"""Longest side at which a whole frame is searched, px: a 64 px face in a 1080p frame is still 21 px wide there."""

WINDOW_PX = 160
"""Side at which the window around a known face is searched, px."""

MOST_WINDOWS = 5
"""Known faces up to which searching a window for each is cheaper than searching the whole frame."""


# ---------------------------------------------------------------- finding


def find(rgb: Rgb, search_px: int = SEARCH_PX, confidence: float = 0.5) -> tuple[Face, ...]:
    """All faces of an image, the largest first.

    Args:
        rgb: uint8 ``(h, w, 3)``.
        search_px: longest side at which the image is searched, px.
        confidence: the least confidence of a face, 0 to 1; CenterFace's authors use 0.5 for precision.
    """
    import cv2

    h, w = rgb.shape[:2]
    scale = min(1.0, search_px / max(h, w))
    small_w, small_h = max(32, round(w * scale / 32) * 32), max(32, round(h * scale / 32) * 32)
    small = cv2.resize(rgb, (small_w, small_h), interpolation=cv2.INTER_AREA)
    tensor = small.transpose(2, 0, 1)[None].astype(np.float32)
    heat, size, offset, marks = models.run_any_size(models.CENTERFACE, {"input.1": tensor})
    found = _decode(heat[0, 0], size[0], offset[0], marks[0], confidence)
    per_px = np.array([w / small_w, h / small_h], np.float32)
    faces = [
        Face(_box(box * np.tile(per_px, 2)), (points * per_px).astype(np.float32), float(score))
        for box, points, score in found
    ]
    return tuple(sorted(faces, key=lambda face: -_width(face.box)))


def find_near(rgb: Rgb, box: Box) -> Face | None:
    """The face that was in ``box`` a moment ago, sought in a window three times as wide; None if it is gone."""
    (cx, cy), side = _centre(box), 3.0 * max(_width(box), box[3] - box[1])
    x0, y0 = max(0, int(cx - side / 2)), max(0, int(cy - side / 2))
    window = rgb[y0 : max(0, int(cy + side / 2)), x0 : max(0, int(cx + side / 2))]
    if min(window.shape[:2]) < 16:
        return None
    found = [_moved(face, x0, y0) for face in find(window, WINDOW_PX)]
    near = [face for face in found if _distance(face.box, box) < 1.0]
    return min(near, key=lambda face: _distance(face.box, box), default=None)


def _decode(
    heat: NDArray[np.float32],
    size: NDArray[np.float32],
    offset: NDArray[np.float32],
    marks: NDArray[np.float32],
    confidence: float,
) -> list[tuple[NDArray[np.float32], NDArray[np.float32], np.float32]]:
    """CenterFace's four maps (stride 4) to boxes ``(4,)``, points ``(5, 2)`` and scores, overlaps suppressed."""
    import cv2

    rows, cols = np.nonzero(heat > confidence)
    if rows.size == 0:
        return []
    scores = heat[rows, cols]
    hw = np.exp(np.minimum(size[:, rows, cols], 8.0)) * 4
    centre = (np.stack([rows, cols]) + offset[:, rows, cols] + 0.5) * 4
    corner = centre - hw / 2
    points = marks[:, rows, cols].reshape(5, 2, -1) * hw + corner
    boxes = np.stack([corner[1], corner[0], corner[1] + hw[1], corner[0] + hw[0]], axis=1).astype(np.float32)
    as_xywh = np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    keep = cv2.dnn.NMSBoxes(as_xywh.tolist(), scores.tolist(), confidence, 0.3)
    return [(boxes[i], points[:, ::-1, i].astype(np.float32), scores[i]) for i in np.ravel(keep)]


# ---------------------------------------------------------------- aligning and measuring


def align(rgb: Rgb, points: NDArray[np.float32]) -> Rgb:
    """The face turned upright and scaled so that its five points come to lie on `TEMPLATE`.

    Args:
        rgb: uint8 ``(h, w, 3)``.
        points: float32 ``(5, 2)`` px in ``rgb``.

    Returns:
        uint8 ``(CROP_PX, CROP_PX, 3)``; what lies outside the image is mirrored.
    """
    return _upright(rgb, points, TEMPLATE, (CROP_PX, CROP_PX))


def close_up(rgb: Rgb, points: NDArray[np.float32], part: Box = CLOSE_UP) -> Rgb:
    """Turns the face upright and squashes a part of it to a square, finer and closer than `align` does.

    Args:
        rgb: uint8 ``(h, w, 3)``.
        points: float32 ``(5, 2)`` px in ``rgb``.
        part: see `CLOSE_UP`.

    Returns:
        uint8 ``(CLOSE_UP_PX, CLOSE_UP_PX, 3)``; what lies outside the image is mirrored.
    """
    x0, y0, x1, y1 = part
    per_eyes = CLOSE_UP_PX / np.array([x1 - x0, y1 - y0])
    return _warped(rgb, points, PROPORTIONS, (CLOSE_UP_PX, CLOSE_UP_PX), per_eyes, -per_eyes * (x0, y0))


def eyes(rgb: Rgb, points: NDArray[np.float32], least_px: float = EYE_PX) -> Rgb | None:
    """Both eyes in one strip, turned upright, finer than in the aligned crop; None where they are narrower than ``least_px``.

    Args:
        rgb: uint8 ``(h, w, 3)``.
        points: float32 ``(5, 2)`` px in ``rgb``.
        least_px: see `EYE_PX`.

    Returns:
        uint8 ``(64, 192, 3)``, see `STRIP_PX`: the person's right eye at the left.
    """
    if 0.48 * float(np.hypot(*(points[1] - points[0]))) < least_px:
        return None
    return _upright(rgb, points[:2], STRIP_EYES, STRIP_PX)


def outline(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where the corners of the aligned crop lie in the frame, float32 ``(4, 2)`` px, from its top left one clockwise."""
    matrix = similarity(points, TEMPLATE)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * CROP_PX
    return np.asarray((corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T, np.float32)


def _upright(rgb: Rgb, points: NDArray[np.float32], onto: NDArray[np.float32], size: tuple[int, int]) -> Rgb:
    """The image moved so that its points come to lie on others, and cut to a size, ``(w, h)`` px."""
    return _warped(rgb, points, onto, size, np.ones(2), np.zeros(2))


def _warped(
    rgb: Rgb,
    points: NDArray[np.float32],
    onto: NDArray[np.float32],
    size: tuple[int, int],
    stretch: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> Rgb:
    """Moves the image so that its points come to lie on others, then stretches and shifts x and y, and cuts to ``(w, h)`` px."""
    import cv2

    matrix = _stretched(similarity(points, onto), stretch, shift)
    shrink = 1.0 / float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink > 1.5:
        # A bilinear warp reads four pixels whatever the scale; shrink by area first, or fine texture turns to noise.
        rgb, points = _shrunk(rgb, points, matrix, shrink, size)
        matrix = _stretched(similarity(points, onto), stretch, shift)
    warped = cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(warped, np.uint8)


def _stretched(
    matrix: NDArray[np.float64], stretch: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    return matrix * stretch[:, None] + np.column_stack([np.zeros((2, 2)), shift])


def _shrunk(
    rgb: Rgb, points: NDArray[np.float32], matrix: NDArray[np.float64], shrink: float, size: tuple[int, int]
) -> tuple[Rgb, NDArray[np.float32]]:
    """The part of the image that a warp to ``size`` covers, ``shrink`` times smaller, and the points in it."""
    import cv2

    w, h = size
    corners = np.array([[0, 0], [w, 0], [0, h], [w, h]]) - matrix[:, 2]
    corners = corners @ np.linalg.inv(matrix[:, :2]).T
    h, w = rgb.shape[:2]
    x0, y0 = np.clip(np.floor(corners.min(axis=0)).astype(int) - 2, 0, [w - 1, h - 1])
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, [x0 + 1, y0 + 1], [w, h])
    to = (max(1, round((x1 - x0) / shrink)), max(1, round((y1 - y0) / shrink)))
    small = cv2.resize(rgb[y0:y1, x0:x1], to, interpolation=cv2.INTER_AREA)
    per_px = np.array([to[0] / (x1 - x0), to[1] / (y1 - y0)], np.float32)
    # The corner, not the middle, of the first pixel stays in place when an image shrinks.
    return np.asarray(small, np.uint8), (points - np.array([x0, y0], np.float32) + 0.5) * per_px - np.float32(0.5)


def similarity(points: NDArray[np.float32], onto: NDArray[np.float32]) -> NDArray[np.float64]:
    """The rotation, scale and shift, float64 ``(2, 3)``, that carries points onto others with the least squared error.

    Points that give neither a direction nor a size, such as five in one place, are only shifted.
    """
    mean_a, mean_b = points.mean(axis=0), onto.mean(axis=0)
    a, b = points - mean_a, onto - mean_b
    norm = max(float((a * a).sum()), 1e-6)
    cos = float((a * b).sum()) / norm
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / norm
    if np.hypot(cos, sin) < 1e-3:
        cos, sin = 1.0, 0.0
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turn, mean_b - turn @ mean_a])


def measure(rgb: Rgb, face: Face, crop: Rgb) -> Quality:
    """How well the face can be judged; see `Quality` for units."""
    import cv2

    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    inner = grey[32:-32, 32:-32]
    sharpness = float(cv2.Laplacian(inner, cv2.CV_32F).var()) / max(float(inner.var()), 25.0)
    return Quality(_width(face.box), sharpness, _yaw(face.points), _blockiness(rgb, face.box))


def _yaw(points: NDArray[np.float32]) -> float:
    """Where the nose falls along the line between the eyes: the middle is frontal (0), an eye or beyond is profile (1)."""
    right, left, nose = points[0], points[1], points[2]
    across = left - right
    along = float((nose - right) @ across) / max(float(across @ across), 1e-6)
    return min(1.0, abs(2 * along - 1))


def _blockiness(rgb: Rgb, box: Box) -> float:
    """Steps across the 8 px coding grid over steps elsewhere, after Wang, Sheikh and Bovik 2002; 1 if no grid shows."""
    x0, y0 = max(0, int(box[0])) // 8 * 8, max(0, int(box[1])) // 8 * 8
    luma = rgb[y0 : max(0, int(box[3])), x0 : max(0, int(box[2])), 1].astype(np.float32)
    if min(luma.shape) < 24:
        return 1.0
    ratios = []
    for axis in (0, 1):
        steps = np.abs(np.diff(luma, axis=axis)).mean(axis=1 - axis)
        on_grid = np.arange(1, steps.size + 1) % 8 == 0
        ratios.append((steps[on_grid].mean() + 0.1) / (steps[~on_grid].mean() + 0.1))
    return float(np.mean(ratios))


# ---------------------------------------------------------------- following


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """What is kept of a frame once it was searched.

    Attributes:
        time: seconds.
        histogram: of the whole frame's colours, see `colours`.
        sightings: the faces in it, the largest first.
        left_out: how many smaller faces were found and not kept.
    """

    time: float
    histogram: NDArray[np.float32]
    sightings: tuple[Sighting, ...]
    left_out: int = 0


@dataclass(slots=True)
class Watcher:
    """Finds the faces of one clip frame by frame, in order of time, with as few whole-frame searches as following needs.

    Args:
        refresh: seconds after which the whole frame is searched again, for people who came in.
        at_most: faces kept per frame, the largest first.
    """

    refresh: float = 1.0
    at_most: int = 12
    _searched: float = field(default=float("-inf"), init=False)
    _last: SeenFrame | None = field(default=None, init=False)

    def see(self, frame: Frame) -> SeenFrame:
        """The faces of one frame, aligned and measured."""
        histogram = colours(frame.rgb)
        faces = self._follow(frame, histogram)
        if faces is None:
            faces = find(frame.rgb)
            self._searched = frame.time
        sightings = []
        for face in faces[: self.at_most]:
            crop = align(frame.rgb, face.points)
            quality, strip = measure(frame.rgb, face, crop), eyes(frame.rgb, face.points)
            sightings.append(Sighting(frame.time, face, quality, crop, strip))
        self._last = SeenFrame(frame.time, histogram, tuple(sightings), max(0, len(faces) - self.at_most))
        return self._last

    def _follow(self, frame: Frame, histogram: NDArray[np.float32]) -> tuple[Face, ...] | None:
        """The known faces in their new places, or None where the whole frame must be searched."""
        last = self._last
        if last is None or not 0 < frame.time - self._searched < self.refresh or is_cut(last.histogram, histogram):
            return None
        if not 0 < len(last.sightings) <= MOST_WINDOWS:
            return None
        near = [find_near(frame.rgb, s.face.box) for s in last.sightings]
        found = [face for face in near if face is not None]
        apart = all(_distance(a.box, b.box) > 0.3 for i, a in enumerate(found) for b in found[:i])
        return tuple(found) if len(found) == len(near) and apart else None


def link(frames: Sequence[SeenFrame], patience: float = 2.0) -> tuple[Track, ...]:
    """Sightings, in order of time, to tracks: one person's face each, across short occlusions, apart at shot changes.

    A sighting joins the track whose last place, size and look it fits best. A face that is swapped for a moment must stay
    in its track, so look alone never parts two sightings that follow each other in the same place.

    Args:
        frames: in order of time.
        patience: seconds for which a hidden face is remembered; however far apart the frames are, the next one still counts.
    """
    done: list[list[Sighting]] = []
    open_: list[list[Sighting]] = []
    for before, frame in zip([*frames[:1], *frames], frames, strict=False):
        if is_cut(before.histogram, frame.histogram):
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
    """How ill a sighting fits a track's last one; None where it cannot be the same face.

    A head moves by up to one and a half of its widths in a second, and its size halves or doubles at most. One that walks
    through the picture moves by up to ten; that far it must look the same: of pairs of strangers, 2 in 100 are this alike.
    """
    gap = min(now.time - last.time, 1.0)
    reach, far = 0.6 + 1.5 * gap, 0.6 + 10.0 * gap
    distance = _distance(last.face.box, now.face.box)
    ratio = abs(float(np.log2(max(now.quality.size_px, 1.0) / max(last.quality.size_px, 1.0))))
    if distance > far or ratio > 1.0:
        return None
    likeness = _likeness(last.crop, now.crop)
    if likeness < (0.7 if distance > reach else 0.2 if distance > 0.5 else -1.0):
        return None
    return distance / reach + ratio + 1.5 * (1 - likeness)


def _likeness(a: Rgb, b: Rgb) -> float:
    """Correlation, -1 to 1, of two aligned crops at 24 px."""
    import cv2

    small = [cv2.resize(crop.astype(np.float32), (24, 24), interpolation=cv2.INTER_AREA).ravel() for crop in (a, b)]
    x, y = (s - s.mean() for s in small)
    return float(x @ y / max(float(np.sqrt((x @ x) * (y @ y))), 1e-6))


def colours(rgb: Rgb) -> NDArray[np.float32]:
    """Histogram of lightness and colour (CIE Lab), float32 ``(6 * 10 * 10,)``, summing to 1.

    Each pixel is shared out among the eight nearest bins, so that a drift of exposure moves a little of it, and not, where
    an even background lies between two bins, all of it.
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
        shares += np.bincount(bins + (100 * i + 10 * j + k), near[i, :, 0] * near[j, :, 1] * near[k, :, 2], 600)
    return np.asarray(shares / shares.sum(), dtype=np.float32)


def is_cut(before: NDArray[np.float32], after: NDArray[np.float32], overlap: float = 0.5) -> bool:
    """Whether a shot changed between two frames: their colour histograms overlap by less than ``overlap`` (0 to 1)."""
    return float(np.minimum(before, after).sum()) < overlap


def _box(values: NDArray[np.float32]) -> Box:
    x0, y0, x1, y1 = (float(v) for v in values)
    return x0, y0, x1, y1


def _moved(face: Face, dx: float, dy: float) -> Face:
    x0, y0, x1, y1 = face.box
    return Face((x0 + dx, y0 + dy, x1 + dx, y1 + dy), face.points + np.array([dx, dy], np.float32), face.confidence)


def _width(box: Box) -> float:
    return box[2] - box[0]


def _centre(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _distance(a: Box, b: Box) -> float:
    """Distance of two boxes' centres in widths of the wider one."""
    (ax, ay), (bx, by) = _centre(a), _centre(b)
    return float(np.hypot(ax - bx, ay - by)) / max(_width(a), _width(b), 1.0)
