"""Comparison of one face of a frame: its place, its difference, and the finding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.originals.comparison.findings import UNTOLD, Comparison, FaceFinding, Thresholds
from unmask.originals.comparison.head import Laid, lay_over_head
from unmask.originals.comparison.noise import FINE, Mask, Plane, patched, without_shade
from unmask.types import Pair

CONTRAST = 0.1
"""Share of a head's structure, squared, by which two encodings of it may differ.

For another face it is about 2.
"""

SMALLEST_EYES = 7.0
"""Least distance between the eyes of a face that is compared, px of the thumbnail."""

REGIONS = {"face": (0.54, 0.85, 1.15), "eyes": (0.07, 0.85, 0.38), "mouth": (1.0, 0.6, 0.38)}
"""Ellipses of the parts of a face: centre, half width and half height.

The centre is a position from the eyes, 0, to the mouth, 1; the halves are in distances between the
eyes.
"""

BLEND, HEAD = (0.54, 1.15, 1.6), (0.54, 1.9, 2.3)
"""Ellipses of the area that a pasted face may blend over, and of the head with hair and neck.

Between the two nothing should differ.
"""


@dataclass(frozen=True, slots=True)
class FaceLayout:
    """Place of a face in the thumbnail.

    Attributes:
        eyes, mouth: their middles, px.
        apart: distance between the eyes, px.
        turn: degrees.
    """

    eyes: tuple[float, float]
    mouth: tuple[float, float]
    apart: float
    turn: float


def plan_of(points: NDArray[np.float32], pair: Pair) -> FaceLayout:
    """Finds the place of a face in the thumbnail.

    ``points`` are its five points in the frame, float32 ``(5, 2)`` px.
    """
    import cv2

    carried = cv2.perspectiveTransform(points.astype(np.float64).reshape(1, -1, 2), pair.onto)[0]
    if carried[0, 0] > carried[1, 0]:
        carried = carried[[1, 0, 2, 4, 3]]
    middle, mouth = carried[:2].mean(axis=0), carried[3:].mean(axis=0)
    across, down = carried[1] - carried[0], mouth - middle
    # Turning the head shortens the distance between the eyes, not that from eyes to mouth.
    apart = max(float(np.hypot(*across)), float(np.hypot(*down)) / 1.155)
    turn = float(np.degrees(np.arctan2(-down[0], down[1])))
    return FaceLayout(
        (float(middle[0]), float(middle[1])), (float(mouth[0]), float(mouth[1])), apart, turn
    )


def ellipse(plan: FaceLayout, part: tuple[float, float, float], shape: tuple[int, ...]) -> Mask:
    """Returns the pixels of a part of a face, see `REGIONS`, in a thumbnail of this shape.

    There are none where the part is far outside.
    """
    import cv2

    x, y = (eye + part[0] * (mouth - eye) for eye, mouth in zip(plan.eyes, plan.mouth, strict=True))
    width, height = (2 * half * plan.apart for half in part[1:])
    mask = np.zeros(shape, np.uint8)
    if max(abs(x), abs(y), width, height) < 1e4:
        cv2.ellipse(mask, ((x, y), (width, height), plan.turn), 1, -1)
    return mask.astype(np.bool_)


def judge(plan: FaceLayout, laid: Laid, elsewhere: float, rules: Thresholds) -> Comparison:
    """Compares one face; ``elsewhere``: see `Comparison`."""
    shape = laid.seen.shape
    parts = {name: ellipse(plan, part, shape) & laid.free for name, part in REGIONS.items()}
    head = ellipse(plan, HEAD, shape) & laid.free
    ring = head & ~ellipse(plan, BLEND, shape)
    matched, moved = lay_over_head(laid, head, head & ~ring)
    own, other = (without_shade(picture, laid.free, FINE) for picture in (laid.frame, matched))
    structure = patched(other)
    expected: Plane = laid.noise + np.float32(CONTRAST / 2) * (patched(own) + structure)
    ratio: Plane = patched(own - other) / expected
    where = np.clip(np.log10(np.maximum(ratio, 1e-3)), 0, 1).astype(np.float32) * laid.seen
    differ = {name: _decades(ratio, part) for name, part in parts.items()}
    around, inside = _decades(ratio, _lower(ratio, ring)), max(differ.values())
    score = inside - max(0.0, around)
    finding = _finding(differ, score, around, moved, elsewhere, rules)
    acted = finding is FaceFinding.OTHER_TAKE and (inside >= rules.calm or around >= rules.take)
    if not acted and finding not in {FaceFinding.CHANGED_FACE, FaceFinding.CHANGED_MOUTH}:
        finding = _silent(plan, parts, 2 * structure / expected, rules) or finding
    finding = _unseen(plan, parts, rules) or finding
    if acted or finding in UNTOLD:
        score = inside = around = float("nan")
    return Comparison(finding, score, inside, around, elsewhere, where)


def _unseen(plan: FaceLayout, parts: dict[str, Mask], rules: Thresholds) -> FaceFinding | None:
    """Returns the reason why a face cannot be compared at all, if any."""
    if plan.apart < SMALLEST_EYES:
        return FaceFinding.TOO_SMALL
    return FaceFinding.COVERED if _covered(plan, "face", parts, rules) else None


def _silent(
    plan: FaceLayout, parts: dict[str, Mask], another: Plane, rules: Thresholds
) -> FaceFinding | None:
    """Returns the reason why a change of face or mouth would not have shown, if any.

    Seeing no change says nothing then. ``another``: by how many times the noise another head would
    differ.
    """
    for name in ("face", "mouth"):
        if _covered(plan, name, parts, rules):
            return FaceFinding.COVERED
        if _decades(another, parts[name]) < rules.telling:
            return FaceFinding.FAINT
    return None


def _covered(plan: FaceLayout, name: str, parts: dict[str, Mask], rules: Thresholds) -> bool:
    """Tells whether too much of a part is under lettering or outside the picture.

    ``parts``: what is left of each.
    """
    _, half_width, half_height = REGIONS[name]
    whole = np.pi * half_width * half_height * plan.apart**2
    return bool(parts[name].sum() < rules.uncovered * max(1.0, whole))


def _finding(
    differ: dict[str, float],
    score: float,
    around: float,
    moved: float,
    elsewhere: float,
    rules: Thresholds,
) -> FaceFinding:
    if moved >= rules.moved or (around >= rules.take and max(differ.values()) >= rules.calm):
        return FaceFinding.OTHER_TAKE
    if score >= rules.changed:
        return (
            FaceFinding.CHANGED_MOUTH
            if differ["eyes"] < rules.calm <= differ["mouth"]
            else FaceFinding.CHANGED_FACE
        )
    return (
        FaceFinding.RETOUCHED
        if elsewhere >= rules.retouched or around >= rules.take
        else FaceFinding.SAME
    )


def _lower(ratio: Plane, mask: Mask, part: float = 0.75) -> Mask:
    """Returns the three quarters of a part that differ least.

    This leaves out what was laid over some of it, such as a logo.
    """
    return mask & (ratio <= np.quantile(ratio[mask], part)) if mask.any() else mask


def _decades(ratio: Plane, mask: Mask, least: int = 12) -> float:
    """Computes log10 of the mean of measured over expected squared difference.

    It is 0 where the part is too small. Each px counts by its own noise, so that a change in the
    dark half of a face is not lost in the noise of the bright half.
    """
    return float(np.log10(max(float(ratio[mask].mean()), 1e-6))) if mask.sum() >= least else 0.0
