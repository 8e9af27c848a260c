"""What differs between a frame and its original: inside each face against everywhere else.

The two were encoded differently, graded, scaled. So the original is first given the colours of the frame, by what lies outside
the faces, and made as soft as each head is. What still differs outside is noise, and noise grows with detail: how much a patch
of a given detail differs is learned outside the faces and taken out inside, and a tenth of a head's own structure with it, for
encoders sharpen and blur: the same face differs by less, another by about twice its structure. What remains is told apart by
where it is: in the face alone (a changed face), in the mouth alone, in the head as a whole (another take: it lies elsewhere, and
hair and shoulders never move the same way twice), in strokes that run across and beyond the face (a subtitle), or elsewhere in
the picture (a retouched frame). Where another face would not have differed visibly, that none is seen says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.types import Pair, Rgb

Plane = NDArray[np.float32]
Colours = NDArray[np.float32]
Mask = NDArray[np.bool_]

SOFTNESS = (0.0, 0.5, 0.8, 1.2, 1.7, 2.4, 3.4)
"""Blurs, sigma in px of the thumbnail, of which the one that explains the frame best is taken."""

SHADE, FINE = 14.0, 7.0
"""Sigma in px of the thumbnail: what is wider is light and colour, in the whole picture, and within a head."""

CONTRAST = 0.1
"""Share of a head's structure, in squares, by which two encodings of it may differ; of another face it is about 2."""

SETTLED = 0.8
"""A head was moved if moving it leaves at most this share of the face's squared difference. Of another's face, pasted in
its size, more is left; of one pasted some percent larger at times less."""

LEAST_SEEN = 400
"""Px of the thumbnail; fewer tell neither colours nor noise."""

PATCH = 6
"""Side of the patches over which detail and difference are averaged, px of the thumbnail."""

SMALLEST_EYES = 7.0
"""px of the thumbnail between the eyes, below which a face is not compared."""

REGIONS = {"face": (0.54, 0.85, 1.15), "eyes": (0.07, 0.85, 0.38), "mouth": (1.0, 0.6, 0.38)}
"""Ellipses: where the middle lies, from the eyes, 0, to the mouth, 1; half width and height, in distances between the eyes."""

BLEND, HEAD = (0.54, 1.15, 1.6), (0.54, 1.9, 2.3)
"""What a pasted face may blend over, and the head with hair and neck about it; between the two nothing should differ."""


class Finding(StrEnum):
    """What a comparison says of one face in one frame."""

    SAME = "the same"
    CHANGED_FACE = "changed face"
    CHANGED_MOUTH = "changed mouth"
    OTHER_TAKE = "another take"
    RETOUCHED = "changed elsewhere"
    COVERED = "covered"
    FAINT = "too faint"
    TOO_SMALL = "too small"


