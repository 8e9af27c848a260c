"""Calibration from raw scores to likelihood ratios, jointly over the lines of evidence.

The face's size, sharpness and other limits of quality enter, too.

Calibrations are fitted on people the network never saw, on forgeries of the kinds it was trained
on, after random degradations. Forgeries of other kinds leave fainter traces, so each forgery's
scores are `weakened` where that is better on a set made by others. Forgeries that leave no trace at
all enter as the `missed` part, estimated on the same set.

Lines share frames, so their errors correlate: one logistic regression weighs them all. A line that
could not read a face gives no score for it, so there is one regression for every set of lines,
fitted to the faces that all of its lines have read. A set in which a line does not help gets none,
so that a weak line costs a strong one neither its people nor its weight.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from unmask import classifiers, models
from unmask.evidence import Lines, available
from unmask.evidence.strong import GUIDE, Strong
from unmask.likelihood import LIMITS, LN10, Calibration, features
from unmask.types import Case, Kind, MediaFacts, Track
from unmask.verdict import Rules
from unmask_lab import metrics, records
from unmask_lab.data import BONA_FIDE, CHANGED, DataError, Row
from unmask_lab.degrade import Degradation, as_it_comes
from unmask_lab.examples import Example, forged, given
from unmask_lab.films import FRAMES, films
from unmask_lab.forge import FAMILIES

ROUNDS = 3
"""Number of random degradations of each face."""

MOST_SHARED = 0.9
"""Part of the LR's variance beyond which no frame would add anything."""

RIDGE = 1.0
"""Ridge of the logistic regression, in examples, on terms in units of their spread."""

FEWEST = 10
"""Number of people below which nothing is fitted.

With fewer, the bound of the LR is below the 10 from which a face is called changed.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Faces and each line's scores of them: ``(n,)`` by line, nan where it could not read the face.

    Attributes:
        knees: by line, where a calibration may bend, see `unmask.likelihood.features`.
    """

    examples: Sequence[Example]
    scores: dict[str, NDArray[np.float64]]
    knees: Mapping[str, float] = field(default_factory=dict)

    def by(self, lines: Collection[str]) -> Measured:
        """Selects the faces that all the lines have read, with the scores of these lines."""
        read = np.flatnonzero(np.isfinite([self.scores[line] for line in lines]).all(axis=0))
        return Measured(
            [self.examples[i] for i in read.tolist()],
            {line: self.scores[line][read] for line in lines},
            {line: knee for line, knee in self.knees.items() if line in lines},
        )

    @property
    def label(self) -> NDArray[np.int_]:
        """0 bona fide, 1 changed, ``(n,)``."""
        return np.array([e.label for e in self.examples], np.int_)

    @property
    def identities(self) -> list[str]:
        """Identity of each face."""
        return [e.identity for e in self.examples]

    @property
    def rows(self) -> list[dict[str, float]]:
        """Terms that a calibration may weigh, of each face."""
        return [
            features(
                {line: float(values[i]) for line, values in self.scores.items()},
                e.quality,
                self.knees,
            )
            for i, e in enumerate(self.examples)
        ]

    @property
    def design(self) -> NDArray[np.float64]:
        """1 and the values of `rows`, ``(n, terms + 1)``."""
        return np.array([[1.0, *row.values()] for row in self.rows])


