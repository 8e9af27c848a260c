"""Benchmark of the served network: accuracy, calibration and abstention (``docs/benchmark``).

A trivial rule (the blurrier face is the changed one) stands beside it. Everything is measured on
people never trained on. Families trained on are never shown without the set of fakes that others
made in ways never trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmask.messages import Message
from unmask.messages import plain as plain_message
from unmask.models import WEIGHTS, card, known
from unmask_lab import records
from unmask_lab.benchmark import detection, markdown, plots
from unmask_lab.benchmark.coverage import risk_coverage
from unmask_lab.benchmark.likelihoods import LINE, as_served, cross_fitted, served_calibration
from unmask_lab.benchmark.markdown import FORGED, OTHERS
from unmask_lab.benchmark.measured import measure
from unmask_lab.benchmark.reliability import reliability_diagrams
from unmask_lab.benchmark.speed import cpu_ms
from unmask_lab.data import BONA_FIDE, CHANGED, DataError, Row
from unmask_lab.degrade import NAMED, Degradation
from unmask_lab.examples import told_apart
from unmask_lab.export import update_card
from unmask_lab.forge import FAMILIES
from unmask_lab.tables import plain

COMMAND = "make benchmark"


def benchmark(
    portraits: Sequence[Row],
    others: Sequence[Row],
    target: Path,
    weights: Path = WEIGHTS,
    families: Sequence[str] = tuple(FAMILIES),
    ways: Mapping[str, Degradation] = NAMED,
    processes: int = 2,
    swapped: Sequence[Row] = (),
) -> dict[str, Any]:
    """Measures the network and writes the benchmark page, its plots and the model card's figures.

    Writes ``benchmark.md``, ``benchmark.json`` and plots to ``target``.

    Args:
        portraits: bona fide faces of people never trained on, to forge.
        others: rows with labels of their own, forged in ways never trained on; see `told_apart`.
        target: a folder.
        weights: the folder with the exported network and its calibration.
        families: to forge; must hold all that the network was trained on.
        ways: degradations by name, first the faces as they come.
        processes: that share the work; 0 to stay in this one.
        swapped: rows with labels of their own, forged here with networks that nobody trained on;
            shown apart.

    Raises:
        DataError: a class is empty, a family is missing, or the network is not calibrated.
    """
    trained_on = card(LINE).get("training", {}).get("config", {}).get("families", [])
    portraits, others = [row for row in portraits if row.label == BONA_FIDE], told_apart(others)
    _refuse(portraits, others, families, trained_on)
    served = served_calibration()
    spent = cpu_ms(weights / f"{LINE}.onnx")
    forged, given = (
        measure(portraits, families, ways, processes=processes),
        measure(others, (), ways, processes=processes),
    )
    sets = {
        FORGED: (forged, cross_fitted(forged, served)),
        OTHERS: (given, as_served(given, served)),
    }
    rows = [
        *detection.by_family(forged, sets[FORGED][1].served, trained_on),
        *detection.by_source(given, sets[OTHERS][1].served),
    ]
    if swapped:
        faces = measure(told_apart(swapped), (), ways, processes=processes)
        rows += detection.by_source(faces, as_served(faces, served).served, "swapped")
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": COMMAND,
        "weights": known()[LINE],
        "cpu_ms": spent,
        "rows": rows,
        "groups": [
            row
            for name, (faces, lr) in sets.items()
            for row in detection.by_group(faces, lr.served, name)
        ],
        "map_agreement": detection.map_agreement(forged),
        "reliability": {
            name: reliability_diagrams(faces, lr) for name, (faces, lr) in sets.items()
        },
        "risk_coverage": {
            name: risk_coverage(faces, lr.served) for name, (faces, lr) in sets.items()
        },
    }
    _write(result, target)
    _into_card(result, weights, next(iter(ways)))
    return result


def _refuse(
    portraits: Sequence[Row],
    others: Sequence[Row],
    families: Sequence[str],
    trained_on: Sequence[str],
) -> None:
    if len({row.identity for row in portraits}) < 2:
        raise DataError(
            "the portraits hold bona fide faces of fewer than two people; "
            "collect more, with label 0"
        )
    if missing := [family for family in trained_on if family not in families]:
        raise DataError(
            f"{LINE}.json: trained on {', '.join(missing)}, which would not be measured; the lab "
            f"forges {', '.join(families)}"
        )
    if not others:
        raise DataError(
            "the set made by others is empty; families trained on are never shown without one"
        )
    for source in sorted({row.source for row in others}):
        for label, name in ((BONA_FIDE, "bona fide"), (CHANGED, "changed")):
            if not any(row.label == label for row in others if row.source == source):
                raise DataError(
                    f"the set {source!r} holds no {name} face that can be used; "
                    "a set made by others needs both"
                )


def _write(result: dict[str, Any], target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    (target / "benchmark.json").write_text(records.dumps(plain(result)) + "\n")
    (target / "benchmark.md").write_text(markdown.page(result) + "\n")
    plots.draw_accuracy(result["rows"], target / "accuracy.png")
    plots.draw_reliability(result["reliability"], target / "reliability.png")
    plots.draw_coverage(result["risk_coverage"], target / "coverage.png")


def _into_card(result: Mapping[str, Any], weights: Path, first: str) -> None:
    rows = [row for row in result["rows"] if row["way"] == first]
    figures = {
        "command": COMMAND,
        "cpu_ms": result["cpu_ms"],
        "rows": rows,
        "map_agreement": result["map_agreement"],
    }
    limits = [_limit(row) for row in rows if row["kind"] == "source"]
    update_card(
        weights,
        LINE,
        figures=plain(figures),
        limits=[plain_message(limit) for limit in (*limits, WHOLE_PICTURES)],
    )


WHOLE_PICTURES = Message("limit.whole_pictures")


def _limit(row: Mapping[str, Any]) -> Message:
    auc, found = row["auc"], row["found"]
    faces = {"swaps": row["changed"], "bona_fide": row["bona_fide"]}
    measured = {
        "auc": auc["value"],
        "low": auc["low"],
        "high": auc["high"],
        "found": 100 * found["value"],
    }
    return Message("limit.unseen_swaps", {**faces, **measured})