UNTOLD = frozenset({Finding.COVERED, Finding.FAINT, Finding.TOO_SMALL})
"""Findings of a face that could not be compared."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One face of a pair. Differences are decimal logarithms of measured over expected squared difference: 0 is noise.

    Attributes:
        finding: see `Finding`.
        score: `inside`, less what the head around the face differs as well; nan where the face could not be compared, and
            in another take in which it differs, or what is around it, for it may have been acted otherwise.
        inside: of the part of the face that differs most.
        around: of hair, ears and neck.
        elsewhere: share of the rest of the picture, 0 to 1, that differs far beyond noise.
        where: float32 ``(h, w)``, 0 to 1, over the thumbnail: where and how far it differs.
    """

    finding: Finding
    score: float
    inside: float
    around: float
    elsewhere: float
    where: Plane


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where a finding begins.

    Attributes:
        changed: least score of a change, decades; where the line's LR is about 1 (``weights/originals.json``).
        take: least difference around the face, decades, at which another take, or a retouched frame, is spoken of.
        moved: px of the thumbnail, root mean square over the head, by which it lies elsewhere, at which another take is
            spoken of.
        calm: most difference, decades, of eyes or mouth that counts as noise where the other one differs.
        retouched: share of the rest of the picture that differs at which it was retouched, 0 to 1.
        uncovered: share of the face, and of the mouth, that must be free of lettering and inside the picture, 0 to 1.
        telling: least difference, decades, that another face or mouth would have made; below it, none seen says nothing.
    """

    changed: float = 0.25
    take: float = 0.3
    moved: float = 0.7
    calm: float = 0.0
    retouched: float = 0.02
    uncovered: float = 0.5
    telling: float = 0.5


def compare(
    pair: Pair, faces: Sequence[NDArray[np.float32]], thresholds: Thresholds = Thresholds()
) -> tuple[Comparison, ...]:
    """What each face of a frame differs in from the original.

    Args:
        pair: the frame laid over its original.
        faces: the five points of every face in the frame, float32 ``(5, 2)`` px of the file's frame.
        thresholds: where a finding begins.

    Returns:
        One comparison per face, in their order.
    """
    import cv2

    plans = [_plan(points, pair) for points in faces]
    shape = pair.original.shape[:2]
    seen = _inner(pair.seen)
    if seen.sum() < LEAST_SEEN:
        nan = float("nan")
        nothing = Comparison(Finding.COVERED, nan, nan, nan, 0.0, np.zeros(shape, np.float32))
        return tuple(nothing for _ in plans)
    pasted, heads = (_union([_ellipse(plan, part, shape) for plan in plans], shape) for part in (BLEND, HEAD))
    outside = _enough(seen & ~heads, seen)
    frame = cv2.GaussianBlur(pair.rgb, (0, 0), 0.6).astype(np.float32)
    versions = _versions(frame, pair.original, _enough(seen & ~pasted, seen))
    plain = _plainest(versions)
    residual, expected = _planes(frame, plain, seen, outside, SHADE)
    free = seen & ~_lettering(residual, expected, seen, pasted, heads)
    elsewhere = _elsewhere(residual / expected, free & ~heads)
    _, noise = _planes(frame, plain, seen, outside, FINE)
    laid = _Laid(frame, [matched for _, matched in versions], seen, free, noise)
    return tuple(_judge(plan, laid, elsewhere, thresholds) for plan in plans)


# ---------------------------------------------------------------- one face


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where a face lies in the thumbnail: the middles of its eyes and mouth, px; distance between the eyes, px; turn, degrees."""

    eyes: tuple[float, float]
    mouth: tuple[float, float]
    apart: float
    turn: float


def _plan(points: NDArray[np.float32], pair: Pair) -> _Plan:
    import cv2

    carried = cv2.perspectiveTransform(points.astype(np.float64).reshape(1, -1, 2), pair.onto)[0]
    if carried[0, 0] > carried[1, 0]:
        carried = carried[[1, 0, 2, 4, 3]]
    middle, mouth = carried[:2].mean(axis=0), carried[3:].mean(axis=0)
    across, down = carried[1] - carried[0], mouth - middle
    # A turned head brings the eyes together, not the eyes and the mouth.
    apart = max(float(np.hypot(*across)), float(np.hypot(*down)) / 1.155)
    turn = float(np.degrees(np.arctan2(-down[0], down[1])))
    return _Plan((float(middle[0]), float(middle[1])), (float(mouth[0]), float(mouth[1])), apart, turn)


def _ellipse(plan: _Plan, part: tuple[float, float, float], shape: tuple[int, ...]) -> Mask:
    import cv2

    x, y = (eye + part[0] * (mouth - eye) for eye, mouth in zip(plan.eyes, plan.mouth, strict=True))
    width, height = (2 * half * plan.apart for half in part[1:])
    mask = np.zeros(shape, np.uint8)
    if max(abs(x), abs(y), width, height) < 1e4:
        cv2.ellipse(mask, ((x, y), (width, height), plan.turn), 1, -1)
    return mask.astype(np.bool_)


def _union(masks: Sequence[Mask], shape: tuple[int, ...]) -> Mask:
    return np.asarray(np.logical_or.reduce([np.zeros(shape, np.bool_), *masks]))


def _inner(seen: Mask, margin: int = 5) -> Mask:
    """Without the edge of what the frame covers, where it is mixed with nothing."""
    import cv2

    framed = cv2.copyMakeBorder(seen.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.erode(framed, np.ones((margin, margin), np.uint8))[1:-1, 1:-1] > 0)


def _enough(mask: Mask, otherwise: Mask) -> Mask:
    return mask if mask.sum() > LEAST_SEEN else otherwise


@dataclass(frozen=True, slots=True)
class _Laid:
    """A frame over its original: both in the frame's colours, the original in every softness; what of them to compare; and
    what noise explains, as the scenery tells, so that what is done to a head cannot raise it."""

    frame: Colours
    versions: list[Colours]
    seen: Mask
    free: Mask
    noise: Plane


