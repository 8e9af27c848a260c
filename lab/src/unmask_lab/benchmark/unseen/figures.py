"""Detection figures of unseen sets, per set and method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.likelihood import LN10
from unmask_lab import metrics
from unmask_lab.benchmark.detection import LR_10
from unmask_lab.benchmark.kept import Answer
from unmask_lab.benchmark.unseen.media import Medium
from unmask_lab.metrics import Estimate, Floats

LR, BLURRIER = "LR", "blurrier is changed"
"""Names of two scores beside the lines' own.

They are the log10 LR of all lines together, and the trivial rule.
"""

AGAINST = {"generated": "photos"}
"""Sets without bona fide files of their own, each with the set that shows the same people.

Faces generated as a whole are no swaps.
"""

EVERY, EVERY_BONA_FIDE = "every method", "all bona fide files"
NOT_DEFINED = Estimate(np.nan, np.nan, np.nan)
FEWEST = 10
"""Number of files of each class below which no AUC is given."""

ALARMS = {500: 0.01, 0: 0.05}
"""False positive rate at which the TPR is given, by the least number of bona fide faces."""

Figures = dict[str, Any]
"""Names and counts of one set, and each figure's `metrics.Estimate` as a mapping."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Answers on ``n`` files beside the ground truth; arrays ``(n,)``, nan for unknown values.

    Attributes:
        label: 0 bona fide, 1 changed.
        source, method, identity: of the file.
        faces: how many people were found.
        lr: log10.
        tone: typology angle of the cheeks of the bona fide face, else of the face itself, degrees.
        scores: by line, and by `BLURRIER`.
        views: by network, ``(n, views)``.
    """

    label: NDArray[np.int_]
    source: NDArray[np.str_]
    method: NDArray[np.str_]
    identity: NDArray[np.str_]
    faces: NDArray[np.int_]
    lr: Floats
    tone: Floats
    scores: Mapping[str, Floats]
    views: Mapping[str, Floats]

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Told:
        def of(values: Any) -> Any:
            return (
                {k: v[chosen] for k, v in values.items()}
                if isinstance(values, Mapping)
                else values[chosen]
            )

        return Told(*(of(getattr(self, field.name)) for field in fields(self)))


def told(media: Sequence[Medium], answers: Sequence[Answer]) -> Told:
    """Combines files and their answers."""
    tone = {
        (m.source, m.clip): a.get("tone")
        for m, a in zip(media, answers, strict=True)
        if not m.label
    }
    own = [
        tone.get((m.source, m.made_from or m.clip), a.get("tone"))
        for m, a in zip(media, answers, strict=True)
    ]
    blur = [-a["quality"][1] if a["faces"] else None for a in answers]
    lines = dict.fromkeys(name for a in answers for name in a.get("scores", {}))
    networks = dict.fromkeys(name for a in answers for name in a.get("views", {}))
    many = max((len(view) for a in answers for view in a.get("views", {}).values()), default=0)
    nothing = [np.nan] * many
    return Told(
        np.array([m.label for m in media]),
        np.array([m.source for m in media], str),
        np.array([m.method for m in media], str),
        np.array([m.identity for m in media], str),
        np.array([a["faces"] for a in answers]),
        _floats([a.get("lr") for a in answers]),
        _floats(own),
        {name: _floats([a.get("scores", {}).get(name) for a in answers]) for name in lines}
        | {BLURRIER: _floats(blur)},
        {
            name: np.array([a.get("views", {}).get(name, nothing) for a in answers], float)
            for name in networks
        },
    )


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], float)


def sets(of: Told) -> dict[str, NDArray[np.bool_]]:
    """Selects the files of each set, ``(n,)``.

    They are its own, and the bona fide ones that it is compared with.
    """
    names = dict.fromkeys(of.source.tolist())
    against = {name: (of.source == AGAINST.get(name, name)) & (of.label == 0) for name in names}
    return {name: against[name] | ((of.source == name) & (of.label == 1)) for name in names}


def by_method(of: Told) -> Iterator[Figures]:
    """Yields the figures of each whole set and, where several methods changed it, per method."""
    for name, chosen in sets(of).items():
        methods = sorted(set(of.method[chosen & (of.label == 1)].tolist()))
        yield figures(name, EVERY if len(methods) > 1 else "".join(methods), of[chosen])
        for method in methods if len(methods) > 1 else ():
            yield figures(name, method, of[chosen & ((of.label == 0) | (of.method == method))]) | {
                "whole": False
            }


def figures(source: str, method: str, of: Told) -> Figures:
    """Computes AUC and TPR of every score, and the rates at an LR of 10.

    Rates at an LR of 10 and Cllr are over the faces that got an LR; the number of these is given
    beside them.
    """
    scores = {**of.scores, LR: of.lr}
    least = next(alarms for count, alarms in ALARMS.items() if (of.label == 0).sum() >= count)
    found = {name: _of_score(score, of, least) for name, score in scores.items()}
    return {
        "set": source,
        "method": method,
        "whole": True,
        **counts(of),
        "people": np.unique(of.identity).size,
        "auc": {name: values["auc"] for name, values in found.items()},
        "read": {name: int(np.isfinite(score).sum()) for name, score in scores.items()},
        "tpr_at": least,
        "tpr": {name: values["tpr"] for name, values in found.items()},
        **at_lr_10(of),
    }


def counts(of: Told) -> dict[str, int]:
    """Counts, for each class, files, those without a face, and those whose face got an LR."""
    counted: dict[str, int] = {}
    for label, name in ((0, "bona_fide"), (1, "changed")):
        chosen = of[of.label == label]
        counted |= {name: len(chosen.label), f"{name}_no_face": int((chosen.faces == 0).sum())}
        counted[f"{name}_with_lr"] = int(np.isfinite(chosen.lr).sum())
    return counted


def _of_score(score: Floats, of: Told, alarms: float) -> dict[str, dict[str, float]]:
    """Computes ``auc``, and ``tpr`` at a false positive rate, over the files that have this score.

    Both are nan where a class is too small.
    """
    at = np.isfinite(score)
    if not _enough(of.label[at]):
        return dict.fromkeys(("auc", "tpr"), asdict(NOT_DEFINED))

    def rounds(weight: Floats) -> dict[str, Floats]:
        roc = metrics.roc(score[at], of.label[at], weight)
        return {"auc": metrics.area(*roc), "tpr": metrics.found_at(*roc, alarms)}

    return {
        name: asdict(found)
        for name, found in metrics.estimates(rounds, of.identity[at].tolist()).items()
    }


def at_lr_10(of: Told) -> dict[str, dict[str, float]]:
    """Computes ``found``, ``false_alarms`` and ``cllr``, bits, over the files that got an LR."""
    judged = of[np.isfinite(of.lr)]
    reached, bona_fide = judged.lr >= LR_10, judged.label == 0

    def rounds(weight: Floats) -> dict[str, Floats]:
        with np.errstate(invalid="ignore"):
            return {
                "cllr": np.array([metrics.cllr(judged.lr * LN10, judged.label, w) for w in weight])
            }

    cost = (
        metrics.estimates(rounds, judged.identity.tolist())["cllr"]
        if np.unique(judged.label).size == 2
        else NOT_DEFINED
    )
    return {
        "found": asdict(metrics.rate(reached[~bona_fide], judged.identity[~bona_fide].tolist())),
        "false_alarms": asdict(
            metrics.rate(reached[bona_fide], judged.identity[bona_fide].tolist())
        ),
        "cllr": asdict(cost),
    }


def mean_auc(of: Told) -> Figures:
    """Averages AUC of every score over the sets of swaps that have enough of both classes."""
    swaps = {name: chosen for name, chosen in sets(of).items() if name not in AGAINST}

    def mean(score: Floats) -> Estimate:
        parts = [
            at for chosen in swaps.values() if _enough(of.label[at := chosen & np.isfinite(score)])
        ]

        def rounds(weight: Floats) -> dict[str, Floats]:
            rocs = [metrics.roc(score[at], of.label[at], weight[:, at]) for at in parts]
            return {"auc": np.mean([metrics.area(*roc) for roc in rocs], axis=0)}

        return metrics.estimates(rounds, of.identity.tolist())["auc"] if parts else NOT_DEFINED

    names = [name for name, chosen in swaps.items() if _enough(of.label[chosen])]
    return {
        "sets": names,
        "auc": {name: asdict(mean(score)) for name, score in {**of.scores, LR: of.lr}.items()},
    }


def by_tone(of: Told) -> Iterator[Figures]:
    """Yields the figures of thirds by tone of the cheeks, per set and for all bona fide files."""
    for name, chosen in {**sets(of), EVERY_BONA_FIDE: of.label == 0}.items():
        known = of[chosen & np.isfinite(of.tone)]
        if name in AGAINST or len(known.tone) < 3 * FEWEST:
            continue
        edges = np.quantile(known.tone, [1 / 3, 2 / 3])
        for third, tone in enumerate(("darkest", "middle", "lightest")):
            yield {
                "tone": tone,
                **figures(name, EVERY, known[np.digitize(known.tone, edges) == third]),
            }


def by_view(of: Told) -> Iterator[Figures]:
    """Yields AUCs over the views for each set and network.

    They are the AUC as it is served, the lowest and the highest of the views, and that of their
    mean.
    """
    for name, chosen in sets(of).items():
        for network, views in of.views.items():
            at = chosen & np.isfinite(views).all(axis=1)
            if name in AGAINST or not _enough(of.label[at]):
                continue
            yield {"set": name, "network": network, **counts(of[at]), **_spread(views[at], of[at])}


def _spread(views: Floats, of: Told) -> dict[str, Any]:
    def rounds(weight: Floats) -> dict[str, Floats]:
        served, mean = (
            metrics.area(*metrics.roc(s, of.label, weight))
            for s in (views[:, 0], views.mean(axis=1))
        )
        return {"served": served, "mean": mean, "gain": mean - served}

    each = [metrics.auc(view[of.label == 0], view[of.label == 1]) for view in views.T]
    found = {
        name: asdict(estimate)
        for name, estimate in metrics.estimates(rounds, of.identity.tolist()).items()
    }
    return {**found, "views": len(each), "lowest": min(each), "highest": max(each)}


def _enough(label: NDArray[np.int_]) -> bool:
    return min(int((label == of).sum()) for of in (0, 1)) >= FEWEST
