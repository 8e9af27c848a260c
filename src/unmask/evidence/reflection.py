"""Reflection line: the lights that the two corneas mirror.

Both eyes look at the same lamps and windows, nearly from the same place, so their highlights agree
in place and shape within the iris. In faces made by a network they often do not (Hu, Li and Lyu
2021; Matern, Riess and Stamminger 2019). The iris is found as a dark disc between lighter whites
(after Daugman 1993), highlights are spots that stand out from it, and both patterns are correlated
in the coordinates of their own iris.

Hu and others had portraits of 1,024 px. On smaller faces, with glasses, lashes or a sideways
glance, bona fide eyes disagree as well: docs/lines/reflection.md tells how little this line is
worth there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from unmask import drawing
from unmask.faces import EYE_PX, STRIP_EYES, STRIP_PX
from unmask.measuring import Measurement, SightingLine, Unmeasured
from unmask.messages import Message
from unmask.types import Picture, Reading, Rgb, Sighting, Status, TrackEvidence

EYE = STRIP_PX[1]
"""Side of the square around one eye, px of the strip."""

RADII = (9.0, 10.5, 12.0, 13.5)
"""Radii of the iris that are tried, px of the strip.

They are 11.7 mm across where the eyes are 63 mm apart, plus or minus a quarter.
"""

AGREE, DISAGREE = 0.4, 0.85
"""Scores below and above which the message reports agreement or disagreement.

