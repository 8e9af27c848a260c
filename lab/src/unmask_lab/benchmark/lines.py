"""Lines of evidence alone, and learned, named and fused side by side: ``docs/benchmark/lines.md``.

Faces are those of the benchmark: portraits of people never trained on, forged by every family, and
the set that others made. A line that could not read a face gives no score for it. A fused LR
combines the lines that read the face, as the runtime weighs them. Portraits are judged by
regressions fitted without the person and, where it says *left out*, without the family.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unmask import evidence, models
from unmask.likelihood import LN10
from unmask_lab import metrics
from unmask_lab.benchmark.subgroups import BANDS, typology_angle
from unmask_lab.calibrate import Measured, improves_cllr, logistic, measured, missed, slopes
from unmask_lab.data import Row
from unmask_lab.degrade import NAMED, Degradation
from unmask_lab.examples import Example, forged, given
from unmask_lab.forge import FAMILIES
from unmask_lab.metrics import Floats
from unmask_lab.tables import NONE, percent, shown, table

COMMAND = "make lab-lines"
WAYS: Mapping[str, Degradation] = {
    **{
        name: NAMED[name]
        for name in ("as it is", "JPEG 50", "H.264 CRF 28", "half size", "dark and noisy")
    },
    "grey": Degradation(grey=True),
    "overexposed": Degradation(exposure=1.5),
}
LEARNED, NAMED_LINES = ("learned",), ("texture", "skin", "reflection")
"""Lines that are compared. Motion needs more than one frame: see `unmask_lab.benchmark.motion`."""

UNSEEN = "**research set**"
"""Name of the set that others made, in the tables."""

FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class WayScores:
    """Scores of the lines on faces that went one way.

    ``tone`` is the typology angle of the cheeks, degrees, ``(n,)``.
    """

    name: str
    faces: Measured
    tone: Floats


def lines(
    portraits: Sequence[Row],
    others: Sequence[Row],
    target: Path,
    ways: Mapping[str, Degradation] = WAYS,
    command: str = COMMAND,
) -> str:
    """Measures and writes ``lines.md`` to a folder; returns its text.

    Args:
        portraits: bona fide faces of people never trained on, to forge.
        others: rows with labels of their own, forged in ways never trained on.
        target: a folder.
        ways: by name.
        command: that gives this page.
    """
    ours, theirs = [], []
    for name, way in ways.items():
        print(f"measuring {name}", file=sys.stderr, flush=True)
        ours.append(_said(name, forged(portraits, tuple(FAMILIES), _always(way), seed=300)))
        theirs.append(_said(name, given(others, _always(way), seed=300)))
    text = "\n".join(_page(ours, theirs, command)) + "\n"
    target.mkdir(parents=True, exist_ok=True)
    (target / "lines.md").write_text(text)
    return text


def _always(way: Degradation) -> Callable[[np.random.Generator], tuple[Degradation, float]]:
    return lambda _rng: (way, 1.0)


def _said(name: str, examples: Sequence[Example]) -> WayScores:
    said = measured([[e] for e in examples], evidence.chosen((*LEARNED, *NAMED_LINES)))
    tone = np.array([typology_angle(e.crop) for e in examples])
    nothing = np.empty((0, 0, 3), np.uint8)
    bare = [replace(e, crop=nothing, eyes=None, mask=None) for e in examples]
    return WayScores(name, Measured(bare, said.scores), tone)


# ---------------------------------------------------------------- likelihood ratios


Picked = Mapping[tuple[str, ...], tuple[str, ...]]
"""Lines that get a weight, by the lines that read a face."""


def pick(faces: Measured, names: Sequence[str]) -> Picked:
    """Selects, for every subset of the named lines, those that the runtime would weigh.

    They are the first, and each later one that helps those before.

    Args:
        faces: to try it on.
        names: of lines, the strongest first.
    """
    helps = cache(lambda lines: improves_cllr(faces.by(lines)))
    picked = {}
    for reading in (some for k in range(1, len(names) + 1) for some in combinations(names, k)):
        weighed: tuple[str, ...] = reading[:1]
        for name in reading[1:]:
            weighed += (name,) if helps((*weighed, name)) else ()
        picked[reading] = weighed
    return picked


def fused(
    faces: Measured, unseen: Measured, picked: Picked, left_out: str = ""
) -> tuple[Floats, Floats]:
    """Computes ln LR of faces ``(n,)`` and of unseen ones ``(m,)``.

    It is nan where no line read the face. Only those of the picked lines that read a face count.
    Faces are judged by regressions fitted to other people, and to no forgery of the family
    ``left_out``.
    """
    names = max(picked, key=len)
    readings, theirs = _reading(faces, names), _reading(unseen, names)
    found = np.full(len(faces.examples), np.nan), np.full(len(unseen.examples), np.nan)
    for reading in sorted({*readings, *theirs} - {()}):
        chosen = picked[reading]
        at = np.flatnonzero(_read(faces, chosen))
        judged = _crossed(faces.by(chosen), left_out)
        mine = np.array([readings[i] == reading for i in at], bool)
        found[0][at[mine]] = judged[mine]
        there = np.array([of == reading for of in theirs], bool)
        if there.any():
            whole = _theta(faces.by(chosen), np.ones(at.size, bool), left_out)
            rows = Measured(
                [unseen.examples[i] for i in np.flatnonzero(there).tolist()],
                {n: unseen.scores[n][there] for n in chosen},
            )
            found[1][there] = rows.design @ whole
    return found


def _read(faces: Measured, names: Sequence[str]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite([faces.scores[name] for name in names]).all(axis=0))


def _reading(faces: Measured, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Lists the named lines that read each face."""
    read = [np.isfinite(faces.scores[name]) for name in names]
    return [
        tuple(name for name, of in zip(names, read, strict=True) if of[i])
        for i in range(len(faces.examples))
    ]