def calibrate(
    portraits: Sequence[Row],
    others: Sequence[Row],
    weights: Path = models.WEIGHTS,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Fits, cross-checks and writes ``calibration.json`` for every set of lines.

    Returns its content.

    Args:
        portraits: bona fide faces of people never trained on, to forge.
        others: rows with labels of their own, forged in ways never trained on; says how much is
            missed.
        weights: the folder with the exported network.
        folder: of the user's models; they are calibrated together with the lines of the runtime,
            and the calibration is written there, so that the runtime's own stays what it was.

    Raises:
        ModelError: a model of the user's cannot be used.
        DataError: there are too few people, or the set made by others lacks a class.
    """
    ways = [forged(portraits, tuple(FAMILIES), as_it_comes, seed=100 + k) for k in range(ROUNDS)]
    known = measured([[e] for way in ways for e in way], available(folder))
    unseen = measured(
        [[e] for e in given(others, lambda _rng: (Degradation(), 1.0), seed=1)], available(folder)
    )
    if set(unseen.label.tolist()) != {0, 1}:
        raise DataError("the set made by others must show both bona fide and changed faces")
    clips = [measured(some, available(folder)) for some in films(portraits)]
    strengths = {"full": bent(known), "any": bent(weakened(known, np.random.default_rng(100)))}
    fits = _fits(strengths, unseen, clips, {**models.known(), **classifiers.known(folder)})
    if not fits:
        raise DataError(
            f"fewer than {FEWEST} people in the portraits or in the set made by others; "
            "collect more"
        )
    written = {"lines": fits}
    ((folder or weights) / "calibration.json").write_text(records.dumps(written) + "\n")
    return written


def weakened(faces: Measured, rng: np.random.Generator) -> Measured:
    """Weakens each forgery by a random strength: moves its score towards that of its original.

    A network separates the kinds that it was trained on so well that hardly any of them scores
    between the classes, where most other kinds do. The strength of other kinds' traces is not
    known, so it is drawn uniformly.

    Args:
        faces: bona fide ones, and forgeries of them.
        rng: draws each forgery's strength, 0 to 1, the same for all lines.
    """
    bona_fide = {e.original: i for i, e in enumerate(faces.examples) if e.label == BONA_FIDE}
    before = np.array([bona_fide[e.original] for e in faces.examples])
    strength = np.where(faces.label == CHANGED, rng.uniform(size=len(before)), 1.0)
    return replace(
        faces, scores={n: s[before] + strength * (s - s[before]) for n, s in faces.scores.items()}
    )


def bent(faces: Measured) -> Measured:
    """Returns the same faces with the knees of a calibration fitted to them."""
    return replace(faces, knees=knees(faces))


def knees(faces: Measured) -> dict[str, float]:
    """Returns, by line, the score half way between the classes' medians.

    Past it bona fide faces become rare.
    """
    middles = {}
    for line, scores in faces.scores.items():
        read = [scores[(faces.label == label) & np.isfinite(scores)] for label in (0, 1)]
        if all(some.size for some in read):
            middles[line] = round(float(np.mean([np.median(some) for some in read])), 3)
    return middles


def _fits(
    strengths: Mapping[str, Measured],
    unseen: Measured,
    clips: Sequence[Measured],
    custody: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """Fits every set of lines that has read enough people, helps, and holds.

    For each set, takes the strength of the forgeries with the lowest cost (Cllr) on those made by
    others. ``strengths`` are the same faces, each with the `knees` of its own scores; ``custody``
    is the sha256 by model.
    """
    fits: dict[str, dict[str, Any]] = {}
    kept: dict[tuple[str, ...], Calibration] = {}
    known = strengths["full"]
    lines = [line for line in known.scores if _people((known, unseen), (line,)) >= FEWEST]
    for chosen in (some for k in range(1, len(lines) + 1) for some in combinations(lines, k)):
        key = "+".join(chosen)
        if {Strong.name, GUIDE} <= {*chosen}:
            continue  # They never weigh together, see `unmask.evidence.strong.GUIDE`.
        print(f"fitting {key}", file=sys.stderr, flush=True)
        enough = _people((known, unseen), chosen) >= FEWEST
        helped = [
            strength
            for strength, faces in strengths.items()
            if enough and improves_cllr(faces.by(chosen))
        ]
        if not helped:
            print(
                f"{key}: left out, not all of these lines help, or too few people were read by all",
                file=sys.stderr,
            )
            continue
        by_strength = [
            _fit(strengths[strength], strength, unseen, clips, chosen) for strength in helped
        ]
        served, fit = min(by_strength, key=lambda one: cost(one[0], unseen))
        fewer = [kept[few] for few in kept if {*few} < {*chosen}]
        if not holds(served, fewer, unseen):
            print(
                f"{key}: left out, worse on the set made by others than with fewer lines",
                file=sys.stderr,
            )
            continue
        kept[chosen] = served
        used = {name: sha256 for name, sha256 in custody.items() if Path(name).stem in chosen}
        fits[key] = {"weights": used, **fit}
    return fits


def holds(served: Calibration, fewer: Iterable[Calibration], unseen: Measured) -> bool:
    """Tells whether these lines cost no more (Cllr) on others' forgeries than any fewer lines.

    Compares on the same faces.
    """
    unseen = unseen.by(served.lines)
    return all(cost(served, unseen) <= cost(one, unseen) for one in fewer)


def cost(by: Calibration, faces: Measured) -> float:
    """Computes Cllr, bits, of a calibration's LR on the faces that its lines have read."""
    faces = faces.by(by.lines)
    scores = [
        {line: faces.scores[line][i] for line in by.lines} for i in range(len(faces.examples))
    ]
    known = [by.known(score, e.quality) for score, e in zip(scores, faces.examples, strict=True)]
    llr = np.array([by.any_kind(k) for k in known]) * LN10
    return metrics.cllr(llr, faces.label, np.ones(llr.size))


def _people(sets: Sequence[Measured], lines: Collection[str]) -> int:
    """Counts the people of whom all of these lines have read a face, in the set with the fewest."""
    return min(len(set(faces.by(lines).identities)) for faces in sets)


def improves_cllr(faces: Measured) -> bool:
    """Tells whether each line helps the others: whether Cllr is higher without it.

    Compares on the same faces, and on people not fitted to. The difference must exceed one standard
    error over people, so that chance gives no weight (Breiman et al. 1984 choose by that rule).
    Lines that read no face of one class in common do not help.
    """
    if len(set(faces.label.tolist())) < 2:
        return False
    names = tuple(faces.scores)
    whole = _costs(faces) if len(names) > 1 else np.zeros(0)
    fewer = [
        {n: score for n, score in faces.scores.items() if n != name}
        for name in names
        if len(names) > 1
    ]
    return all(_lower(whole, _costs(Measured(faces.examples, scores))) for scores in fewer)


def _lower(costs: NDArray[np.float64], than: NDArray[np.float64]) -> bool:
    saved = than - costs
    return bool(saved.sum() > np.sqrt(saved.size) * saved.std())


def _costs(faces: Measured) -> NDArray[np.float64]:
    """Computes each person's part of the Cllr, bits, by calibrations fitted without the person."""
    weight = metrics.balanced(faces.label, np.array([e.family for e in faces.examples]))
    llr = _crossed(faces.design, faces.label, weight, faces.identities, len(faces.knees))
    _, person = np.unique(np.asarray(faces.identities), return_inverse=True)
    return np.asarray(np.bincount(person, metrics.cllr_parts(llr, faces.label, weight)), np.float64)


def measured(tracks: Iterable[Sequence[Example]], lines: Lines) -> Measured:
    """Scores faces by each line, through the runtime's own code.

    Faces of one track are half a second apart. The lines must be made for these faces, as they
    remember what they measured.
    """
    tracks = list(tracks)
    seen = [tuple(e.sighting(k / 2) for k, e in enumerate(track)) for track in tracks]
    media = MediaFacts("", Kind.VIDEO, "", 0, "", "", 1, 1)
    case = Case(media, tuple(Track(i, sightings) for i, sightings in enumerate(seen, start=1)))
    scores = {}
    for name, line in lines.items():
        at = [
            {r.time: r.score for r in line.examine(track, case).readings} for track in case.tracks
        ]
        read = [
            by_time.get(s.time, np.nan) for by_time, of in zip(at, seen, strict=True) for s in of
        ]
        scores[name] = np.array(read, np.float64)
    return Measured([e for track in tracks for e in track], scores)


def _fit(
    faces: Measured,
    strength: str,
    unseen: Measured,
    clips: Sequence[Measured],
    lines: Collection[str],
) -> tuple[Calibration, dict[str, Any]]:
    """Fits the calibration of one set of lines; also returns its data and its cross-checks."""
    known, *beside = (
        replace(some, knees=faces.knees).by(lines) for some in (faces, unseen, *clips)
    )
    unseen, clips = beside[0], beside[1:]
    design, label = known.design, known.label
    weight = metrics.balanced(label, np.array([e.family for e in known.examples]))
    theta = logistic(design, label, weight, slopes(design.shape[1], len(known.knees)))
    llr, of_others = design @ theta, unseen.design @ theta
    crossed = _crossed(design, label, weight, known.identities, len(known.knees))
    part, area = missed(
        metrics.auc(crossed[label == 0], crossed[label == 1]), of_others, unseen.examples
    )
    fitted: dict[str, Any] = {
        "intercept": float(theta[0]),
        "terms": dict(zip(known.rows[0], theta[1:].tolist(), strict=True)),
        "bound": float(np.log10(len(set(known.identities)))),
        "missed": part,
        "shared": _shared(clips, theta),
        "separation": float(llr[label == 1].mean() - llr[label == 0].mean()),
        "knees": dict(known.knees),
    }
    served = Calibration(lines=tuple(known.scores), **fitted)
    return served, {
        **fitted,
        "fitted_on": _fitted_on(known, strength, unseen, area, clips),
        "cross_fitted": {
            "note": (
                "families trained on, of the strength in fitted_on; each person judged by a "
                "calibration that never saw them"
            ),
            **_checked(served, crossed, known.examples, weight),
        },
        "never_trained_on": {
            "note": (
                "the research set, which told the missed part, "
                "the strength of forgeries and which sets of lines hold"
            ),
            **_checked(served, of_others, unseen.examples, np.ones(len(unseen.examples))),
        },
    }


def _fitted_on(
    known: Measured,
    strength: str,
    unseen: Measured,
    area: tuple[float, float, float],
    clips: Sequence[Measured],
) -> dict[str, Any]:
    """Describes the data of a calibration; ``area`` is the AUC on ``unseen``, with its interval."""
    auc, low, high = area
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "people": len(set(known.identities)),
        "faces": len(known.examples),
        "forgeries": list(FAMILIES),
        "strength": strength,
        "missed_from": (
            f"AUC {auc:.3f} (95 % from {low:.3f} to {high:.3f}) of the LR on "
            f"{len(unseen.examples)} faces of {len(set(unseen.identities))} people, forged in ways "
            "never trained on; the lower end is used"
        ),
        "shared_from": (
            f"simulated: a camera moving over heads that turn, of {len(set(clips[0].identities))} "
            f"people, {FRAMES} frames each"
        ),
    }


