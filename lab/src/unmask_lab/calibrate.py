"""From raw scores to likelihood ratios, jointly with the face's size and sharpness; written where the runtime reads it.

Fitted on people the network never saw, on forgeries of the kinds it was trained on, gone ways drawn at random. What that
cannot tell, forgeries of other kinds, enters as the `missed` part, from a set that was made by others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.likelihood import LN10, Calibration, features
from unmask.models import WEIGHTS, known
from unmask.types import Quality, Rgb
from unmask_lab import degrade, metrics
from unmask_lab.data import Row
from unmask_lab.degrade import Degradation
from unmask_lab.examples import Example, as_seen, forged, given, score
from unmask_lab.forge import FAMILIES
from unmask_lab.forge.face import FaceImage, moved
from unmask_lab.samples import forge_visibly, nearest, shapes

ROUNDS = 3
"""Ways that each face goes."""

FRAMES = 6
"""Simulated frames of one clip, for the shared error."""

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
    unseen_scores = score(unseen)[0]
    missed, (area, low, high) = _missed(metrics.auc(crossed[label == 0], crossed[label == 1]), unseen_scores, unseen)
    shared, filmed = _shared(portraits, theta)
    fitted: dict[str, Any] = {
        "intercept": float(theta[0]),
        "terms": dict(zip(names, theta[1:].tolist(), strict=True)),
        "bound": float(np.log10(people)),
        "missed": missed,
        "shared": shared,
        "separation": float(llr[label == 1].mean() - llr[label == 0].mean()),
    }
    served = Calibration(**fitted)
    of_others = np.array([served.known(float(s), e.quality) for s, e in zip(unseen_scores, unseen, strict=True)])
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "people": people,
        "faces": len(examples),
        "forgeries": list(FAMILIES),
        "missed_from": f"AUC {area:.3f} (95 % from {low:.3f} to {high:.3f}) on {len(unseen)} faces of "
        f"{len({e.identity for e in unseen})} people, forged in ways never trained on; the lower end is used",
        "shared_from": f"simulated: a camera moving over {filmed} people's portraits, {FRAMES} frames each",
    }
    checked = {
        "cross_fitted": {
            "note": "families trained on; every person judged by a calibration that did not see them",
            **_checked(served, np.clip(crossed / LN10, -served.bound, served.bound), examples, weight),
        },
        "never_trained_on": {
            "note": "the research set; only the missed part was taken from it",
            **_checked(served, of_others, unseen, np.ones(len(unseen))),
        },
    }
    written = {"lines": {"learned": {"network": known()["learned"], **fitted, "fitted_on": about, **checked}}}
    (weights / "calibration.json").write_text(json.dumps(written, indent=2) + "\n")
    return written


def _missed(
    known_auc: float, scores: NDArray[np.float32], examples: Sequence[Example]
) -> tuple[float, tuple[float, float, float]]:
    """The part of others' forgeries that scores as bona fide faces do, if the rest scores as the known kinds do.

    A mixture's AUC is the mean of its parts' AUCs, one of which is 1/2. From the lower end of the 95 % interval over people,
    so that the absence of traces is not overrated. Returns the AUC with its interval as well.
    """
    label = np.array([e.label for e in examples])

    def area(drawn: NDArray[np.intp]) -> float:
        return metrics.auc(scores[drawn][label[drawn] == 0], scores[drawn][label[drawn] == 1])

    low, high = metrics.interval(area, [e.identity for e in examples])
    part = (known_auc - low) / max(known_auc - 0.5, 1e-9)
    return float(np.clip(part, 0.05, 0.95)), (area(np.arange(len(examples))), low, high)


def _checked(
    served: Calibration, known: NDArray[np.float64], examples: Sequence[Example], weight: NDArray[np.float64]
) -> dict[str, Any]:
    """Cllr and ECE of the LR against the known kinds and of the LR that is served, and how often it says `changed`."""
    label = np.array([e.label for e in examples])
    lr = np.array([served.any_kind(float(k)) for k in known])
    figures = {
        name: {"cllr": metrics.cllr(value * LN10, label, weight), "ece": metrics.ece(value * LN10, label, weight)}
        for name, value in (("known_kinds", known), ("served", lr))
    }
    return {**figures, "at_lr_10": {s: _alarms(lr, label, examples, s) for s in sorted({e.source for e in examples})}}


def _alarms(
    lr: NDArray[np.float64], label: NDArray[np.int_], examples: Sequence[Example], source: str
) -> dict[str, dict[str, Any]]:
    """Of a source's single faces, the part that reaches an LR of 10, with a 95 % interval over people."""
    result = {}
    for name, wanted in (("false alarms", 0), ("found", 1)):
        of = np.flatnonzero((label == wanted) & np.array([e.source == source for e in examples]))
        if of.size:
            hits, people = lr[of] >= 1.0, [examples[i].identity for i in of]
            interval = metrics.interval(lambda drawn, hits=hits: float(hits[drawn].mean()), people)
            result[name] = {
                "part": float(hits.mean()),
                "interval": interval,
                "faces": of.size,
                "people": len(set(people)),
            }
    return result


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


def _shared(portraits: Sequence[Row], theta: NDArray[np.float64], most: int = 120) -> tuple[float, int]:
    """Part of ln LR's variance within a class that the frames of one person's clip share (one-way analysis of variance).

    Each clip is one forgery, or none, one scale and one encoder setting, over which a camera moves; frame by frame only
    place, turn and noise differ.
    """
    rng = np.random.default_rng(5)
    chosen = [portraits[i] for i in rng.permutation(len(portraits))[:most]]
    points = shapes(chosen)
    parts = []
    for family in (None, "regenerate"):
        clips = []
        for row in chosen:
            target = FaceImage(row.rgb, row.points)
            rgb = forge_visibly(family, target, nearest(chosen, points, row, rng), rng).rgb if family else row.rgb
            clips.append(_filmed(row, rgb, rng))
        scores, _ = score([frame for clip in clips for frame in clip])
        design, _ = _design(scores, [frame.quality for clip in clips for frame in clip])
        llr = (design @ theta).reshape(len(clips), FRAMES)
        within = llr.var(axis=1, ddof=1).mean()
        between = max(0.0, llr.mean(axis=1).var(ddof=1) - within / FRAMES)
        parts.append(between / max(between + within, 1e-9))
    return float(np.clip(np.mean(parts), 0.3, 0.9)), len({row.identity for row in chosen})


def _filmed(row: Row, rgb: Rgb, rng: np.random.Generator) -> list[Example]:
    """A picture as `FRAMES` frames of a clip."""
    scale, crf = float(rng.uniform(0.6, 1.0)), int(rng.integers(20, 34))
    cx, cy = (float(c) for c in row.points.mean(axis=0))
    frames = []
    for _ in range(FRAMES):
        move = cv2.getRotationMatrix2D((cx, cy), float(rng.normal(0, 2)), float(rng.uniform(0.95, 1.05)))
        move[:, 2] += rng.uniform(-4, 4, 2)
        filmed = cv2.warpAffine(rgb, move, rgb.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        seen = replace(row, points=moved(row.points, move))
        way = Degradation(h264=crf, noise=float(rng.uniform(0, 4)))
        frames.append(as_seen(seen, filmed, None, "", "", way, scale, rng))
    return frames
