"""The benchmark as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unmask_lab.tables import paragraph, shown, table

FORGED, OTHERS = "forged here", "made by others"
"""Names of the two sets in tables and plots."""

FIGURES = {
    "auc": "AUC",
    "eer": "EER",
    "tpr_at_1_fpr": "TPR at 1 % FPR",
    "paired": "fake above its original",
    "blurrier_is_changed": "“blurrier is changed”: AUC",
}
SHOWN = ("rule", "as many", "best")
"""Answers of `coverage.risk_coverage` that are shown."""
AT_LR_10 = {"auc": "AUC", "false_alarms": "false alarms at LR 10", "found": "found at LR 10"}


def page(result: Mapping[str, Any]) -> str:
    """Renders ``benchmark.md`` from the content of ``benchmark.json``."""
    return "\n".join(
        [
            *_head(result),
            *_accuracy(result),
            *_groups(result),
            *_calibration(result),
            *_abstention(result),
        ]
    )


def _head(result: Mapping[str, Any]) -> Iterator[str]:
    yield "# Benchmark of the learned line\n"
    yield paragraph(
        f"`{result['command']}`, {result['date']}, weights `{result['weights'][:12]}`: "
        f"{result['cpu_ms']:.1f} CPU-ms per face on one thread, measured in the same run. "
        "Everything is measured on people never trained on. In brackets 95 % intervals, by "
        "bootstrap over people, which knows no spread of an AUC of 1; where something held for "
        "none or all, of a binomial with one trial per person."
    )


def _accuracy(result: Mapping[str, Any]) -> Iterator[str]:
    yield "## Per family and degradation\n"
    yield "![AUC per family and degradation](accuracy.png)\n"
    yield _table(("set", "way"), FIGURES, result["rows"], lambda r: (_name(r), r["way"]))
    agreement = ", ".join(
        f"{family} {value:.3f}" for family, value in result["map_agreement"].items()
    )
    yield (
        "\nMap against true mask, AUC over the 144 cells of a face, mean per family: "
        f"{agreement}.\n"
    )


def _groups(result: Mapping[str, Any]) -> Iterator[str]:
    yield "## Per source and subgroup\n"
    yield paragraph(
        "All degradations together. No data set says what skin its people have. The tone is that "
        "of the cheeks as the picture shows them (individual typology angle, Chardon et al. 1991): "
        "it mixes the skin with the light, and a pale face in dim light counts as dark. So these "
        "are groups of pictures, and say little about people. "
        "A group without faces of both classes is left out."
    )
    rows = result["groups"]
    yield _table(
        ("faces", "group"), AT_LR_10, rows, lambda r: (r["among"], f"{r['kind']}: {r['set']}")
    )
    yield ""


def _calibration(result: Mapping[str, Any]) -> Iterator[str]:
    yield "## Calibration\n"
    yield "![Reliability diagrams](reliability.png)\n"
    yield paragraph(
        "All degradations together, at even odds. *Raw score* takes the network's logit for the ln "
        "LR; *known kinds* is the LR against forgeries of the kinds calibrated on; *served* is the "
        "LR that is shown, which allows for kinds that leave no trace, and so is meant to be too "
        f"careful on the kinds calibrated on. Of the faces {FORGED}, none is judged by a "
        "calibration that saw its person."
    )
    titles = ["faces", "taken for the LR", "ECE (0 is perfect)", "Cllr, bits (1 says nothing)"]
    steps = [(title, *step) for title, of in result["reliability"].items() for step in of.items()]
    yield table(
        titles,
        ([title, name, shown(step["ece"]), shown(step["cllr"])] for title, name, step in steps),
    )
    yield ""


def _abstention(result: Mapping[str, Any]) -> Iterator[str]:
    yield "## Abstention\n"
    yield "![Risk-coverage curves](coverage.png)\n"
    yield paragraph(
        "Single faces, all degradations together, at even odds: coverage is the part that gets an "
        "answer, risk the part of the answers that is wrong. The grey and the blue curve answer in "
        "order of |log10 LR|, `changed` above an LR of 1. *Rule* is what `unmask check` does with "
        "one face, the red curve the same with `changed` from other LRs; *as many* gives as many "
        "answers in order of |log10 LR|; *best* are the two thresholds that answer most at no more "
        "risk and no more false alarms."
    )
    columns = ("coverage", "risk", "false_alarms", "found", "missed")
    at = [
        (title, name, found[name])
        for title, found in result["risk_coverage"].items()
        for name in SHOWN
    ]
    rows = (
        [title, name, *_thresholds(of), *(f"{of[column]:.3f}" for column in columns)]
        for title, name, of in at
    )
    titles = [
        "faces",
        "",
        "changed from LR",
        "no change found to LR",
        *(name.replace("_", " ") for name in columns),
    ]
    yield table(titles, rows)
    yield ""


def _thresholds(answer: Mapping[str, float]) -> list[str]:
    return [f"{10 ** answer[key]:.3g}" for key in ("changed", "no_change")]


def _table(
    first: Sequence[str], figures: Mapping[str, str], rows: Sequence[Mapping[str, Any]], names: Any
) -> str:
    titles = [*first, "bona fide / changed", "people", *figures.values()]
    counts = ([f"{r['bona_fide']} / {r['changed']}", str(r["people"])] for r in rows)
    of = (map(shown, (r[key] for key in figures)) for r in rows)
    return table(
        titles,
        ([*names(r), *count, *cells] for r, count, cells in zip(rows, counts, of, strict=True)),
    )


def _name(row: Mapping[str, Any]) -> str:
    if row["kind"] == "swapped":
        return f"{row['set']}, never trained on"
    if row["kind"] == "source":
        return f"**{row['set']} set, made by others**"
    return row["set"] if row["trained_on"] else f"**{row['set']}, never trained on**"
