"""The benchmark as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

COLOURS = {"raw score": "#9a9a9a", "known kinds": "#e08214", "served": "#2166ac"}


def draw_accuracy(rows: list[dict[str, Any]], path: Path) -> None:
    """Draws AUC of every family and set after every way, as a table of colours."""
    names, ways = (list(dict.fromkeys(row[key] for row in rows)) for key in ("set", "way"))
    of = {(row["set"], row["way"]): row["auc"]["value"] for row in rows}
    value = np.array([[of[name, way] for name in names] for way in ways])
    figure, axes = plt.subplots(figsize=(1.5 + 1.05 * len(names), 1.2 + 0.36 * len(ways)))
    axes.imshow(value, vmin=0.5, vmax=1.3, cmap="Blues", aspect="auto")
    for y, x in np.ndindex(value.shape):
        axes.text(x, y, f"{value[y, x]:.3f}", ha="center", va="center", fontsize=8)
    axes.set_xticks(range(len(names)), names, rotation=20, ha="right", fontsize=8)
    axes.set_yticks(range(len(ways)), ways, fontsize=8)
    axes.set_title("AUC: 0.5 is guessing, 1 is perfect", fontsize=9)
    _save(figure, path)


def draw_reliability(sets: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draws reliability diagrams, one panel per set.

    The area of a dot is proportional to the number of faces; bars are 95 % intervals over people.
    """
    figure, panels = plt.subplots(
        1, len(sets), figsize=(4.4 * len(sets), 4.2), sharey=True, squeeze=False
    )
    for axes, (title, steps) in zip(panels[0], sets.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="black", linewidth=0.7, linestyle=":")
        for name, step in steps.items():
            _bins(
                axes,
                step,
                f"{name}: ECE {step['ece']['value']:.3f}, Cllr {step['cllr']['value']:.2f}",
                COLOURS[name],
            )
        axes.set(
            xlabel="probability of a change at even odds", xlim=(0, 1), ylim=(0, 1), aspect="equal"
        )
        axes.set_title(title, fontsize=10)
        axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    panels[0, 0].set_ylabel("part that was changed")
    _save(figure, path)


def _bins(axes: Axes, step: Mapping[str, Any], label: str, colour: str) -> None:
    x = [b["foretold"] for b in step["bins"]]
    y, low, high = ([b["happened"][key] for b in step["bins"]] for key in ("value", "low", "high"))
    axes.plot(x, y, color=colour, linewidth=1, label=label)
    axes.vlines(x, low, high, color=colour, linewidth=1, alpha=0.6)
    axes.scatter(
        x, y, s=[8 + 250 * b["share"] for b in step["bins"]], color=colour, alpha=0.6, linewidths=0
    )


def draw_coverage(sets: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draws risk-coverage curves, one panel per set, with the rule's place."""
    figure, panels = plt.subplots(
        1, len(sets), figsize=(4.4 * len(sets), 4.2), sharey=True, squeeze=False
    )
    for axes, (title, found) in zip(panels[0], sets.items(), strict=True):
        for name, colour in (
            ("every face", "#9a9a9a"),
            ("judged faces", "#2166ac"),
            ("rule at other LRs", "#b2182b"),
        ):
            x, y = ([answer[key] for answer in found[name]] for key in ("coverage", "risk"))
            axes.plot(x, y, color=colour, linewidth=1.2, label=name)
        for name, marker, colour in (("rule", "o", "#b2182b"), ("best", "x", "black")):
            at = found[name]
            where = (
                f"{name}: changed from LR {10 ** at['changed']:.3g}, "
                f"no change to LR {10 ** at['no_change']:.3g}"
            )
            axes.plot(
                at["coverage"],
                at["risk"],
                marker,
                color=colour,
                markersize=7,
                label=where,
                linestyle="none",
            )
        axes.set(
            xlabel="coverage: part of the faces that get an answer", xlim=(0, 1.02), ylim=(0, 0.55)
        )
        axes.set_title(title, fontsize=10)
        axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    panels[0, 0].set_ylabel("risk: part of the answers that is wrong")
    _save(figure, path)


PUBLISHED = {
    "self-blended images, published (research: mean of a video)": {
        "celebdf": 0.851,
        "research": 0.72,
    },
    "best published for one frame": {"celebdf": 0.900, "research": 0.843},
}
"""Published AUC on the full sets from which ours are drawn.

The detectors were trained on FaceForensics++. *research* is a part of DFDC. Self-blended images are
by Shiohara and Yamasaki 2022, the best by Cui et al. 2025 (ForensicsAdapter).
"""


def draw_unseen(result: Mapping[str, Any], path: Path) -> None:
    """Draws AUC per unseen set with its interval.

    Shows each network, the trivial rule, and published figures.
    """
    rows = [
        row for row in result["sets"] if np.isfinite(row["auc"]["blurrier is changed"]["value"])
    ]
    names = [
        f"{row['set']}\n{row['method'] or '–'} {row['bona_fide']} / {row['changed']}"
        for row in rows
    ]
    scores = [*result["networks"], "LR", "blurrier is changed"]
    figure, axes = plt.subplots(figsize=(8.5, 1.2 + 0.62 * len(rows)))
    for k, score in enumerate(scores):
        y = np.arange(len(rows)) + 0.16 * (k - (len(scores) - 1) / 2)
        value, low, high = (
            np.array([row["auc"][score][key] for row in rows]) for key in ("value", "low", "high")
        )
        colour = "#9a9a9a" if score.startswith("blurrier") else f"C{k}"
        axes.errorbar(
            value,
            y,
            xerr=np.maximum(0, [value - low, high - value]),
            fmt="o",
            color=colour,
            label=score,
            ms=4,
        )
    for (title, published), marker in zip(PUBLISHED.items(), "v*", strict=True):
        theirs = [published.get(row["set"], np.nan) for row in rows]
        axes.plot(theirs, range(len(rows)), marker, color="black", fillstyle="none", label=title)
    axes.axvline(0.5, color="black", linewidth=0.7, linestyle=":")
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="AUC, 95 % over identities: 0.5 is guessing, 1 is perfect", xlim=(0.2, 1.0))
    axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=100, bbox_inches="tight")
    plt.close(figure)
