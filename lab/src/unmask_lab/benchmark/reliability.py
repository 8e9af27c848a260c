"""Reliability diagram, ECE and Cllr before and after calibration."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from unmask.likelihood import LN10
from unmask_lab import metrics
from unmask_lab.benchmark.likelihoods import Likelihoods
from unmask_lab.benchmark.measured import Faces
from unmask_lab.metrics import Floats

BINS = 10


def reliability_diagrams(faces: Faces, lr: Likelihoods) -> dict[str, Any]:
    """Computes reliability of three candidates for the ln LR.

    They are the raw score, the LR against the kinds calibrated on, and the LR that is served.

    At even odds: each class weighs the same, and so does each family among the changed. The raw
    logit of a classifier trained on as many changed as bona fide faces is meant as a ln LR, so it
    is the baseline that calibration has to improve on.
    """
    steps = {
        "raw score": faces.score.astype(float),
        "known kinds": lr.known * LN10,
        "served": lr.served * LN10,
    }
    return {name: _of(llr, faces) for name, llr in steps.items()}


def _of(llr: Floats, faces: Faces) -> dict[str, Any]:
    weight = metrics.balanced(faces.label, faces.family)

    def figures(drawn: Floats) -> dict[str, Floats]:
        rounds = [(metrics.reliability(llr, faces.label, w, BINS), w) for w in drawn * weight]
        happened = np.array([r.happened for r, _ in rounds])
        return {
            "ece": np.array([r.error for r, _ in rounds]),
            "cllr": np.array([metrics.cllr(llr, faces.label, w) for _, w in rounds]),
            **{str(b): happened[:, b] for b in range(BINS)},
        }

    found = metrics.estimates(figures, faces.identity)
    at = metrics.reliability(llr, faces.label, weight, BINS)
    bins = [
        {
            "foretold": float(at.foretold[b]),
            "share": float(at.share[b]),
            "happened": asdict(found[str(b)]),
        }
        for b in range(BINS)
        if at.share[b] > 0
    ]
    return {"ece": asdict(found["ece"]), "cllr": asdict(found["cllr"]), "bins": bins}
