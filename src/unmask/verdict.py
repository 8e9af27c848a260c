"""Verdicts on each person and on the file, from the evidence of the lines, as codes and values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unmask import calibrations
from unmask.faces import outline
from unmask.licences.coverage import reaching
from unmask.likelihood import Calibration, chain, combine
from unmask.messages import Message, Value
from unmask.types import (
    Basis,
    Case,
    Evidence,
    HeldLicence,
    Kind,
    LineResult,
    MediaFacts,
    Person,
    Place,
    Quality,
    Span,
    Status,
    TellingFrame,
    TimedLR,
    Track,
    TrackEvidence,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds of a verdict.

    Attributes:
        changed: least log10 LR of `changed`; ENFSI's verbal scale (2015) begins "moderate support"
            at an LR of 10.
        no_change: highest log10 LR of `no change found`; between the two the answer is `cannot
            tell`.
        size_px: least face width, px; a smaller face has lost the traces that are looked for.
        detail_px: least width of a face's detail, px, see `Quality`. It is below `size_px` because
            its estimate is rough: bona fide faces enlarged from 52 or 60 px score hardly higher
            than from 80, see docs/verdict.md.
        sharpness: least sharpness, see `Quality`; half of the portraits that were blurred by 3 px
            lie below it.
        yaw: largest turn of the head, see `Quality`; one in twenty portraits is turned further,
            most of them into half profile.
        blockiness: most blockiness, see `Quality`; JPEG at quality 30 has about 2, H.264 at CRF 40
            about 3 to 5.
        echo: strongest double image, see `Quality`; 6 in 1,000 portraits show more, see
            docs/verdict.md.
        sightings: number of frames of a face in a video that must be good enough.
    """

    changed: float = 1.0
    no_change: float = 0.0
    size_px: float = 64.0
    detail_px: float = 48.0
    sharpness: float = 0.004
    yaw: float = 0.75
    blockiness: float = 6.0
    sightings: int = 3
    echo: float = 0.131