def _crossed(faces: Measured, left_out: str) -> Floats:
    """Computes ln LR of each face by a regression fitted without its person and ``left_out``."""
    _, person = np.unique(np.asarray(faces.identities), return_inverse=True)
    fold = np.random.default_rng(0).permutation(person.max() + 1)[person] % FOLDS
    design, llr = faces.design, np.zeros(len(faces.examples))
    for k in range(FOLDS):
        llr[fold == k] = design[fold == k] @ _theta(faces, fold != k, left_out)
    return llr


def _theta(faces: Measured, fitted_on: NDArray[np.bool_], left_out: str) -> Floats:
    family = np.array([e.family for e in faces.examples])
    used = fitted_on & ((family != left_out) | (faces.label == 0))
    design, label = faces.design[used], faces.label[used]
    return logistic(design, label, metrics.balanced(label, family[used]), slopes(design.shape[1]))


# ---------------------------------------------------------------- the page


def _page(ours: Sequence[WayScores], theirs: Sequence[WayScores], command: str) -> Iterator[str]:
    faces, unseen = _together(ours), _together(theirs)
    way, way_unseen = (
        np.repeat([w.name for w in of], [len(w.faces.examples) for w in of])
        for of in (ours, theirs)
    )
    family = np.array([e.family for e in faces.examples])
    sets = {"learned": LEARNED, "named": NAMED_LINES, "fused": (*LEARNED, *NAMED_LINES)}
    picked = {name: pick(faces, names) for name, names in sets.items()}
    llr = {name: fused(faces, unseen, of) for name, of in picked.items()}
    yield "# The lines of evidence, alone and together\n"
    date, ours_counted, theirs_counted = (
        datetime.now(UTC).date().isoformat(),
        _counted(ours[0].faces),
        _counted(theirs[0].faces),
    )
    yield (
        f"`{command}`, {date}, weights `{models.known()['learned'][:12]}`. "
        f"{ours_counted} never trained on,"
    )
    yield f"forged by every family; and {theirs_counted} of the research"
    yield (
        "set, forged in ways never trained on. Each went every way. "
        "AUC with 95 % interval over people; *read*: part of the"
    )
    yield "faces that a line could read.\n"
    yield "## Each line alone\n"
    titles_alone = [title for name in (*LEARNED, *NAMED_LINES) for title in (name, "read")]
    yield table(("set", "way", *titles_alone), _alone(ours, theirs))
    yield "\n## Learned alone, named alone, fused\n"
    weigh = "; ".join(
        f"{', '.join(reading)}: {', '.join(of)}"
        for reading, of in picked["fused"].items()
        if len(reading) > 1
    )
    yield (
        "A line weighs only where it helps the stronger ones. "
        f"By the lines that read a face, these do: {weigh}.\n"
    )
    yield (
        "*Named* are texture, skin and reflection. "
        "*Gain* is the AUC of the fused LR less that of the learned line alone.\n"
    )
    forged_here = _compared(
        faces, way, {name: of[0] for name, of in llr.items()}, sorted(set(family) - {""})
    )
    by_others = _compared(unseen, way_unseen, {name: of[1] for name, of in llr.items()}, [""])
    yield table(("set", "way", *sets, "gain"), [*forged_here, *by_others])
    yield "\nLeft out: fitted to the other families, all ways together.\n"
    yield table(("family", *sets, "gain"), _left_out(faces, unseen, picked))
    yield "\n## False alarms of the fused LR\n"
    yield "Bona fide faces, judged one by one, that reach an LR of 10. At most 1 % is asked for.\n"
    titles = ("faces", "bona fide", "people", "at an LR of 10")
    yield table(titles, _alarms(ours, theirs, llr["fused"], faces, unseen))


def _counted(faces: Measured) -> str:
    changed = sum(e.label for e in faces.examples if not e.family)
    bona_fide = int((faces.label == 0).sum())
    both = f"{bona_fide} bona fide" + (f" and {changed} changed" if changed else "")
    return f"{both} faces of {len(set(faces.identities))} people"


