"""The line's LR, from the trials for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np

from benchmarks.originals.tables import FITTED_FROM, WEIGHT, measured, wilson


def fit() -> None:
    """Logistic regression of the score on the trials, and what `unmask.likelihood.Calibration` needs besides."""
    told = [row for row in measured("trials") if row["seed"] >= FITTED_FROM and row["score"] is not None]
    score = np.array([row["score"] for row in told])
    label = np.array([row["kind"] in {"face", "mouth"} for row in told])
    x = np.column_stack([np.ones(score.size), score])
    weight = np.where(label, 0.5 / label.mean(), 0.5 / (1 - label.mean()))
    solution = np.zeros(2)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ solution, -50, 50)))
        gradient = x.T @ (weight * (label - p)) - 0.5 * np.array([0, 1]) * solution
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag([1e-6, 0.5])
        solution = solution + np.linalg.solve(hessian, gradient)
    bound = float(np.log10(min(label.sum(), (~label).sum())))
    known = np.clip((x @ solution) / np.log(10), -bound, bound)
    missed = wilson(int((known[label] < 0).sum()), int(label.sum()))[1]
    entry = {
        "weights": {},
        "intercept": float(solution[0]),
        "terms": {"score of originals": float(solution[1])},
        "bound": bound,
        "missed": missed,
        "shared": 0.9,
        "separation": float((known[label].mean() - known[~label].mean()) * np.log(10)),
        "fitted_on": {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "command": f"python -m benchmarks.originals trials --first {FITTED_FROM}; python -m benchmarks.originals fit",
            "changed": int(label.sum()),
            "bona_fide": int((~label).sum()),
            "note": "simulated: painted scenes with portraits, real encoders; missed is the upper end of its 95 % interval;"
            " shared is assumed",
        },
    }
    WEIGHT.write_text(json.dumps({"lines": {"originals": entry}}, indent=1) + "\n")
    print(f"wrote {WEIGHT}")
