"""Likelihood ratios of measured faces.

People that the served calibration was fitted to are judged by one that was not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask import calibrations
from unmask.likelihood import LN10, Calibration, features
from unmask.types import Quality
from unmask_lab import metrics
from unmask_lab.benchmark.measured import Faces
from unmask_lab.calibrate import _crossed
from unmask_lab.data import DataError

LINE = "learned"


@dataclass(frozen=True, slots=True, eq=False)
class Likelihoods:
    """log10 LR of each face, ``(n,)``.

    ``known`` is against the kinds calibrated on; ``served``, the LR that is shown, is against any
    kind.
    """

    known: NDArray[np.float64]
    served: NDArray[np.float64]


def served_calibration() -> Calibration:
    """Returns the calibration that the runtime uses where only the learned line speaks.

    Raises:
        DataError: there is none.
    """
    for calibration in calibrations.load():
        if calibration.lines == (LINE,):
            return calibration
    raise DataError(
        f"calibration.json: holds no calibration of the {LINE} line alone; run unmask-lab calibrate"
    )


def cross_fitted(faces: Faces, served: Calibration) -> Likelihoods:
    """Judges each person by a calibration of the same form that is fitted to other people's faces.

    Uses five folds.
    """
    rows = [
        features({LINE: float(s)}, q, served.knees)
        for s, q in zip(faces.score, _qualities(faces), strict=True)
    ]
    design = np.column_stack([np.ones(len(rows)), [list(row.values()) for row in rows]])
    weight = metrics.balanced(faces.label, faces.family)
    crossed = _crossed(design, faces.label, weight, faces.identity, len(served.knees)) / LN10
    return _likelihoods(np.clip(crossed, -served.bound, served.bound), served)


def as_served(faces: Faces, served: Calibration) -> Likelihoods:
    """Judges faces by the served calibration, for people it was not fitted to."""
    known = [
        served.known({LINE: float(s)}, q)
        for s, q in zip(faces.score, _qualities(faces), strict=True)
    ]
    return _likelihoods(np.array(known), served)


def _likelihoods(known: NDArray[np.float64], served: Calibration) -> Likelihoods:
    return Likelihoods(known, np.array([served.any_kind(float(k)) for k in known]))


def _qualities(faces: Faces) -> list[Quality]:
    limits = np.column_stack([faces.size_px, faces.sharpness, faces.yaw, faces.blockiness])
    return [Quality(*map(float, of)) for of in limits]
