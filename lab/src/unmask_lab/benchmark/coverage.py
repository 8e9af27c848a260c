"""Abstention: what part of single faces gets an answer, and how often that answer is wrong (El-Yaniv and Wiener 2010).

Risk is the part of wrong answers among the answers, coverage the part of faces that get one, both at even odds: each class
weighs the same, and each family within the changed.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.verdict import Rules
from unmask_lab import metrics
from unmask_lab.benchmark.measure import Faces
from unmask_lab.metrics import Floats

POINTS = 100
"""Of a curve, as it is written down."""

Answer = dict[str, float]


def risk_coverage(faces: Faces, log10_lr: Floats, rules: Rules = Rules()) -> dict[str, Any]:
    """Curves in order of ``|log10 LR|``, over all faces and over those good enough to be judged, and the rule's place.

    On the curves a face is called changed above an LR of 1. The rule answers `changed` from ``rules.changed``,
    `no change found` up to ``rules.no_change``, and nothing between or where the face is not good enough. Beside it stand the
    same rule with `changed` from other LRs, and the pair of thresholds that answers most faces at no more risk and no more
    false alarms.
    """
    weight = metrics.balanced(faces.label, faces.family)
    judged = good_enough(faces, rules)
    rule = _answered(faces, log10_lr, weight, judged, rules)
    moved = [replace(rules, changed=float(lr)) for lr in np.linspace(0, log10_lr.max(), POINTS)]
    others = [_answered(faces, log10_lr, weight, judged, other) for other in moved]
    return {
        "every face": _curve(faces, log10_lr, weight, np.ones_like(judged)),
        "judged faces": _curve(faces, log10_lr, weight, judged),
        "rule at other LRs": {key: [other[key] for other in others] for key in rule},
        "rule": rule,
        "best": _best(faces, log10_lr, weight, judged, rule),
    }


def good_enough(faces: Faces, rules: Rules) -> NDArray[np.bool_]:
    """Whether each face passes the limits of quality, as `unmask.verdict` applies them, ``(n,)``."""
    large, sharp = faces.size_px >= rules.size_px, faces.sharpness >= rules.sharpness
    return np.asarray(large & sharp & (faces.yaw <= rules.yaw) & (faces.blockiness <= rules.blockiness))


def _curve(faces: Faces, lr: Floats, weight: Floats, judged: NDArray[np.bool_]) -> dict[str, list[float]]:
    of = np.flatnonzero(judged)
    order = of[np.argsort(-np.abs(lr[of]), kind="stable")]
    answered = np.cumsum(weight[order])
    wrong = np.cumsum(weight[order] * ((lr[order] > 0) != faces.label[order]))
    # Faces of one |LR| are answered together.
    ends = np.append(np.flatnonzero(np.diff(np.abs(lr[order]))), order.size - 1) if order.size else order
    ends = ends[np.unique(np.linspace(0, ends.size - 1, min(POINTS, ends.size)).round().astype(int))]
    return {
        "coverage": (answered[ends] / weight.sum()).tolist(),
        "risk": (wrong[ends] / answered[ends]).tolist(),
        "abs_log10_lr": np.abs(lr[order[ends]]).tolist(),
    }


def _answered(faces: Faces, lr: Floats, weight: Floats, judged: NDArray[np.bool_], rules: Rules) -> Answer:
    changed, no_change = judged & (lr >= rules.changed), judged & (lr <= rules.no_change)
    bona_fide = faces.label == 0
    alarms, missed = weight[changed & bona_fide].sum(), weight[no_change & ~bona_fide].sum()
    answered = weight[changed | no_change].sum()
    return {
        "changed": rules.changed,
        "no_change": rules.no_change,
        "coverage": float(answered / weight.sum()),
        "risk": float((alarms + missed) / answered) if answered else float("nan"),
        "false_alarms": float(alarms / weight[bona_fide].sum()),
        "found": float(weight[changed & ~bona_fide].sum() / weight[~bona_fide].sum()),
        "missed": float(missed / weight[~bona_fide].sum()),
    }


def _best(faces: Faces, lr: Floats, weight: Floats, judged: NDArray[np.bool_], rule: Answer, steps: int = 25) -> Answer:
    """Over a grid of both thresholds at quantiles of the LRs; the rule itself where nothing answers more."""
    above, below = lr[judged & (lr > 0)], lr[judged & (lr <= 0)]
    part = np.linspace(0, 1, steps)
    grid = product(
        np.append(np.quantile(above, part), rule["changed"]) if above.size else [rule["changed"]],
        np.append(np.quantile(below, part), rule["no_change"]) if below.size else [rule["no_change"]],
    )
    answers = [_answered(faces, lr, weight, judged, Rules(changed=float(a), no_change=float(b))) for a, b in grid]
    as_safe = [a for a in answers if a["risk"] <= rule["risk"] and a["false_alarms"] <= rule["false_alarms"]]
    return max(as_safe, key=lambda a: a["coverage"], default=rule)