def _together(ways: Sequence[WayScores]) -> Measured:
    scores = {
        name: np.concatenate([w.faces.scores[name] for w in ways]) for name in ways[0].faces.scores
    }
    return Measured([e for w in ways for e in w.faces.examples], scores)


def _alone(ours: Sequence[WayScores], theirs: Sequence[WayScores]) -> Iterator[list[str]]:
    for w in (*ours, *theirs):
        family = np.array([e.family for e in w.faces.examples])
        for one in sorted(set(family) - {""}) or [""]:
            of = (w.faces.label == 0) | (family == one)
            cells = [cell for name in (*LEARNED, *NAMED_LINES) for cell in _one(w.faces, of, name)]
            yield [one or UNSEEN, w.name, *cells]


def _one(faces: Measured, of: NDArray[np.bool_], name: str) -> tuple[str, str]:
    """Returns the AUC of one line, and the part of the faces that it read."""
    score = faces.scores[name]
    read = np.flatnonzero(of & np.isfinite(score))
    people = [faces.examples[i].identity for i in read.tolist()]
    label = faces.label[read]
    if len(set(label.tolist())) < 2:
        return NONE, "0 %"
    found = metrics.estimates(
        lambda w: {"auc": metrics.area(*metrics.roc(score[read], label, w))}, people
    )["auc"]
    return shown(asdict(found)), f"{100 * read.size / of.sum():.0f} %"


def _compared(
    faces: Measured, way: NDArray[np.str_], llr: Mapping[str, Floats], families: Sequence[str]
) -> Iterator[list[str]]:
    family = np.array([e.family for e in faces.examples])
    for name in dict.fromkeys(way.tolist()):
        for one in families:
            of = (way == name) & ((faces.label == 0) | (family == one))
            yield [one or UNSEEN, name, *_aucs(faces, llr, of)]


def _left_out(
    faces: Measured, unseen: Measured, picked: Mapping[str, Picked]
) -> Iterator[list[str]]:
    family = np.array([e.family for e in faces.examples])
    for one in sorted(set(family) - {""}):
        apart = {name: fused(faces, unseen, of, one)[0] for name, of in picked.items()}
        yield [one, *_aucs(faces, apart, (family == "") | (family == one))]


def _aucs(faces: Measured, llr: Mapping[str, Floats], of: NDArray[np.bool_]) -> list[str]:
    """Computes AUCs over the faces that all compared sets could judge, and the paired gain."""
    at = np.flatnonzero(of & np.isfinite(list(llr.values())).all(axis=0))
    label = faces.label[at]

    def figures(weight: Floats) -> dict[str, Floats]:
        areas = {
            name: metrics.area(*metrics.roc(of[at], label, weight)) for name, of in llr.items()
        }
        return {**areas, "gain": areas["fused"] - areas["learned"]}

    found = metrics.estimates(figures, [faces.examples[i].identity for i in at.tolist()])
    return [shown(asdict(found[name])) for name in (*llr, "gain")]


def _alarms(
    ours: Sequence[WayScores],
    theirs: Sequence[WayScores],
    llr: tuple[Floats, Floats],
    faces: Measured,
    unseen: Measured,
) -> Iterator[list[str]]:
    read = np.isfinite(llr[1])
    known = np.isfinite(llr[0])
    area = metrics.auc(llr[0][known & (faces.label == 0)], llr[0][known & (faces.label == 1)])
    part, _ = missed(
        area, llr[1][read], [unseen.examples[i] for i in np.flatnonzero(read).tolist()]
    )
    bound = np.log10(len(set(faces.identities)))
    _, tones = next(of for of in BANDS.values() if of[0] == "typology")
    for among, ways, of, ln in (
        ("portraits", ours, faces, llr[0]),
        ("research set", theirs, unseen, llr[1]),
    ):
        clipped = np.clip(ln / LN10, -bound, bound)
        lr = np.logaddexp(np.log(part), np.log1p(-part) + clipped * LN10) / LN10
        name = np.repeat([w.name for w in ways], [len(w.faces.examples) for w in ways])
        tone = np.concatenate([w.tone for w in ways])
        source = np.array([e.source for e in of.examples])
        bona = (of.label == 0) & np.isfinite(lr)
        groups = {f"way {n}": name == n for n in dict.fromkeys(name.tolist())}
        groups |= {f"source {s}": source == s for s in sorted(set(source.tolist()))}
        groups |= {
            f"tone of the cheeks {band}": (tone >= low) & (tone < high)
            for band, (low, high) in tones.items()
        }
        for group, chosen in groups.items():
            at = np.flatnonzero(bona & chosen)
            people = [of.examples[i].identity for i in at.tolist()]
            rate = metrics.rate(lr[at] >= 1.0, people)
            yield [f"{among}, {group}", str(at.size), str(len(set(people))), percent(asdict(rate))]
