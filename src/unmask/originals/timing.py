"""Rough times of an original in a clip: the frame of the clip most like each thumbnail.

Votes find the shot. Within a shot regions stay where they are, so votes cannot tell the frame. Here
thumbnails are compared with frames spread over the clip, each moved to where it fits best.
`unmask.originals.stretches` finds the exact times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.originals.film import Film
from unmask.originals.overlay import detail, luma
from unmask.types import Rgb

STRIP_PX = 160
"""Longest side at which the frames of a clip are kept to be compared, px."""

SPACING, MOST_FRAMES = 0.08, 500
"""Time between these frames, s, and their greatest number; a long clip has them farther apart."""

REACH = 6.0
"""Largest error of the time by votes, s."""

ASIDE = 0.06
"""Part of the longest side by which a frame may be moved to where it fits best; cameras sway."""

FLAT = 1.0
"""Standard deviation of a thumbnail's detail, grey levels, below which it cannot be compared.

Every frame is as similar to it as any other.
"""

Place = NDArray[np.float64]
"""Matrix from a place in the original to one in the clip's frame, both in their widths.

It is float64 ``(3, 3)``.
"""


@dataclass(frozen=True, slots=True)
class Timing:
    """Timing of a copy: the original's time is ``speed * time + offset``, s."""

    speed: float
    offset: float

    def there(self, time: float) -> float:
        return self.speed * time + self.offset

    def here(self, original_time: float) -> float:
        return (original_time - self.offset) / self.speed


@dataclass(frozen=True, slots=True)
class FrameStrip:
    """Small copies of a clip's frames.

    Attributes:
        times: s, float64 ``(n,)``.
        details: float32 ``(n, h, w)``, see `detail`.
    """

    times: NDArray[np.float64]
    details: NDArray[np.float32]


def strip(film: Film) -> FrameStrip:
    """Reads frames spread over a clip, small, grey, without coarse light and shade."""
    scale = STRIP_PX / max(film.facts.width, film.facts.height)
    shape = max(8, round(scale * film.facts.height)), max(8, round(scale * film.facts.width))
    times, details = [], []
    for frame in film.frames(film.times(SPACING, MOST_FRAMES), 2 * STRIP_PX):
        times.append(frame.time)
        details.append(detail(grey(frame.rgb, shape)))
    return FrameStrip(np.array(times), np.array(details, np.float32))


def most_alike(
    frames: FrameStrip, timing: Timing, moment: float, thumbnail: Rgb, mirrored: bool, place: Place
) -> tuple[float, float] | None:
    """Finds the time of the frame, s, most like a thumbnail, and their correlation, -1 to 1.

    Args:
        frames: of the clip.
        timing: by votes; frames within `REACH` of it are tried.
        moment: of the thumbnail, s.
        thumbnail: uint8 ``(h, w, 3)``.
        mirrored: whether the clip is.
        place: where the thumbnail lies in the clip's frame, roughly.

    Returns:
        None if no frame is near, or there is nothing to compare.
    """
    import cv2

    near = np.flatnonzero(np.abs(frames.times - timing.here(moment)) <= REACH)
    target, box = _as_in_clip(thumbnail, place, mirrored, frames.details.shape[1:])
    if not near.size or target.size < 100 or target.std() < FLAT:
        return None
    top, bottom, left, right = box
    alike = [
        cv2.matchTemplate(
            frames.details[i, top:bottom, left:right], target, cv2.TM_CCOEFF_NORMED
        ).max()
        for i in near
    ]
    best = int(np.argmax(alike))
    return float(frames.times[near[best]]), float(alike[best])


def _as_in_clip(
    thumbnail: Rgb, place: Place, mirrored: bool, shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], tuple[int, int, int, int]]:
    """Returns the visible part of a thumbnail in the clip's frame, without an edge.

    The second value is the box in which to look for it, px.
    """
    import cv2

    height, width = shape
    matrix = (
        np.diag([width, width, 1.0])
        @ place
        @ np.diag([1 / thumbnail.shape[1], 1 / thumbnail.shape[1], 1.0])
    )
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    soft = cv2.GaussianBlur(luma(thumbnail), (0, 0), max(0.5, 0.4 / max(scale, 1e-3)))
    target = detail(
        np.asarray(
            cv2.warpPerspective(soft, matrix, (width, height), flags=cv2.INTER_LINEAR), np.float32
        )
    )
    mask = (
        cv2.warpPerspective(np.ones(thumbnail.shape[:2], np.float32), matrix, (width, height))
        > 0.99
    )
    if mirrored:
        target, mask = target[:, ::-1], mask[:, ::-1]
    aside = max(2, round(ASIDE * max(shape)))
    x, y, w, h = cv2.boundingRect(np.ascontiguousarray(mask, np.uint8))
    top, bottom, left, right = (
        max(y, aside),
        min(y + h, height - aside),
        max(x, aside),
        min(x + w, width - aside),
    )
    inner = np.ascontiguousarray(target[top:bottom, left:right])
    return inner, (top - aside, bottom + aside, left - aside, right + aside)


def spread(values: Sequence[float], at_most: int) -> list[float]:
    """Returns at most ``at_most`` of the values, evenly spaced."""
    if len(values) <= at_most:
        return list(values)
    return [values[i] for i in np.linspace(0, len(values) - 1, at_most).round().astype(int)]


def grey(rgb: Rgb, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Scales a picture to grey, float32 ``shape``, 0 to 255."""
    import cv2

    return np.asarray(
        cv2.resize(luma(rgb), (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.float32
    )