def _judge(plan: _Plan, laid: _Laid, elsewhere: float, rules: Thresholds) -> Comparison:
    shape = laid.seen.shape
    parts = {name: _ellipse(plan, part, shape) & laid.free for name, part in REGIONS.items()}
    head = _ellipse(plan, HEAD, shape) & laid.free
    ring = head & ~_ellipse(plan, BLEND, shape)
    matched, moved = _head(laid, head, head & ~ring)
    own, other = (_without_shade(picture, laid.free, FINE) for picture in (laid.frame, matched))
    structure = _patched(other)
    expected: Plane = laid.noise + np.float32(CONTRAST / 2) * (_patched(own) + structure)
    ratio: Plane = _patched(own - other) / expected
    where = np.clip(np.log10(np.maximum(ratio, 1e-3)), 0, 1).astype(np.float32) * laid.seen
    differ = {name: _decades(ratio, part) for name, part in parts.items()}
    around, inside = _decades(ratio, _lower(ratio, ring)), max(differ.values())
    score = inside - max(0.0, around)
    finding = _finding(differ, score, around, moved, elsewhere, rules)
    acted = finding is Finding.OTHER_TAKE and (inside >= rules.calm or around >= rules.take)
    if not acted and finding not in {Finding.CHANGED_FACE, Finding.CHANGED_MOUTH}:
        finding = _silent(plan, parts, 2 * structure / expected, rules) or finding
    finding = _unseen(plan, parts, rules) or finding
    if acted or finding in UNTOLD:
        score = inside = around = float("nan")
    return Comparison(finding, score, inside, around, elsewhere, where)


def _unseen(plan: _Plan, parts: dict[str, Mask], rules: Thresholds) -> Finding | None:
    """Why a face cannot be compared at all."""
    if plan.apart < SMALLEST_EYES:
        return Finding.TOO_SMALL
    return Finding.COVERED if _covered(plan, "face", parts, rules) else None


def _silent(plan: _Plan, parts: dict[str, Mask], another: Plane, rules: Thresholds) -> Finding | None:
    """Why a change of the face, or of the mouth, would not have shown, so that seeing none says nothing.

    ``another``: by how many times the noise another head would differ.
    """
    for name in ("face", "mouth"):
        if _covered(plan, name, parts, rules):
            return Finding.COVERED
        if _decades(another, parts[name]) < rules.telling:
            return Finding.FAINT
    return None


def _covered(plan: _Plan, name: str, parts: dict[str, Mask], rules: Thresholds) -> bool:
    """Whether too much of a part is under lettering or outside the picture; ``parts``: what is left of each."""
    _, half_width, half_height = REGIONS[name]
    whole = np.pi * half_width * half_height * plan.apart**2
    return bool(parts[name].sum() < rules.uncovered * max(1.0, whole))


def _finding(
    differ: dict[str, float], score: float, around: float, moved: float, elsewhere: float, rules: Thresholds
) -> Finding:
    if moved >= rules.moved or (around >= rules.take and max(differ.values()) >= rules.calm):
        return Finding.OTHER_TAKE
    if score >= rules.changed:
        return Finding.CHANGED_MOUTH if differ["eyes"] < rules.calm <= differ["mouth"] else Finding.CHANGED_FACE
    return Finding.RETOUCHED if elsewhere >= rules.retouched or around >= rules.take else Finding.SAME


def _lower(ratio: Plane, mask: Mask, part: float = 0.75) -> Mask:
    """The three quarters of a part that differ least: without what was laid over some of it, such as a logo."""
    return mask & (ratio <= np.quantile(ratio[mask], part)) if mask.any() else mask


def _decades(ratio: Plane, mask: Mask, least: int = 12) -> float:
    """log10 of the mean of measured over expected squared difference; 0 where there is too little to tell.

    Each px counts by its own noise, so that a change in the dark half of a face is not lost in the noise of the bright half.
    """
    return float(np.log10(max(float(ratio[mask].mean()), 1e-6))) if mask.sum() >= least else 0.0


# ---------------------------------------------------------------- what noise explains


