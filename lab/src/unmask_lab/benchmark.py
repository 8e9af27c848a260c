"""Accuracy of the served weights: AUC per family, source and degradation with intervals, beside the dumbest rule there is.

Everything is measured on people never trained on. Families trained on are never shown without the set of fakes that others
made in ways never trained on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.models import WEIGHTS, card, known
from unmask_lab import metrics
from unmask_lab.data import Row
from unmask_lab.degrade import NAMED, Degradation
from unmask_lab.examples import Example, forged, given, score
from unmask_lab.export import update_card
from unmask_lab.forge import FAMILIES

COMMAND = "make lab-benchmark"


def benchmark(portraits: Sequence[Row], others: Sequence[Row], target: Path, weights: Path = WEIGHTS) -> dict[str, Any]:
    """Measures, writes ``benchmark.md`` and ``benchmark.json`` to ``target`` and the figures into the model card.

    Args:
        portraits: bona fide faces of people never trained on, to forge.
        others: rows with labels of their own, forged in ways never trained on.
        target: a folder.
        weights: the folder with the exported network and its calibration.
    """
    calibration = card("calibration")["lines"]["learned"]
    rows: list[dict[str, Any]] = []
    for name, degradation in NAMED.items():
        examples = forged(portraits, tuple(FAMILIES), _always(degradation), seed=300)
        scores, maps = score(examples)
        rows += [_row(family, name, examples, scores, _of(examples, family)) for family in FAMILIES]
        if name == "as it is":
            rows += [
                _row(f"all, {source}", name, examples, scores, _from(examples, source)) for source in _sources(examples)
            ]
            agreement = _agreement(examples, maps)
        unseen = given(others, _always(degradation), seed=300)
        unseen_scores, _ = score(unseen)
        rows.append(_row("research set (never trained on)", name, unseen, unseen_scores, np.arange(len(unseen))))
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": COMMAND,
        "weights": known()["learned"],
        "rows": rows,
        "map_agreement": agreement,
        "calibration": calibration,
    }
    target.mkdir(parents=True, exist_ok=True)
    (target / "benchmark.json").write_text(json.dumps(result, indent=1) + "\n")
    (target / "benchmark.md").write_text(_markdown(result))
    headline = [row for row in rows if row["way"] == "as it is"]
    update_card(
        weights,
        "learned",
        figures={"command": COMMAND, "rows": headline, "map_agreement": agreement},
        limits=_limits(rows),
    )
    return result


def _always(degradation: Degradation) -> Any:
    return lambda _rng: (degradation, 1.0)


def _of(examples: Sequence[Example], family: str) -> NDArray[np.intp]:
    return np.flatnonzero([e.family in {"", family} for e in examples])


def _from(examples: Sequence[Example], source: str) -> NDArray[np.intp]:
    return np.flatnonzero([e.source == source for e in examples])


def _sources(examples: Sequence[Example]) -> list[str]:
    return sorted({e.source for e in examples})


def _row(
    name: str, way: str, examples: Sequence[Example], scores: NDArray[np.float32], chosen: NDArray[np.intp]
) -> dict[str, Any]:
    label = np.array([examples[i].label for i in chosen])
    values = scores[chosen]
    identities = [examples[i].identity for i in chosen]
    blur = -np.array([examples[i].quality.sharpness for i in chosen])

    def area(measure: NDArray[Any]) -> Any:
        def figure(drawn: NDArray[np.intp]) -> float:
            of, values = label[drawn], measure[drawn]
            return metrics.auc(values[of == 0], values[of == 1]) if 0 < of.sum() < of.size else float("nan")

        return figure

    everyone = np.arange(chosen.size)
    low, high = metrics.interval(area(values), identities)
    return {
        "set": name,
        "way": way,
        "bona_fide": int((label == 0).sum()),
        "changed": int((label == 1).sum()),
        "people": len(set(identities)),
        "auc": round(area(values)(everyone), 4),
        "interval": [round(low, 4), round(high, 4)],
        "paired": round(_paired([examples[i] for i in chosen], values), 4),
        "blurrier_is_changed": round(area(blur)(everyone), 4),
    }


def _paired(examples: Sequence[Example], scores: NDArray[np.float32]) -> float:
    """Part of the changed faces that score above the very face they were made from."""
    before = {e.original: s for e, s in zip(examples, scores, strict=True) if e.label == 0}
    above = [
        s > before[e.original] for e, s in zip(examples, scores, strict=True) if e.label == 1 and e.original in before
    ]
    return float(np.mean(above)) if above else float("nan")


def _agreement(examples: Sequence[Example], maps: NDArray[np.float32]) -> dict[str, float]:
    """How well the map points at the true mask: AUC over the cells of one face, averaged over changed faces."""
    by_family: dict[str, list[float]] = {}
    for example, where in zip(examples, maps, strict=True):
        if example.mask is None:
            continue
        side = example.mask.shape[0] // where.shape[0]
        cells = example.mask.reshape(where.shape[0], side, where.shape[1], side).mean(axis=(1, 3)) > 0.2
        if 0 < cells.sum() < cells.size:
            by_family.setdefault(example.family, []).append(metrics.auc(where[~cells], where[cells]))
    return {family: round(float(np.mean(values)), 4) for family, values in by_family.items()}


def _limits(rows: Sequence[dict[str, Any]]) -> list[str]:
    unseen = next(row for row in rows if row["set"].startswith("research") and row["way"] == "as it is")
    low, high = unseen["interval"]
    return [
        f"On {unseen['changed']} face swaps made in ways the network never saw, against {unseen['bona_fide']} bona fide faces, "
        f"its AUC was {unseen['auc']:.2f} (95 % interval {low:.2f} to {high:.2f}; 1 is perfect, 0.5 is guessing). "
        "It misses most such swaps: that no change was found does not mean that there is none.",
        "It looks for faces that were pasted, blended or resampled. "
        "A picture that was generated as a whole is not what it was made for.",
    ]


def _markdown(result: dict[str, Any]) -> str:
    lines = [
        "| set | way | bona fide / changed | people | AUC (95 %) | fake above its original | “blurrier is changed” |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for r in result["rows"]:
        low, high = r["interval"]
        lines.append(
            f"| {r['set']} | {r['way']} | {r['bona_fide']} / {r['changed']} | {r['people']} | "
            f"{r['auc']:.3f} ({low:.3f}–{high:.3f}) | {r['paired']:.3f} | {r['blurrier_is_changed']:.3f} |"
        )
    costs = []
    lines += ["", "| single faces at an LR of 10 or more | part | 95 % | faces / people |", "| --- | --- | --- | --- |"]
    for part, title in (("cross_fitted", "families trained on"), ("never_trained_on", "research set")):
        cost = result["calibration"][part]["served"]
        for source, alarms in result["calibration"][part]["at_lr_10"].items():
            for name, a in alarms.items():
                low, high = a["interval"]
                figures = f"{a['part']:.3f} | {low:.3f}–{high:.3f} | {a['faces']} / {a['people']}"
                lines.append(f"| {source}: {name} | {figures} |")
        costs.append(f"Calibration, {title}: Cllr {cost['cllr']:.3f} (1 says nothing), ECE {cost['ece']:.3f}.")
    lines += ["", *costs]
    lines += ["", "Map against true mask, AUC over the 144 cells of a face, mean per family: "]
    lines[-1] += ", ".join(f"{family} {value:.3f}" for family, value in result["map_agreement"].items()) + "."
    about = f"`{result['command']}`, {result['date']}, weights `{result['weights'][:12]}`."
    return f"# Benchmark of the learned line\n\n{about}\n\n" + "\n".join(lines) + "\n"