def missed(
    known_auc: float, llr: NDArray[np.float64], examples: Sequence[Example]
) -> tuple[float, tuple[float, float, float]]:
    """Estimates the part of others' forgeries that scores as bona fide faces do.

    Assumes that the rest scores as the known kinds do. A mixture's AUC is the mean of its parts'
    AUCs, one of which is 1/2. Uses the lower end of the 95 % interval over people, so that the
    absence of traces is not overrated. Returns the AUC with its interval as well.
    """
    label = np.array([e.label for e in examples])

    def area(drawn: NDArray[np.intp]) -> float:
        return metrics.auc(llr[drawn][label[drawn] == 0], llr[drawn][label[drawn] == 1])

    low, high = metrics.interval(area, [e.identity for e in examples])
    part = (known_auc - low) / max(known_auc - 0.5, 1e-9)
    return float(np.clip(part, 0.05, 0.95)), (area(np.arange(len(examples))), low, high)


def _checked(
    served: Calibration,
    llr: NDArray[np.float64],
    examples: Sequence[Example],
    weight: NDArray[np.float64],
) -> dict[str, Any]:
    """Computes Cllr and ECE of the LR against the known kinds and of the LR that is served.

    Also computes how often the latter says `changed`.
    """
    label = np.array([e.label for e in examples])
    known = np.clip(llr / LN10, -served.bound, served.bound)
    lr = np.array([served.any_kind(float(k)) for k in known])
    figures = {
        name: {
            "cllr": metrics.cllr(value * LN10, label, weight),
            "ece": metrics.ece(value * LN10, label, weight),
        }
        for name, value in (("known_kinds", known), ("served", lr))
    }
    return {
        **figures,
        "answers": {
            name: _answers(lr, examples, label == of)
            for of, name in enumerate(("bona fide", "changed"))
        },
        "at_lr_10": {
            s: _alarms(lr, label, examples, s) for s in sorted({e.source for e in examples})
        },
    }