def _versions(frame: Colours, original: Rgb, unchanged: Mask) -> list[tuple[float, Colours]]:
    """The original in every softness and in the colours of the frame, and the median that differs where ``unchanged``."""
    import cv2

    at, versions = _sample(unchanged), []
    for sigma in SOFTNESS:
        soft = cv2.GaussianBlur(original, (0, 0), float(np.hypot(0.6, sigma)))
        colours, left = _colours(soft.reshape(-1, 3)[at], frame.reshape(-1, 3)[at])
        matched = np.clip(_terms(soft.reshape(-1, 3)) @ colours, 0, 1).reshape(frame.shape) * np.float32(255)
        versions.append((left, matched))
    return versions


def _plainest(versions: list[tuple[float, Colours]]) -> Colours:
    """The least soft that explains nearly as much as the best does."""
    least = min(left for left, _ in versions)
    return next(matched for left, matched in versions if left <= 1.03 * least)


def _head(laid: _Laid, head: Mask, face: Mask) -> tuple[Colours, float]:
    """The original as soft as the frame is at one head, and laid over that head; and by how many px it was moved for that.

    An encoder gives a face other bits than scenery; and in another take the head is the same, elsewhere. How it lies is told by
    hair and neck as well, whether that settles it by the face alone, for about the face there is scenery, which stays.
    """
    if not face.any():
        return laid.versions[0], 0.0
    still = min(laid.versions, key=lambda version: _left(laid, version, head))
    warp = _moved(laid.frame, laid.versions[0], head)
    if warp is None:
        return still, 0.0
    moved = min((_warped(version, warp) for version in laid.versions), key=lambda version: _left(laid, version, head))
    if _left(laid, moved, face) > SETTLED * _left(laid, still, face):
        return still, 0.0
    y, x = np.nonzero(head)
    by = warp @ np.stack([x, y, np.ones_like(x)]) - np.stack([x, y])
    return moved, float(np.sqrt((by**2).sum(axis=0).mean()))


def _left(laid: _Laid, matched: Colours, mask: Mask) -> float:
    """Mean squared difference in a part."""
    return float((_without_shade(laid.frame - matched, laid.seen, FINE)[mask] ** 2).mean())


def _moved(frame: Colours, matched: Colours, head: Mask) -> NDArray[np.float32] | None:
    """Lays the original over a head (ECC): float32 ``(2, 3)``, px of the frame to px of the original; None if it fails."""
    import cv2

    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-3)
    start, mask = np.eye(2, 3, dtype=np.float32), head.astype(np.uint8)
    try:
        _, warp = cv2.findTransformECC(
            frame.mean(axis=2), matched.mean(axis=2), start, cv2.MOTION_AFFINE, criteria, mask, 5
        )
    except cv2.error:
        return None
    return np.asarray(warp, np.float32)


def _warped(matched: Colours, warp: NDArray[np.float32]) -> Colours:
    import cv2

    size, flags = (matched.shape[1], matched.shape[0]), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(matched, warp, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _planes(frame: Colours, matched: Colours, seen: Mask, outside: Mask, wide: float) -> tuple[Plane, Plane]:
    """Squared difference of frame and original, over patches; and what noise explains of it."""
    residual = _patched(_without_shade(frame - matched, seen, wide))
    return residual, _expected(residual, _detail_energy(matched), outside)


def _patched(colours: Colours) -> Plane:
    import cv2

    return np.asarray(cv2.blur((colours**2).mean(axis=2), (PATCH, PATCH)), np.float32)


def _sample(mask: Mask, at_most: int = 4000) -> NDArray[np.int64]:
    """Pixels of a mask, evenly spread over it."""
    at = np.flatnonzero(mask)
    return at[np.linspace(0, at.size - 1, min(at_most, at.size)).astype(np.int64)]


def _without_shade(picture: Colours, seen: Mask, sigma: float) -> Colours:
    """Without what is even over a wide area: light, vignettes and skin colours that the grading has shifted."""
    import cv2

    weight = seen.astype(np.float32)
    shade = cv2.GaussianBlur(picture * weight[..., None], (0, 0), sigma)
    shade = shade / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)[..., None]
    return np.asarray((picture - shade) * weight[..., None], np.float32)


