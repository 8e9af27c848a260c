"""False alarms on each version of bona fide clips, and detection of changes in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from unmask.types import Outcome
from unmask_lab import metrics
from unmask_lab.benchmark.footage.trials import Trial
from unmask_lab.benchmark.footage.versions import AS_IT_IS, VERSIONS
from unmask_lab.benchmark.kept import Answer
from unmask_lab.metrics import Estimate, Floats

EVERY = "every version"

NAMED_BY = {
    "packets lost": "limit.damaged",
    "zeros in the file": "limit.damaged",
    "blended": "fault.ghosted",
    "interlaced": "limit.interlaced",
    "enlarged": "fault.coarse",
}
"""Code of the message with which an answer names the defect of a clip, by version.

A joined clip has none: its answer must find two people instead.
"""

Figures = dict[str, Any]
"""Name and counts of one version, and each figure's `metrics.Estimate` as a mapping."""


def figures(trials: Sequence[Trial], answers: Sequence[Answer]) -> Iterator[Figures]:
    """Yields a row for each version that was tried, and one for all together."""
    pairs = list(zip(trials, answers, strict=True))
    before = {trial.number: answer for trial, answer in pairs if trial.version == AS_IT_IS}
    tried = [(trial, answer) for trial, answer in pairs if trial.version != AS_IT_IS]
    for name in (*VERSIONS, EVERY):
        if of := [(trial, answer) for trial, answer in tried if name in (trial.version, EVERY)]:
            yield _row(name, of, before)


def _row(name: str, of: Sequence[tuple[Trial, Answer]], before: Mapping[int, Answer]) -> Figures:
    bona_fide, changed = (
        [(trial, answer) for trial, answer in of if trial.label == label] for label in (0, 1)
    )
    people = [trial.identity for trial, _ in bona_fide]
    alarms = np.array([_changed(answer) for _, answer in bona_fide])
    return {
        "version": name,
        "people": len(set(people)),
        "bona_fide": dict(Counter(answer["outcome"] for _, answer in bona_fide)),
        "changed": dict(Counter(answer["outcome"] for _, answer in changed)),
        "named": sum(_named(trial, answer) for trial, answer in bona_fide),
        "alarms": int(alarms.sum()),
        "false_alarms": asdict(metrics.rate(alarms, people)),
        **_found(changed, before),
    }


def _found(
    changed: Sequence[tuple[Trial, Answer]], before: Mapping[int, Answer]
) -> dict[str, dict[str, float]]:
    """Computes ``found`` of the changed clips, ``found_as_it_is`` of the same clips, and ``gain``.

    ``gain`` is ``found`` less ``found_as_it_is``.
    """
    people = [trial.identity for trial, _ in changed]
    after = np.array([_changed(answer) for _, answer in changed])
    then = np.array([_changed(before[trial.number]) for trial, _ in changed])
    return {
        "found": asdict(metrics.rate(after, people)),
        "found_as_it_is": asdict(metrics.rate(then, people)),
        "gain": asdict(_mean(after.astype(float) - then, people)),
    }


def _mean(values: Floats, people: Sequence[str]) -> Estimate:
    """Estimates a mean; without an interval where all values are equal.

    Resampling equal values would show no spread.
    """
    if np.ptp(values) == 0:
        return Estimate(float(values[0]), np.nan, np.nan)
    return metrics.estimates(lambda weight: {"mean": weight @ values / weight.sum(axis=1)}, people)[
        "mean"
    ]


def _changed(answer: Answer) -> bool:
    return bool(answer["outcome"] == Outcome.CHANGED)


def _named(trial: Trial, answer: Answer) -> bool:
    code = NAMED_BY.get(trial.version)
    return bool(answer["people"] >= 2 if code is None else code in answer["codes"])
