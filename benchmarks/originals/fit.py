"""Fit of the line's LR from the trials made for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from benchmarks.originals.tables import FITTED_FROM, WEIGHT, measured, wilson


def fit() -> None:
    """Fits a logistic regression of the score on the trials, for `unmask.likelihood.Calibration`.

    Also computes the other values that the calibration needs.
    """
    tried = [row for row in measured("trials") if row["seed"] >= FITTED_FROM]
    told = [row for row in tried if row["score"] is not None]
    score = np.array([row["score"] for row in told])
    label = np.array([row["kind"] in {"face", "mouth"} for row in told])
    x = np.column_stack([np.ones(score.size), score])
    solution = _regression(x, label)
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
            "command": (
                f"python -m benchmarks.originals trials --first {FITTED_FROM} --count {len(tried)};"
                " python -m benchmarks.originals fit"
            ),
            "changed": int(label.sum()),
            "bona_fide": int((~label).sum()),
            "note": (
                "simulated: painted scenes with portraits, real encoders; "
                "missed is the upper end of its 95 % interval; shared is assumed"
            ),
        },
    }
    WEIGHT.write_text(json.dumps({"lines": {"originals": entry}}, indent=1) + "\n")
    print(f"wrote {WEIGHT}")


def _regression(
    x: NDArray[np.float64], label: NDArray[np.bool_], rounds: int = 1000
) -> NDArray[np.float64]:
    """Returns weights, ``(k,)``, of the columns of ``x``, ``(n, k)``; both classes count alike.

    Uses Firth's correction (Biometrika 1993), because the classes hardly overlap. A plain
    regression would not converge, and a ridge would move the LR of 1 from where the classes meet to
    half way between their means.

    Raises:
        RuntimeError: the fit does not converge.
    """
    balance = np.where(label, 0.5 / label.mean(), 0.5 / (1 - label.mean()))
    solution = np.zeros(x.shape[1])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.clip(x @ solution, -50, 50)))
        spread = balance * p * (1 - p)
        information = (x * spread[:, None]).T @ x
        leverage = spread * np.einsum("ni,ij,nj->n", x, np.linalg.inv(information), x)
        step = np.linalg.solve(information, x.T @ (balance * (label - p) + leverage * (0.5 - p)))
        if (longest := float(np.abs(step).max())) < 1e-9:
            return solution
        solution = solution + step / max(1.0, longest)
    raise RuntimeError(
        f"no fit in {rounds} rounds: the scores of the two classes lie too far apart for their "
        "spread"
    )