def _colours(original: NDArray[Any], frame: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """What gives an original the colours of the frame: a quadratic of red, green and blue; and the median it leaves over.

    Iterated least squares with Tukey's weights (Holland and Welsch 1977), on pixels ``(n, 3)``.
    """
    x, y = _terms(original).astype(np.float64), frame.astype(np.float64) / 255
    weight = np.ones(len(x))
    start = np.zeros((x.shape[1], 3))
    start[1:4] = np.eye(3)
    solution, ridge = start, 1e-5 * len(x) * np.eye(x.shape[1])
    for _ in range(5):
        weighed = x * weight[:, None]
        solution = start + np.linalg.solve(weighed.T @ x + ridge, weighed.T @ (y - x @ start))
        error = np.abs(y - x @ solution).max(axis=1)
        scale = 4.685 * 1.4826 * max(float(np.median(error)), 1e-3)
        weight = np.where(error < scale, (1 - (error / scale) ** 2) ** 2, 0)
    left = float(np.median(((y - x @ solution) ** 2).sum(axis=1)))
    return solution.astype(np.float32), left


def _terms(rgb: NDArray[Any]) -> NDArray[np.float32]:
    r, g, b = (np.ascontiguousarray(rgb[:, i], np.float32) / 255 for i in range(3))
    return np.stack([np.ones_like(r), r, g, b, r * r, g * g, b * b, r * g, g * b, r * b], axis=1)


def _detail_energy(rgb: NDArray[np.float32]) -> Plane:
    """Squared gradient, averaged over patches."""
    import cv2

    grey = rgb.mean(axis=2)
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(cv2.blur(dx * dx + dy * dy, (PATCH, PATCH)), np.float32)


def _expected(squared: Plane, detail: Plane, outside: Mask, bins: int = 8, floor: float = 2.0) -> Plane:
    """The squared difference that a patch of such detail shows outside the faces; beyond the detail there, in proportion.

    A middle-of-the-road mean, of the lower three quarters in each bin of detail, so that letters and logos do not count.
    """
    x, y = detail[outside], squared[outside]
    edges = np.quantile(x, np.linspace(0, 1, bins + 1))
    middles, levels = [], []
    for low, high in pairwise(edges):
        inside = np.sort(y[(x >= low) & (x <= high)])
        if inside.size:
            middles.append((low + high) / 2)
            levels.append(max(floor, 1.5 * float(inside[: max(1, 3 * inside.size // 4)].mean())))
    rising = np.maximum.accumulate(levels)
    found = np.interp(detail, middles, rising)
    beyond = detail > middles[-1]
    found[beyond] = rising[-1] * detail[beyond] / max(middles[-1], 1e-3)
    return np.asarray(found, np.float32)


# ---------------------------------------------------------------- what was laid over, and what else was changed


def _lettering(residual: Plane, expected: Plane, seen: Mask, faces: Mask, heads: Mask) -> Mask:
    """Lines of letters that run on beyond a face: subtitles and banners, which cover a face and do not change it.

    They are looked for outside the faces, where a changed face cannot be mistaken for them, and then followed across heads.
    """
    import cv2

    height, width = residual.shape
    hot = ((residual > np.maximum(300.0, 25 * expected)) & seen & ~faces).astype(np.uint8)
    joined = cv2.morphologyEx(hot, cv2.MORPH_CLOSE, np.ones((3, max(5, width // 24)), np.uint8))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(joined)
    found = np.zeros(residual.shape, np.bool_)
    for x, y, across, down, area in boxes[1:count]:
        if across >= 1.5 * down and 4 <= down < 0.2 * height and area > 0.4 * across * down:
            found[max(0, y - 3) : y + down + 3, max(0, x - 4) : x + across + 4] = True
    return found | _followed(found, faces, heads)


def _followed(lettering: Mask, faces: Mask, heads: Mask, halo: int = 3) -> Mask:
    """Of the rows in which lettering touches a face, and which its compression reaches, what of the heads lies in them."""
    import cv2

    touching = cv2.dilate(faces.astype(np.uint8), np.ones((3, 31), np.uint8)).astype(np.bool_) & lettering
    rows = np.asarray(touching.any(axis=1))
    about = np.convolve(rows, np.ones(2 * halo + 1), "same") > 0
    return np.asarray((faces & rows[:, None]) | (heads & ~faces & about[:, None]))


def _elsewhere(ratio: Plane, mask: Mask, far: float = 30.0) -> float:
    """Share of the rest of the picture that differs more than ``far`` times as much as noise does."""
    return float((ratio[mask] > far).mean()) if mask.sum() > 100 else 0.0
