"""Abstention on single faces: risk against coverage (El-Yaniv and Wiener 2010).

Risk is the part of wrong answers among the answers, coverage the part of faces that get an answer,
both at even odds: each class weighs the same, and so does each family among the changed.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.verdict import Rules
from unmask_lab import metrics
from unmask_lab.benchmark.measured import Faces
from unmask_lab.metrics import Floats

POINTS = 60
"""Number of points of a curve."""

Answer = dict[str, float]
"""Two thresholds, log10 LR, and the rates at them.

The rates are coverage, risk, and for each class the part that is called wrongly (or rightly).
"""


def risk_coverage(faces: Faces, log10_lr: Floats, rules: Rules = Rules()) -> dict[str, Any]:
    """Computes risk and coverage of the verdict's rule for single faces, and of alternative rules.

    The rule answers `changed` from ``rules.changed``, `no change found` up to ``rules.no_change``,
    and nothing in between or where the face is not good enough.

    Returns:
        ``rule``, ``as many`` and ``best``, an answer each; and curves, each a list of answers. ``as
        many`` gives as many answers as the rule, in order of ``|log10 LR|``. ``best`` is, of all
        pairs of thresholds, the one that answers most at no more risk and no more false alarms. The
        curves are ``every face`` and ``judged faces``, in order of ``|log10 LR|``, and ``rule at
        other LRs``, with `changed` from other LRs.
    """
    weight, judged = metrics.balanced(faces.label, faces.family), good_enough(faces, rules)
    at = partial(_answered, faces, log10_lr, weight)
    sizes = np.quantile(np.abs(log10_lr), np.linspace(1, 0, POINTS))
    rule = at(judged, rules.changed, rules.no_change)
    in_order = [at(judged, size, -size) for size in sizes]
    above, below = (_steps(log10_lr[of]) for of in (log10_lr > 0, log10_lr <= 0))
    pairs = [rule, *(at(judged, a, b) for a, b in product(above, below))]
    as_safe = [
        p for p in pairs if p["risk"] <= rule["risk"] and p["false_alarms"] <= rule["false_alarms"]
    ]
    return {
        "rule": rule,
        "as many": next((a for a in in_order if a["coverage"] >= rule["coverage"]), in_order[-1]),
        "best": max(as_safe, key=lambda answer: answer["coverage"], default=rule),
        "every face": [at(np.ones_like(judged), size, -size) for size in sizes],
        "judged faces": in_order,
        "rule at other LRs": [
            at(judged, lr, rules.no_change) for lr in np.linspace(0, log10_lr.max(), POINTS)
        ],
    }


def good_enough(faces: Faces, rules: Rules) -> NDArray[np.bool_]:
    """Tells which faces pass the limits of quality, as `unmask.verdict` applies them, ``(n,)``."""
    large, sharp = faces.size_px >= rules.size_px, faces.sharpness >= rules.sharpness
    return np.asarray(
        large & sharp & (faces.yaw <= rules.yaw) & (faces.blockiness <= rules.blockiness)
    )


def _steps(lr: Floats, steps: int = 25) -> Floats:
    return np.quantile(lr, np.linspace(0, 1, steps)) if lr.size else np.zeros(0)


def _answered(
    faces: Faces, lr: Floats, weight: Floats, judged: NDArray[np.bool_], least: float, most: float
) -> Answer:
    """Computes the rates for `changed` from ``least`` and `no change found` up to ``most``.

    Only faces in ``judged`` get an answer.
    """
    changed, no_change = judged & (lr >= least), judged & (lr <= most)
    bona_fide = faces.label == 0
    alarms, missed = weight[changed & bona_fide].sum(), weight[no_change & ~bona_fide].sum()
    answered = weight[changed | no_change].sum()
    return {
        "changed": float(least),
        "no_change": float(most),
        "coverage": float(answered / weight.sum()),
        "risk": float((alarms + missed) / answered) if answered else float("nan"),
        "false_alarms": float(alarms / weight[bona_fide].sum()),
        "found": float(weight[changed & ~bona_fide].sum() / weight[~bona_fide].sum()),
        "missed": float(missed / weight[~bona_fide].sum()),
    }