Three quarters of 440 bona fide training portraits lie below the one, 1 in 100 above the other.
"""

PATTERN = 33
"""Side of a pattern of highlights in the coordinates of its iris, whose radius is half of that."""


@dataclass(frozen=True, slots=True, eq=False)
class Cornea:
    """One eye of a strip.

    Attributes:
        seen: a square around the eye, uint8 ``(64, 64, 3)``.
        x, y, radius: of the iris, px in the square.
        contrast: of the iris with the white beside it, grey levels.
        highlights: how much brighter than the iris, grey levels, float32 ``(PATTERN, PATTERN)``.
    """

    seen: Rgb
    x: int
    y: int
    radius: float
    contrast: float
    highlights: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Eyes:
    """Both corneas of the person, and the disagreement of their lights.

    The score is 0 to 1, see `disagreement`.
    """

    right: Cornea
    left: Cornea
    score: float


class Reflection(SightingLine[Eyes]):
    """Compares the lights that the two corneas mirror.

    The score is 1 less the correlation of the two patterns: 0 where they agree, 1 where they do
    not.

    Args:
        yaw: how far the head may be turned aside, see `unmask.types.Quality`; Hu and others ask for
            frontal faces.
        contrast: least contrast of an iris with the white beside it, grey levels; below, the eye is
            closed or covered.
        peak: least brightness of a highlight above its iris, grey levels, in one of the eyes.
    """

    name = "reflection"

    def __init__(self, yaw: float = 0.35, contrast: float = 15.0, peak: float = 12.0) -> None:
        super().__init__()
        self.yaw, self.contrast, self.peak = yaw, contrast, peak

    def look(self, sighting: Sighting) -> Measurement[Eyes] | Unmeasured:
        """Finds both corneas, if the eyes are open and mirror a light."""
        if sighting.eyes is None:
            return Unmeasured(Message("reflection.small", {"width": EYE_PX}))
        if sighting.quality.yaw > self.yaw:
            return Unmeasured(Message("unmeasured.aside"))
        right, left = corneas(sighting.eyes)
        if min(right.contrast, left.contrast) < self.contrast:
            return Unmeasured(Message("reflection.closed"))
        if max(right.highlights.max(), left.highlights.max()) < self.peak:
            return Unmeasured(Message("reflection.no_light"))
        return Measurement(sighting, Eyes(right, left, disagreement(right, left)))

    def sum_up(self, measured: Sequence[Measurement[Eyes]]) -> TrackEvidence:
        """Scores a track by the median of its sightings.

        The sighting with the brightest lights is shown.
        """
        readings = tuple(Reading(m.sighting.time, m.value.score) for m in measured)
        score = float(np.median([r.score for r in readings]))
        shown = max(
            measured,
            key=lambda m: min(m.value.right.highlights.max(), m.value.left.highlights.max()),
        )
        caption = Message("reflection.picture").at(
            shown.sighting.time if len(measured) > 1 else None
        )
        return TrackEvidence(
            Status.RAN, _summary(score), score, readings, (Picture(caption, _shown(shown.value)),)
        )


def _summary(score: float) -> Message:
    if score < AGREE:
        return Message("reflection.agree")
    return (
        Message("reflection.disagree") if score > DISAGREE else Message("reflection.agree_in_part")
    )


def corneas(strip: Rgb) -> tuple[Cornea, Cornea]:
    """Finds the person's right and left cornea in a strip of both eyes, uint8 ``(64, 192, 3)``.

    For the strip see `unmask.faces.eyes`.
    """
    first, second = (round(float(x)) - EYE // 2 for x in STRIP_EYES[:, 0])
    return _cornea(strip[:, first : first + EYE]), _cornea(strip[:, second : second + EYE])


def disagreement(right: Cornea, left: Cornea, reach: int = 3) -> float:
    """Computes 1 less the highest correlation, 0 to 1, of two patterns of highlights.

    One pattern is moved by up to ``reach`` px: the eyes are apart and the head is turned a little,
    so highlights move by about a fifth of the iris' radius.
    """
    import cv2

    a, b = (cv2.GaussianBlur(eye.highlights, (0, 0), 2.0) for eye in (right, left))
    inner = b[reach:-reach, reach:-reach]
    alike = (
        cv2.matchTemplate(a, inner, cv2.TM_CCORR_NORMED) if a.any() and inner.any() else np.zeros(1)
    )
    return float(np.clip(1 - alike.max(), 0, 1))


def _cornea(eye: Rgb) -> Cornea:
    import cv2

    # Irises of every colour are dark in red light or in all light.
    brightness = (eye[..., 0] * 0.5 + cv2.cvtColor(eye, cv2.COLOR_RGB2GRAY) * 0.5).astype(
        np.float32
    )
    without_lights = cv2.morphologyEx(brightness, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    margin = 12
    best = (-np.inf, 0, 0, RADII[0])
    for radius, kernel in zip(RADII, _discs(), strict=True):
        fit = cv2.filter2D(without_lights, -1, kernel, borderType=cv2.BORDER_REPLICATE)[
            margin:-margin, margin:-margin
        ]
        row, column = divmod(int(fit.argmax()), fit.shape[1])
        best = max(best, (float(fit[row, column]), column + margin, row + margin, radius))
    contrast, x, y, radius = best
    above = np.maximum(brightness - without_lights, 0)
    return Cornea(eye, x, y, radius, contrast, _pattern(above, x, y, radius))


@cache
def _discs() -> tuple[NDArray[np.float32], ...]:
    """Returns filters that give the brightness beside a disc less that inside it, per `RADII`.

    They leave out the areas above and below, which are lids.
    """
    kernels = []
    for radius in RADII:
        reach = int(np.ceil(radius * 1.45))
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        distance, beside = np.hypot(x, y), np.abs(y) <= 1.2 * np.abs(x)
        disc, white = (
            distance <= radius,
            (distance > 1.08 * radius) & (distance < 1.45 * radius) & beside,
        )
        kernels.append((white / white.sum() - disc / disc.sum()).astype(np.float32))
    return tuple(kernels)


def _pattern(above: NDArray[np.float32], x: int, y: int, radius: float) -> NDArray[np.float32]:
    """Returns what is brighter than the iris, in its coordinates.

    Its usual texture and its rim are removed.
    """
    import cv2

    middle = PATTERN // 2
    scale = middle / radius
    matrix = np.array([[scale, 0, middle - scale * x], [0, scale, middle - scale * y]])
    seen = cv2.warpAffine(above, matrix, (PATTERN, PATTERN))
    down, across = np.mgrid[-middle : middle + 1, -middle : middle + 1]
    inside = np.hypot(down, across) <= 0.9 * middle
    return np.asarray(
        np.where(inside, np.maximum(seen - np.median(seen[inside]), 0), 0), np.float32
    )


def _shown(eyes: Eyes) -> Rgb:
    """Draws both eyes side by side, each above its pattern of highlights."""
    import cv2

    side, panels = drawing.PANEL_PX, []
    for eye in (eyes.right, eyes.left):
        zoom = side / EYE
        large = cv2.resize(eye.seen, (side, side), interpolation=cv2.INTER_CUBIC)
        middle = (round(eye.x * zoom), round(eye.y * zoom))
        cv2.circle(large, middle, round(eye.radius * zoom), (255, 255, 255), 1, cv2.LINE_AA)
        lights = np.clip(eye.highlights * 3, 0, 255).astype(np.uint8)
        shape = cv2.resize(
            cv2.cvtColor(lights, cv2.COLOR_GRAY2RGB), (side, side), interpolation=cv2.INTER_NEAREST
        )
        panels.append(np.vstack([large, shape]).astype(np.uint8))
    return drawing.side_by_side(*panels)