def _answers(
    lr: NDArray[np.float64], examples: Sequence[Example], among: NDArray[np.bool_]
) -> dict[str, Any]:
    """Computes how often single faces of a class are called changed, and `no change found`.

    See `unmask.verdict.Rules`; each part has a 95 % interval over people.
    """
    of = np.flatnonzero(among)
    people, rules = [examples[i].identity for i in of.tolist()], Rules()
    return {
        "faces": int(of.size),
        "people": len(set(people)),
        "changed": _part(lr[of] >= rules.changed, people),
        "no change found": _part(lr[of] <= rules.no_change, people),
    }


def _part(reached: NDArray[np.bool_], people: Sequence[str]) -> dict[str, Any]:
    rate = metrics.rate(reached, people)
    return {"part": rate.value, "interval": [rate.low, rate.high]}


def _alarms(
    lr: NDArray[np.float64], label: NDArray[np.int_], examples: Sequence[Example], source: str
) -> dict[str, dict[str, Any]]:
    """Computes the part of a source's single faces that reaches an LR of 10, by class.

    Each part has a 95 % interval over people.
    """
    result = {}
    for name, wanted in (("false alarms", 0), ("found", 1)):
        of = np.flatnonzero((label == wanted) & np.array([e.source == source for e in examples]))
        if of.size:
            people = [examples[i].identity for i in of.tolist()]
            result[name] = {
                **_part(lr[of] >= 1.0, people),
                "faces": int(of.size),
                "people": len(set(people)),
            }
    return result


