"""Example faces, bona fide and forged, each degraded.

They are measured and scored as the runtime would.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask import faces
from unmask.evidence.learned import Learned
from unmask.types import Face, Quality, Rgb, Sighting
from unmask_lab.data import BONA_FIDE, Row
from unmask_lab.degrade import Degradation
from unmask_lab.forge.face import FaceImage
from unmask_lab.samples import forge_visibly, nearest, shapes

BOX_PER_EYES = 2.0
"""Width of CenterFace's box in eye distances, as found on frontal faces."""

Way = Callable[[np.random.Generator], tuple[Degradation, float]]
"""Function that draws a degradation, and the scale by which a picture is reduced first."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One face as the runtime sees it.

    Attributes:
        crop: aligned, uint8 ``(CROP_PX, CROP_PX, 3)``.
        eyes: see `unmask.faces.eyes`.
        close_up: see `unmask.faces.close_up`.
        quality: as the runtime measures it.
        label: 0 bona fide, 1 changed.
        family: of the forgery; "" if bona fide or made by others.
        source, identity: of the row.
        original: names the bona fide example that a changed one was made from, and that example
            itself.
        mask: of the change over the crop, float32, 0 to 1; None if unknown.
    """

    crop: Rgb
    eyes: Rgb | None
    close_up: Rgb
    quality: Quality
    label: int
    family: str
    source: str
    identity: str
    original: str
    mask: NDArray[np.float32] | None = None

    def sighting(self, time: float = 0.0) -> Sighting:
        """Returns the example as a line of evidence gets it, without a close-up of a small face."""
        large = self.quality.size_px >= faces.CLOSE_UP_LEAST_PX
        return Sighting(
            time,
            Face((0.0, 0.0, 1.0, 1.0), faces.TEMPLATE, 1.0),
            self.quality,
            self.crop,
            self.eyes,
            self.close_up if large else None,
        )


Picture = tuple[Rgb, NDArray[np.float32] | None, str]
"""Picture of a face, the mask of its change and the family that made it.

The last two are None and "" if it was not forged here.
"""


def forged(rows: Sequence[Row], families: Sequence[str], way: Way, seed: int) -> list[Example]:
    """Returns each bona fide row's face and one forgery per family, all degraded the same way."""
    rows = [row for row in rows if row.label == BONA_FIDE]
    points = shapes(rows)
    examples = []
    for i, row in enumerate(rows):
        rng = np.random.default_rng((seed, i))
        pictures = with_forgeries(row, rows, points, families, rng)
        degradation, scale = way(rng)
        for rgb, mask, family in pictures:
            examples.append(as_seen(row, rgb, mask, family, f"{seed}/{i}", degradation, scale, rng))
        if i % 100 == 99:
            print(f"forged {i + 1} of {len(rows)}", file=sys.stderr, flush=True)
    return examples


def with_forgeries(
    row: Row,
    rows: Sequence[Row],
    points: NDArray[np.float32],
    families: Sequence[str],
    rng: np.random.Generator,
) -> list[Picture]:
    """Returns a bona fide row's picture, and one forgery of it per family.

    Donors come from ``rows``, whose `shapes` are ``points``.
    """
    target = FaceImage(row.rgb, row.points, row.mesh)
    donor = nearest(rows, points, row, rng) if families else target
    fakes = [forge_visibly(family, target, donor, rng) for family in families]
    return [(target.rgb, None, ""), *((fake.rgb, fake.mask, fake.family) for fake in fakes)]


def given(rows: Sequence[Row], way: Way, seed: int) -> list[Example]:
    """Returns rows that bring their own labels, each degraded.

    Changed rows that hardly differ from their original are left out.
    """
    examples = []
    for i, row in enumerate(told_apart(rows)):
        rng = np.random.default_rng((seed, i))
        degradation, scale = way(rng)
        original = row.clip if row.label == BONA_FIDE else (row.made_from or "")
        examples.append(as_seen(row, row.rgb, None, "", original, degradation, scale, rng))
    return examples


class Pictured(Protocol):
    """Picture that may name the one it was made from, as `Row` does."""

    @property
    def label(self) -> int: ...
    @property
    def clip(self) -> str: ...
    @property
    def made_from(self) -> str | None: ...
    @property
    def rgb(self) -> Rgb: ...


AnyPictured = TypeVar("AnyPictured", bound=Pictured)


def told_apart(rows: Sequence[AnyPictured]) -> list[AnyPictured]:
    """Returns the rows without the changed ones that hardly differ from the original they name.

    In these the swap failed.
    """
    originals = {row.clip: row for row in rows if row.label == BONA_FIDE}
    pairs = [(row, originals.get(row.made_from or "")) for row in rows]
    return [row for row, before in pairs if before is None or differs(row.rgb, before.rgb)]


def differs(changed: Rgb, original: Rgb, least: float = 4.0) -> bool:
    """Tells whether the inner half of a changed face differs enough from its original.

    The mean difference must be at least ``least`` grey levels.
    """
    h, w = changed.shape[:2]
    resized = cv2.resize(original, (w, h), interpolation=cv2.INTER_AREA)
    difference = cv2.blur(cv2.absdiff(changed, resized), (5, 5))
    return float(difference[h // 4 : -h // 4, w // 4 : -w // 4].mean()) >= least


def as_seen(
    row: Row,
    rgb: Rgb,
    mask: NDArray[np.float32] | None,
    family: str,
    original: str,
    degradation: Degradation,
    scale: float,
    rng: np.random.Generator,
) -> Example:
    """Scales and degrades a row's picture, forged or not, then aligns and measures it.

    The runtime would align and measure it the same way.
    """
    points = row.points * np.float32(scale)
    small = (
        cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if scale < 1
        else rgb
    )
    seen = degradation(np.asarray(small, np.uint8), rng)
    crop = faces.align(seen, points)
    quality = faces.measure(seen, _face(points), crop)
    where = None
    if mask is not None:
        stacked = np.repeat((mask * 255).astype(np.uint8)[..., None], 3, 2)
        where = faces.align(stacked, row.points)[..., 0].astype(np.float32) / np.float32(255)
    label = int(bool(family)) or row.label
    closer = faces.close_up(seen, points)
    return Example(
        crop,
        faces.eyes(seen, points),
        closer,
        quality,
        label,
        family,
        row.source,
        row.identity,
        original,
        where,
    )


def _face(points: NDArray[np.float32]) -> Face:
    reach = BOX_PER_EYES / 2 * float(np.hypot(*(points[1] - points[0])))
    cx, cy = (float(c) for c in points.mean(axis=0))
    return Face((cx - reach, cy - 1.3 * reach, cx + reach, cy + 1.3 * reach), points, 1.0)


def score(examples: Sequence[Example]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the served network's logits ``(n,)`` and maps over close-ups ``(n, 14, 14)``."""
    line = Learned()
    parts = [
        line.run(np.stack([e.close_up for e in examples[i : i + 256]]))
        for i in range(0, len(examples), 256)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