def judge(
    track: Track,
    evidence: Evidence,
    media: MediaFacts,
    rules: Rules = Rules(),
    calibrated: Sequence[Calibration] | None = None,
) -> Person:
    """Gives the verdict on one track.

    Args:
        track: at least one sighting.
        evidence: evidence on this track, of every line that was asked.
        media: tells whether one frame is all there is.
        rules: thresholds of the verdict.
        calibrated: conversion of the scores of each set of lines into an LR; None for the shipped
            one.
    """
    fitted = calibrations.load() if calibrated is None else calibrated
    weighed = _weigh(track, evidence, media, rules, fitted)
    spans, lrs, telling = weighed.spans, weighed.lrs, weighed.telling
    total = weighed.totals[-1]
    verdict, why = _answer(total, spans, weighed.why_not, media, rules)
    moved = dict(zip(weighed.lines, np.diff(weighed.totals).tolist(), strict=False))
    last = weighed.steps[-1] if weighed.steps else None
    return Person(
        id=track.id,
        verdict=verdict,
        reason=why,
        log10_lr=None if verdict is Verdict.CANNOT_TELL else _rounded(total),
        spans=spans if verdict is Verdict.CHANGED and media.kind is Kind.VIDEO else (),
        lines={
            name: _result(evidence[name], moved.get(name))
            for name in dict.fromkeys([*weighed.lines, *evidence])
        },
        timeline=tuple(TimedLR(track.sightings[i].time, lr) for i, lr in lrs.items()),
        first_seen=track.sightings[0].time,
        last_seen=track.sightings[-1].time,
        sightings=len(track.sightings),
        judged=weighed.fit,
        quality=_median([s.quality for s in track.sightings]),
        frames=_telling(track, _showing(evidence, weighed.shown), telling, verdict),
        thumbnail=max(track.sightings, key=lambda s: s.quality.size_px * (1 - s.quality.yaw)).crop,
        places=tuple(Place(s.time, s.face.box) for s in track.sightings),
        reach=last.reach if last else None,
        record=last.record if last else None,
        basis=None if verdict is Verdict.CANNOT_TELL else Basis.MEASURED,
    )


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Evidence on one track, weighed.

    Attributes:
        fit: number of sightings that are good enough to be judged.
        why_not: why there is no verdict; None where there is.
        steps: calibrations that weigh, see `chain`.
        lines: lines that weigh, in that order.
        totals: log10 LR of the track after each step; the first value, by no line, is 0.
        spans: stretches of the change, if any.
        lrs: log10 LR of sightings on their own, by index.
        telling: those of ``lrs`` that speak for the verdict.
        shown: lines whose heatmaps are shown.
    """

    fit: int
    why_not: Message | None
    steps: Sequence[Calibration]
    lines: Sequence[str]
    totals: Sequence[float]
    spans: tuple[Span, ...]
    lrs: dict[int, float]
    telling: dict[int, float]
    shown: Sequence[str]


def _weigh(
    track: Track,
    evidence: Evidence,
    media: MediaFacts,
    rules: Rules,
    fitted: Sequence[Calibration],
) -> _Weighed:
    """Weighs the evidence; where it shows a change, finds its exact times, see `_sharper`."""
    unfit = [_unfit(s.quality, rules) for s in track.sightings]
    fit = [i for i, fault in enumerate(unfit) if fault is None]
    judged, steps = _looked_at(track, evidence, fit, fitted, _needed(media, rules))
    lrs = _lrs(track, evidence, judged, steps)
    why_not = _why_not(unfit, fit, bool(steps), media, rules)
    lines = shown = list(dict.fromkeys(line for step in steps for line in step.lines))
    totals, spans = _totals(track, evidence, judged, () if why_not else steps)
    held = _held(track, evidence, lines, lrs)
    telling = {i: lr for i, lr in lrs.items() if i not in held} or lrs
    if totals[-1] >= rules.changed:
        inexact = held or len(judged) < len(fit)
        if inexact and (sharper := _sharper(track, evidence, fit, fitted, rules)):
            spans, elsewhere, exact = sharper
            shown = list(dict.fromkeys([*lines, *exact]))
            if held:
                lrs = telling = dict(sorted({**elsewhere, **telling}.items()))
        telling = _within(spans, track, telling) or telling
    return _Weighed(len(fit), why_not, steps, lines, totals, spans, lrs, telling, shown)


def _held(
    track: Track, evidence: Evidence, lines: Sequence[str], lrs: Iterable[int]
) -> frozenset[int]:
    """Returns those sightings, by index, whose score a line took over from another moment."""
    times = {r.time for name in lines for r in evidence[name].readings if r.held}
    return frozenset(i for i in lrs if track.sightings[i].time in times)


def _sharper(
    track: Track,
    evidence: Evidence,
    fit: Sequence[int],
    fitted: Sequence[Calibration],
    rules: Rules,
) -> tuple[tuple[Span, ...], dict[int, float], tuple[str, ...]] | None:
    """Finds more exact times of a change.

    Asks the lines that look everywhere first, then those that look at moments of their choice; the
    first that see the change give the times.

    Returns:
        The spans, the LR of each sighting on its own, and the lines; None where such lines see no
            change.
    """
    moments = {
        name: said for name, said in evidence.items() if not any(r.held for r in said.readings)
    }
    for there in ({name: said for name, said in moments.items() if not said.sampled}, moments):
        judged, steps = _looked_at(track, there, fit, fitted, rules.sightings)
        totals, spans = _totals(track, there, judged, steps)
        if totals[-1] >= rules.changed:
            return spans, _lrs(track, there, judged, steps), steps[-1].lines
    return None


def _showing(evidence: Evidence, weighed: Sequence[str]) -> list[TrackEvidence]:
    """Returns evidence whose heatmaps are worth showing.

    That of the lines that weighed, the strongest first, then that of the lines they stand in for.
    """
    behind = [name for line in weighed for name in evidence[line].instead_of if name in evidence]
    return [evidence[name] for name in (*weighed, *behind)]


def log10_lrs(
    track: Track, evidence: Evidence, calibrated: Sequence[Calibration], rules: Rules = Rules()
) -> list[TimedLR]:
    """Returns the LR of each sighting of a track that is good enough to be judged, on its own.

    Empty where no line can weigh.
    """
    fit = [i for i, s in enumerate(track.sightings) if _unfit(s.quality, rules) is None]
    judged, steps = _looked_at(track, evidence, fit, calibrated, 1)
    lrs = _lrs(track, evidence, judged, steps)
    return [TimedLR(track.sightings[i].time, lr) for i, lr in lrs.items()]


def _looked_at(
    track: Track,
    evidence: Evidence,
    fit: Sequence[int],
    calibrated: Sequence[Calibration],
    needed: int,
) -> tuple[list[int], tuple[Calibration, ...]]:
    """Returns the sightings that count, by index, and the calibrations that weigh them.

    See `chain` for these. The sightings are those that a line chose to look at, if these are
    enough. They are all that are fit if there is no such line, or if other lines separate the
    classes better.
    """
    for name, said in evidence.items():
        times = {reading.time for reading in said.readings} if said.sampled else set()
        chosen = [i for i in fit if track.sightings[i].time in times]
        if not chosen or len(chosen) < needed:
            continue
        beside = {n: other for n, other in evidence.items() if n not in said.instead_of}
        steps = _steps(track, beside, chosen, calibrated)
        whole = _steps(
            track, {n: other for n, other in beside.items() if n != name}, fit, calibrated
        )
        if steps and (not whole or steps[-1].separation > whole[-1].separation):
            return chosen, steps
    return list(fit), _steps(track, evidence, fit, calibrated)


def _steps(
    track: Track, evidence: Evidence, judged: Sequence[int], calibrated: Sequence[Calibration]
) -> tuple[Calibration, ...]:
    """Returns `chain` of the lines that can weigh on a track.

    A line can if it ran and read every sighting that is good enough to be judged.
    """
    times = {track.sightings[i].time for i in judged}
    read = [
        n
        for n, t in evidence.items()
        if t.status is Status.RAN and times <= {reading.time for reading in t.readings}
    ]
    return chain(calibrated, read)


def _totals(
    track: Track, evidence: Evidence, judged: Sequence[int], steps: Sequence[Calibration]
) -> tuple[list[float], tuple[Span, ...]]:
    """Returns the track's log10 LR after each step, and the spans of the last step.

    The first value, by no line, is 0.
    """
    times = np.array([track.sightings[i].time for i in judged])
    totals: list[float] = [0.0]
    spans: tuple[Span, ...] = ()
    for step in steps:
        total, spans = combine(times, _known(track, evidence, judged, step), step)
        totals.append(total)
    return totals, spans


def _lrs(
    track: Track, evidence: Evidence, judged: Sequence[int], steps: Sequence[Calibration]
) -> dict[int, float]:
    """Returns log10 LR of each judged sighting alone, by its index, from all lines that weigh."""
    if not steps:
        return {}
    known = _known(track, evidence, judged, steps[-1])
    return {i: steps[-1].any_kind(float(lr)) for i, lr in zip(judged, known, strict=True)}


def _known(
    track: Track, evidence: Evidence, judged: Sequence[int], calibration: Calibration
) -> NDArray[np.float64]:
    """Returns `Calibration.known` of each judged sighting, ``(len(judged),)``."""
    scores = {
        line: {reading.time: reading.score for reading in evidence[line].readings}
        for line in calibration.lines
    }
    seen = [track.sightings[i] for i in judged]
    return np.array(
        [
            calibration.known({line: at[s.time] for line, at in scores.items()}, s.quality)
            for s in seen
        ],
        np.float64,
    )


def _unfit(quality: Quality, rules: Rules) -> Message | None:
    faults = (
        (quality.size_px < rules.size_px, Message("fault.small", {"width": rules.size_px})),
        (quality.yaw > rules.yaw, Message("fault.aside")),
        (quality.echo > rules.echo, Message("fault.ghosted")),
        (quality.sharpness < rules.sharpness, Message("fault.blurred")),
        (quality.detail_px < rules.detail_px, Message("fault.coarse", {"width": rules.detail_px})),
        (quality.blockiness > rules.blockiness, Message("fault.compressed")),
    )
    return next((fault for there, fault in faults if there), None)


def _needed(media: MediaFacts, rules: Rules) -> int:
    return rules.sightings if media.kind is Kind.VIDEO and media.frames >= rules.sightings else 1


def _why_not(
    unfit: Sequence[Message | None],
    judged: Sequence[int],
    weighed: bool,
    media: MediaFacts,
    rules: Rules,
) -> Message | None:
    if not weighed:
        return Message("why.no_line")
    needed = _needed(media, rules)
    if len(judged) >= needed:
        return None
    seen: dict[str, Value] = {"count": len(judged), "needed": needed}
    faults = tuple(
        fault for fault, _ in Counter(fault for fault in unfit if fault is not None).most_common()
    )
    if not faults:
        return Message("why.seldom", seen)
    return (
        Message("why.mostly_unfit", {"faults": faults, **seen})
        if judged
        else Message("why.unfit", {"faults": faults})
    )


def _answer(
    total: float, spans: tuple[Span, ...], why_not: Message | None, media: MediaFacts, rules: Rules
) -> tuple[Verdict, Message]:
    if why_not is not None:
        return Verdict.CANNOT_TELL, Message("face.unjudged", {"why": why_not})
    if total >= rules.changed:
        strength: dict[str, Value] = {"log10_lr": total}
        if media.kind is Kind.VIDEO and spans:
            return Verdict.CHANGED, Message(
                "face.changed_when", {**strength, "spans": _spans(spans)}
            )
        return Verdict.CHANGED, Message("face.changed", strength)
    if total <= rules.no_change:
        return Verdict.NO_CHANGE_FOUND, Message("face.no_change")
    return Verdict.CANNOT_TELL, Message("face.weak")


def _spans(spans: Sequence[Span]) -> tuple[Message, ...]:
    return tuple(Message("span", {"start": s.start, "end": s.end}) for s in spans)


def _result(said: TrackEvidence, log10_lr: float | None) -> LineResult:
    rounded = None if log10_lr is None else _rounded(log10_lr)
    return LineResult(said.status, said.summary, said.score, rounded, said.pictures)


def _rounded(log10_lr: float) -> float:
    return round(log10_lr, 3) + 0.0  # never -0.0


def _median(qualities: Sequence[Quality]) -> Quality:
    values = np.median([astuple(q) for q in qualities], axis=0)
    return Quality(*(float(v) for v in values))


def _within(spans: Sequence[Span], track: Track, lrs: Mapping[int, float]) -> dict[int, float]:
    """Keeps the sightings inside the changed spans; reactions elsewhere are chance."""
    return {
        i: lr
        for i, lr in lrs.items()
        if any(s.start <= track.sightings[i].time <= s.end for s in spans)
    }


def _telling(
    track: Track,
    weighed: Sequence[TrackEvidence],
    lrs: Mapping[int, float],
    verdict: Verdict,
    at_most: int = 4,
) -> tuple[TellingFrame, ...]:
    """Selects the sightings that speak most for the verdict, at least a twelfth of the track apart.

    For `changed`, none that speaks against a change. Each has the heatmap of the strongest line
    with one.
    """
    apart = (track.sightings[-1].time - track.sightings[0].time) / 12
    sign = -1 if verdict is Verdict.NO_CHANGE_FOUND else 1
    telling = [i for i, lr in lrs.items() if verdict is not Verdict.CHANGED or lr > 0]
    order = sorted(telling, key=lambda i: -sign * lrs[i]) or list(range(len(track.sightings)))
    chosen: list[int] = []
    for i in order:
        if all(abs(track.sightings[i].time - track.sightings[j].time) > apart for j in chosen):
            chosen.append(i)
    maps = {
        r.time: r.heatmap
        for said in reversed(weighed)
        for r in said.readings
        if r.heatmap is not None
    }
    return tuple(
        TellingFrame(
            s.time, lrs.get(i), s.crop, s.face.box, maps.get(s.time), outline(s.face.points)
        )
        for i in chosen[:at_most]
        for s in (track.sightings[i],)
    )


def together(people: Sequence[Person], rules: Rules = Rules()) -> tuple[Person, ...]:
    """Corrects the verdicts of one file for the number of its people.

    At most one of them is taken to be changed, each as likely; so one person in a crowd is changed
    only if the file is. A person stays `changed` only if the LR divided by the number of people
    reaches the bound. Otherwise the answer becomes `cannot tell`; the reason and the lines keep
    what was measured.
    """
    count = sum(_measured(p) is not None for p in people)
    least = rules.changed + float(np.log10(max(1, count)))
    return tuple(_doubted(p, count) if _is_chance(p, least) else p for p in people)


def under_licences(people: Sequence[Person], case: Case) -> tuple[Person, ...]:
    """Adds to the people of one file the licences that reach them.

    A change that a licence allows becomes `licensed change`. A change that is only declared counts
    too, but only where a licence allows it: without one a declaration makes nobody changed, because
    anybody can declare anything. The measurements stay.
    """
    changed = [p for p in people if p.verdict is Verdict.CHANGED]
    declared = case.declared is not None and case.declared.ai
    meant = {p.id for p in changed or (people if declared else ())}
    tracks = {track.id: track for track in case.tracks}
    return tuple(
        _under_licence(p, reaching(tracks[p.id], case, alone=len(meant) == 1), declared)
        if p.id in meant
        else p
        for p in people
    )


def _under_licence(person: Person, licences: tuple[HeldLicence, ...], declared: bool) -> Person:
    measured = person.verdict is Verdict.CHANGED
    allowed = next((one for one in licences if one.puts_in and one.refused is None), None)
    if allowed is not None and (measured or declared):
        values: dict[str, Value] = {
            "subject": allowed.subject,
            "licensee": allowed.licensee,
            "moment": allowed.until,
        }
        reason = (
            Message("face.licensed", values)
            if measured
            else Message("face.licensed_declared", values)
        )
        basis = Basis.MEASURED if measured else Basis.DECLARED
        return replace(
            person,
            verdict=Verdict.LICENSED_CHANGE,
            reason=reason,
            spans=(),
            basis=basis,
            licences=licences,
        )
    refused = [one.refused for one in licences if one.refused is not None]
    if measured and refused:
        reason = Message("face.unlicensed", {"log10_lr": person.log10_lr or 0.0, "why": refused[0]})
        return replace(person, reason=reason, licences=licences)
    return replace(person, licences=licences)


def _is_chance(person: Person, least: float) -> bool:
    return (
        person.verdict is Verdict.CHANGED
        and person.log10_lr is not None
        and person.log10_lr < least
    )


def _doubted(person: Person, count: int) -> Person:
    reason = Message("face.one_of_many", {"log10_lr": person.log10_lr or 0.0, "faces": count})
    return replace(
        person, verdict=Verdict.CANNOT_TELL, reason=reason, log10_lr=None, spans=(), basis=None
    )


def _measured(person: Person) -> float | None:
    """Returns log10 LR of a person who was judged, even where it was too weak for an answer."""
    moved = [line.log10_lr for line in person.lines.values() if line.log10_lr is not None]
    return person.log10_lr if person.log10_lr is not None else sum(moved) if moved else None


def _mean(people: Sequence[Person]) -> float | None:
    """Returns log10 of the mean LR of the people judged.

    It is the file's LR if at most one of them is changed, each as likely.
    """
    lrs = [lr for p in people if (lr := _measured(p)) is not None]
    return _rounded(float(np.log10(np.mean(np.power(10.0, lrs))))) if lrs else None


def of_file(
    people: Sequence[Person], media: MediaFacts, rules: Rules = Rules(), damaged: bool = False
) -> tuple[Verdict, Message, float | None]:
    """Returns the verdict on a file, the reason for it, and the log10 of its people's mean LR.

    See `together` for the mean. One changed face makes the file changed. A person who could not be
    judged makes it `cannot tell`, unless another person could be judged and the only fault is that
    this one is a small face in the background; the reason names them.
    """
    if not people:
        return Verdict.CANNOT_TELL, _nobody(media, damaged), None
    mean = _mean(people)
    if changed := [p for p in people if p.verdict is Verdict.CHANGED]:
        why = next(
            (p.reason.values["why"] for p in changed if p.reason.code == "face.unlicensed"), None
        )
        unlicensed = Message("but.unlicensed", {"why": why}) if why is not None else None
        return Verdict.CHANGED, _but(_changed(changed), unlicensed), mean
    untold = [p for p in people if p.verdict is Verdict.CANNOT_TELL]
    told = [p for p in people if p.verdict is not Verdict.CANNOT_TELL]
    if told and all(_in_background(p, media, rules) for p in untold):
        small = _counted(Message("but.small", _named(untold)), untold, people) if untold else None
        if licensed := [p for p in told if p.verdict is Verdict.LICENSED_CHANGE]:
            return (
                Verdict.LICENSED_CHANGE,
                _but(Message("file.licensed", _named(licensed)), small),
                mean,
            )
        return Verdict.NO_CHANGE_FOUND, _but(Message("file.no_change", _named(told)), small), mean
    if len(people) == 1:
        return Verdict.CANNOT_TELL, people[0].reason, None
    clear = Message("but.no_change", _named(told)) if told else None
    return (
        Verdict.CANNOT_TELL,
        _but(_counted(Message("file.untold", _named(untold)), untold, people), clear),
        None,
    )


def _nobody(media: MediaFacts, damaged: bool) -> Message:
    if damaged:
        return Message("file.damaged")
    return (
        Message("file.no_face_photo") if media.kind is Kind.PHOTO else Message("file.no_face_video")
    )


def _in_background(person: Person, media: MediaFacts, rules: Rules) -> bool:
    return person.judged < _needed(media, rules) and person.quality.size_px < rules.size_px


def _changed(people: Sequence[Person]) -> Message:
    if not any(p.spans for p in people):
        return Message("file.changed", _named(people))
    if len(people) == 1:
        return Message("file.changed_when", {**_named(people), "spans": _spans(people[0].spans)})
    each = (
        Message("file.stretches", {"person": p.id, "spans": _spans(p.spans)})
        for p in people
        if p.spans
    )
    return Message("file.changed_each", {**_named(people), "stretches": tuple(each)})


def _named(people: Sequence[Person]) -> dict[str, Value]:
    return {"count": len(people), "people": tuple(p.id for p in people)}


def _counted(
    message: Message, some: Sequence[Person], people: Sequence[Person], named: int = 3
) -> Message:
    """Switches to the code with ``_many``, a count, for more than ``named`` people."""
    if len(some) <= named:
        return message
    return Message(f"{message.code}_many", {"count": len(some), "of": len(people)})


def _but(message: Message, but: Message | None) -> Message:
    """Adds a clause about the other people, under the code with ``_but``."""
    return Message(f"{message.code}_but", {**message.values, "but": but}) if but else message