def slopes(columns: int, knees: int = 0) -> NDArray[np.float64]:
    """Returns the slopes of ln LR in each score at each end of all `LIMITS`: ``(slopes, columns)``.

    A slope is linear in the limits, so one that is nowhere negative at their ends is nowhere
    negative between them.

    Args:
        columns: of the design, see `Measured.design`.
        knees: 0, or the number of lines, if each has one; then the slopes past the knees follow.
    """
    lines = (columns - 1 - len(LIMITS) - knees) // (1 + len(LIMITS))
    rows = []
    for past, line, ends in product(
        (False, True)[: 1 + bool(knees)], range(lines), product(*LIMITS.values())
    ):
        row = np.zeros(columns)
        row[1 + line] = 1
        crossed = 1 + lines + len(LIMITS) * (1 + line)
        row[crossed : crossed + len(LIMITS)] = ends
        if past:
            row[columns - knees + line] = 1
        rows.append(row)
    return np.array(rows)


def logistic(
    design: NDArray[np.float64],
    label: NDArray[np.int_],
    weight: NDArray[np.float64],
    rising: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Fits a weighted, slightly shrunk logistic regression with ``rising @ theta`` not negative.

    The classes weigh the same, so it gives ln LR. Solved by sequential least squares (Kraft 1988).
    """
    spread = design.std(axis=0)
    spread[spread < 1e-9] = 1
    columns = design / spread
    ridge = RIDGE * np.array([0.0] + [1.0] * (design.shape[1] - 1))
    sign = np.where(label == 1, 1.0, -1.0)
    scale = weight.sum()

    def cost(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (columns @ theta)
        wrong = np.exp(-np.logaddexp(0, margin))
        gradient = ridge * theta - columns.T @ (weight * sign * wrong)
        return (
            weight @ np.logaddexp(0, -margin) + 0.5 * ridge @ theta**2
        ) / scale, gradient / scale

    held = None if rising is None else rising / spread
    constraint = {"type": "ineq", "fun": lambda theta: held @ theta, "jac": lambda _theta: held}
    found = minimize(
        cost,
        np.zeros(design.shape[1]),
        jac=True,
        method="SLSQP",
        constraints=[] if held is None else [constraint],
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    if not found.success:
        raise DataError(
            f"the calibration cannot be fitted ({found.message}); look at the scores of each line"
        )
    return np.asarray(found.x / spread)


def _crossed(
    design: NDArray[np.float64],
    label: NDArray[np.int_],
    weight: NDArray[np.float64],
    identities: metrics.Identities,
    knees: int = 0,
) -> NDArray[np.float64]:
    """Computes ln LR of each example by a calibration fitted without its person; five folds."""
    _, person = np.unique(np.asarray(identities), return_inverse=True)
    fold = np.random.default_rng(0).permutation(person.max() + 1)[person] % 5
    rising = slopes(design.shape[1], knees)
    llr = np.zeros(label.size)
    for k in range(5):
        held = fold == k
        llr[held] = design[held] @ logistic(design[~held], label[~held], weight[~held], rising)
    return llr


def _shared(clips: Sequence[Measured], theta: NDArray[np.float64]) -> float:
    """Estimates the part of ln LR's variance within a class that one clip's frames share.

    This is a one-way analysis of variance. Where fewer than `FEWEST` clips were read throughout,
    returns `MOST_SHARED`, the most cautious answer.
    """
    parts = []
    for faces in clips:
        by_clip: dict[str, list[float]] = {}
        for example, llr in zip(faces.examples, faces.design @ theta, strict=True):
            by_clip.setdefault(example.original, []).append(float(llr))
        whole = np.array([clip for clip in by_clip.values() if len(clip) == FRAMES])
        if len(whole) < FEWEST:
            return MOST_SHARED
        within = whole.var(axis=1, ddof=1).mean()
        between = max(0.0, whole.mean(axis=1).var(ddof=1) - within / FRAMES)
        parts.append(between / max(between + within, 1e-9))
    return float(np.clip(np.mean(parts), 0.3, MOST_SHARED))
