"""From raw scores to likelihood ratios, jointly with the face's size and sharpness; written where the runtime reads it.

Fitted on people the network never saw, on forgeries of the kinds it was trained on, gone ways drawn at random. What that
cannot tell, forgeries of other kinds, enters as the `missed` part, from a set that was made by others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.likelihood import features
from unmask.models import WEIGHTS
from unmask.types import Quality
from unmask_lab import degrade, metrics
from unmask_lab.data import Row
from unmask_lab.degrade import Degradation
from unmask_lab.examples import Example, forged, given, score
from unmask_lab.forge import FAMILIES

ROUNDS = 3
"""Ways that each face goes."""

FRAMES = 6
"""Simulated frames per person for the shared error."""

RIDGE = 1.0
"""Of the logistic regression, in examples."""


def as_it_comes(rng: np.random.Generator) -> tuple[Degradation, float]:
    """Degraded at random, and in half of the cases scaled down by up to half."""
    return degrade.at_random(rng), float(rng.uniform(0.5, 1.0)) if rng.random() < 0.5 else 1.0


def calibrate(portraits: Sequence[Row], others: Sequence[Row], weights: Path = WEIGHTS) -> dict[str, Any]:
    """Fits, cross-checks and writes ``calibration.json``; returns what it wrote.

    Args:
        portraits: bona fide faces of people never trained on, to forge.
        others: rows with labels of their own, forged in ways never trained on; says how much is missed.
        weights: the folder with the exported network.
    """
    examples = [e for k in range(ROUNDS) for e in forged(portraits, tuple(FAMILIES), as_it_comes, seed=100 + k)]
    scores, _ = score(examples)
    design, names = _design(scores, [e.quality for e in examples])
    label, weight = np.array([e.label for e in examples]), _weights(examples)
    theta = _logistic(design, label, weight)
    people = len({e.identity for e in examples})
    crossed = _crossed(design, label, weight, [e.identity for e in examples])
    llr = design @ theta
    unseen = given(others, lambda _rng: (Degradation(), 1.0), seed=1)
    unseen_auc = _auc(score(unseen)[0], unseen)
    shared, simulated = _shared(portraits, theta)
    line = {
        "intercept": float(theta[0]),
        "terms": dict(zip(names, theta[1:].tolist(), strict=True)),
        "bound": float(np.log10(people)),
        "missed": float(np.clip(2 * (1 - unseen_auc), 0.05, 0.95)),
        "shared": shared,
        "separation": float(llr[label == 1].mean() - llr[label == 0].mean()),
        "fitted_on": {
            "date": datetime.now(UTC).date().isoformat(),
            "people": people,
            "faces": len(examples),
            "forgeries": list(FAMILIES),
            "missed_from": f"AUC {unseen_auc:.3f} on {len(unseen)} faces of the research set, forged in ways never trained on",
            "shared_from": f"simulated: {simulated} people, {FRAMES} frames each, moved and re-encoded",
        },
        "cross_fitted": {
            "cllr_before": _cllr(scores * 1.0, label, weight),
            "cllr": _cllr(crossed, label, weight),
            "ece": _ece(crossed, label, weight),
        },
    }
    written = {"lines": {"learned": line}}
    (weights / "calibration.json").write_text(json.dumps(written, indent=2) + "\n")
    return written


def _design(scores: NDArray[np.float32], qualities: Sequence[Quality]) -> tuple[NDArray[np.float64], list[str]]:
    rows = [features(float(s), q) for s, q in zip(scores, qualities, strict=True)]
    names = list(rows[0])
    return np.column_stack([np.ones(len(rows)), [[row[n] for n in names] for row in rows]]), names


def _weights(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Each class weighs the same, and within the changed each family."""
    group = np.array([f"{e.label} {e.family}" for e in examples])
    label = np.array([e.label for e in examples])
    weight = np.zeros(len(examples))
    for name in np.unique(group):
        of = group == name
        families = np.unique(group[label == label[of][0]]).size
        weight[of] = len(examples) / 2 / families / of.sum()
    return weight


def _logistic(design: NDArray[np.float64], label: NDArray[np.int_], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted logistic regression by Newton's method, slightly shrunk; the classes weigh the same, so it gives ln LR."""
    theta = np.zeros(design.shape[1])
    ridge = RIDGE * np.diag([0.0] + [1.0] * (design.shape[1] - 1))
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ theta, -30, 30)))
        gradient = design.T @ (weight * (p - label)) + ridge @ theta
        hessian = (design * (weight * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ design + ridge
        step = np.linalg.solve(hessian, gradient)
        theta -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    return theta


def _crossed(
    design: NDArray[np.float64], label: NDArray[np.int_], weight: NDArray[np.float64], identities: Sequence[str]
) -> NDArray[np.float64]:
    """ln LR of each example by a calibration that did not see its person; five folds."""
    _, person = np.unique(np.asarray(identities), return_inverse=True)
    fold = np.random.default_rng(0).permutation(person.max() + 1)[person] % 5
    llr = np.zeros(label.size)
    for k in range(5):
        held = fold == k
        llr[held] = design[held] @ _logistic(design[~held], label[~held], weight[~held])
    return llr


def _shared(portraits: Sequence[Row], theta: NDArray[np.float64], people: int = 120) -> tuple[float, int]:
    """Part of ln LR's variance within a class that a person's frames share (one-way analysis of variance)."""
    rng = np.random.default_rng(5)
    chosen = [portraits[i] for i in rng.permutation(len(portraits))[:people]]
    frames = [forged(chosen, ("regenerate",), _one_frame, seed=200 + k) for k in range(FRAMES)]
    llr = np.stack([_design(score(f)[0], [e.quality for e in f])[0] @ theta for f in frames], axis=1)
    parts = []
    for label in (0, 1):
        of = llr[[e.label == label for e in frames[0]]]
        within = of.var(axis=1, ddof=1).mean()
        between = max(0.0, of.mean(axis=1).var(ddof=1) - within / FRAMES)
        parts.append(between / max(between + within, 1e-9))
    return float(np.clip(np.mean(parts), 0.3, 0.9)), len(chosen)


def _one_frame(rng: np.random.Generator) -> tuple[Degradation, float]:
    return Degradation(h264=int(rng.integers(20, 34)), noise=float(rng.uniform(0, 4))), float(rng.uniform(0.6, 1.0))


def _auc(scores: NDArray[np.float32], examples: Sequence[Example]) -> float:
    label = np.array([e.label for e in examples])
    return metrics.auc(scores[label == 0], scores[label == 1])


def _cllr(llr: NDArray[Any], label: NDArray[np.int_], weight: NDArray[np.float64]) -> float:
    """Cost of log likelihood ratio, bits: 0 perfect, 1 as good as saying nothing (Bruemmer and du Preez 2006)."""
    cost = np.logaddexp(0, np.where(label == 1, -llr, llr)) / np.log(2)
    return float(np.mean([np.average(cost[label == k], weights=weight[label == k]) for k in (0, 1)]))


def _ece(llr: NDArray[np.float64], label: NDArray[np.int_], weight: NDArray[np.float64], bins: int = 10) -> float:
    """Expected calibration error at even odds, over bins of probability of equal width (Naeini et al. 2015)."""
    p = 1 / (1 + np.exp(-llr))
    member = np.minimum((p * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        of = member == b
        if of.any():
            share = weight[of].sum() / weight.sum()
            error += share * abs(np.average(p[of], weights=weight[of]) - np.average(label[of], weights=weight[of]))
    return float(error)
