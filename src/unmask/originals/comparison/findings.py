"""Findings of a comparison, and where each of them begins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class FaceFinding(StrEnum):
    """Finding about one face in one frame."""

    SAME = "the same"
    CHANGED_FACE = "changed face"
    CHANGED_MOUTH = "changed mouth"
    OTHER_TAKE = "another take"
    RETOUCHED = "changed elsewhere"
    COVERED = "covered"
    FAINT = "too faint"
    TOO_SMALL = "too small"


UNTOLD = frozenset({FaceFinding.COVERED, FaceFinding.FAINT, FaceFinding.TOO_SMALL})
"""Findings of a face that could not be compared."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparison of one face of a pair.

    Differences are decimal logarithms of measured over expected squared difference: 0 is noise.

    Attributes:
        finding: see `FaceFinding`.
        score: `inside`, less the difference of the head around the face; nan where the face could
            not be compared, and in another take in which the face or what is around it differs,
            because it may have been acted otherwise.
        inside: of the part of the face that differs most.
        around: of hair, ears and neck.
        elsewhere: share of the rest of the picture, 0 to 1, that differs far beyond noise.
        where: float32 ``(h, w)``, 0 to 1, over the thumbnail: where and how far it differs.
    """

    finding: FaceFinding
    score: float
    inside: float
    around: float
    elsewhere: float
    where: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Thresholds at which a finding begins.

    Attributes:
        changed: least score of a change, decades; where the line's LR is about 1
            (``weights/originals.json``).
        take: least difference around the face, decades, that counts as another take or a retouched
            frame.
        moved: least displacement of the head, px of the thumbnail, root mean square over the head,
            that counts as another take.
        calm: largest difference, decades, of eyes or mouth that counts as noise where the other one
            differs.
        retouched: least share of the rest of the picture that differs for it to be retouched, 0 to
            1.
        uncovered: share of the face, and of the mouth, that must be free of lettering and inside
            the picture, 0 to 1.
        telling: least difference, decades, that another face or mouth would have made; below it,
            seeing no change says nothing.
    """

    changed: float = 0.25
    take: float = 0.3
    moved: float = 0.7
    calm: float = 0.0
    retouched: float = 0.02
    uncovered: float = 0.5
    telling: float = 0.5
