"""Detection figures of one set after one degradation, and the sets that are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask_lab import metrics
from unmask_lab.benchmark.measured import Faces
from unmask_lab.benchmark.subgroups import BANDS
from unmask_lab.metrics import Floats

ALL_WAYS = "all ways"
LR_10 = 1.0
"""log10 LR from which a face is called changed, as in `unmask.verdict.Rules`."""

Figures = dict[str, Any]
"""Names and counts of one set after one way, and each figure's `metrics.Estimate` as a mapping."""


def by_family(faces: Faces, lr: Floats, trained_on: Sequence[str]) -> Iterator[Figures]:
    """Yields one row per family and way."""
    for way in _in_order(faces.way):
        for family in _in_order(faces.family[faces.label == 1]):
            chosen = (faces.way == way) & ((faces.label == 0) | (faces.family == family))
            yield figures("family", family, way, faces, lr, chosen) | {
                "trained_on": family in trained_on
            }


def by_source(faces: Faces, lr: Floats, kind: str = "source") -> Iterator[Figures]:
    """Yields one row per source and way, all families together."""
    for way in _in_order(faces.way):
        for source in np.unique(faces.source):
            yield figures(
                kind, str(source), way, faces, lr, (faces.way == way) & (faces.source == source)
            )


def by_group(faces: Faces, lr: Floats, among: str) -> Iterator[Figures]:
    """Yields one row per source and subgroup over all ways together.

    A group that lacks a class is left out.
    """
    groups = {("source", str(s)): faces.source == s for s in np.unique(faces.source)}
    for title, (field, bands) in BANDS.items():
        value: Floats = getattr(faces, field)
        groups |= {
            (title, name): (value >= low) & (value < high) for name, (low, high) in bands.items()
        }
    for (title, name), chosen in groups.items():
        if np.unique(faces.label[chosen]).size == 2:
            yield figures(title, name, ALL_WAYS, faces, lr, chosen) | {"among": among}


def figures(
    kind: str, name: str, way: str, faces: Faces, lr: Floats, chosen: NDArray[np.bool_]
) -> Figures:
    """Computes the detection figures of the chosen faces.

    They are AUC, EER, TPR at 1 % FPR, paired accuracy, the rates at which single faces reach an LR
    of 10, and the AUC of blur alone.
    """
    of, lr = faces[chosen], lr[chosen]
    bona_fide = of.label == 0
    pairs, above = paired(of)
    reached = lr >= LR_10
    found = {
        **metrics.estimates(_curve(of.score, of.label), of.identity),
        "paired": metrics.rate(above, of.identity[pairs]),
        "false_alarms": metrics.rate(reached[bona_fide], of.identity[bona_fide]),
        "found": metrics.rate(reached[~bona_fide], of.identity[~bona_fide]),
        "blurrier_is_changed": metrics.estimates(_curve(-of.sharpness, of.label), of.identity)[
            "auc"
        ],
    }
    counts = {"bona_fide": int(bona_fide.sum()), "changed": int((~bona_fide).sum())}
    people = int(np.unique(of.identity).size)
    return {"kind": kind, "set": name, "way": way, **counts, "people": people} | {
        k: asdict(v) for k, v in found.items()
    }


def _curve(
    score: NDArray[np.floating], label: NDArray[np.integer]
) -> Callable[[Floats], Mapping[str, Floats]]:
    def of(weight: Floats) -> Mapping[str, Floats]:
        fpr, tpr = metrics.roc(score, label, weight)
        return {
            "auc": metrics.area(fpr, tpr),
            "eer": metrics.equal_error(fpr, tpr),
            "tpr_at_1_fpr": metrics.found_at(fpr, tpr),
        }

    return of


def paired(faces: Faces) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Compares each changed face with its original that went the same way.

    Returns the indices of the changed faces whose original is there, and whether each scores above
    it.
    """
    before = {
        (w, o): s
        for w, o, s, y in zip(faces.way, faces.original, faces.score, faces.label, strict=True)
        if not y
    }
    keys = list(zip(faces.way, faces.original, strict=True))
    pairs = np.array([i for i in np.flatnonzero(faces.label) if keys[i] in before], np.intp)
    return pairs, np.array([faces.score[i] > before[keys[i]] for i in pairs], np.bool_)


def map_agreement(faces: Faces) -> dict[str, float]:
    """Averages `Faces.agreement` of map and true mask per family, over faces as they come."""
    first = faces[faces.way == faces.way[0]]
    families = _in_order(first.family[first.label == 1])
    return {
        family: float(np.nanmean(first.agreement[first.family == family])) for family in families
    }


def _in_order(names: NDArray[np.str_]) -> list[str]:
    return list(dict.fromkeys(map(str, names)))
