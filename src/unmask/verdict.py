"""From what the lines measured to a verdict on each person and on the file, or `cannot tell` with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask import calibrations
from unmask.faces import outline
from unmask.likelihood import Calibration, chain, combine
from unmask.types import (
    Evidence,
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
    clock,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """Where a verdict begins.

    Attributes:
        changed: least log10 LR of `changed`; an LR of 10 is where ENFSI's verbal scale (2015) says "moderate support".
        no_change: highest log10 LR of `no change found`; between the two the answer is `cannot tell`.
        size_px: least face width, px; a smaller face has lost the traces that are looked for.
        sharpness: least sharpness, see `Quality`; half of the portraits that were blurred by 3 px lie below it.
        yaw: farthest turn aside, see `Quality`; one in twenty portraits is turned further, most of them into half profile.
        blockiness: most blockiness, see `Quality`; JPEG at quality 30 has about 2, H.264 at CRF 40 about 3 to 5.
        sightings: of a video, how many frames of a face must be good enough.
    """

    changed: float = 1.0
    no_change: float = 0.0
    size_px: float = 64.0
    sharpness: float = 0.004
    yaw: float = 0.75
    blockiness: float = 6.0
    sightings: int = 3


def judge(
    track: Track,
    evidence: Evidence,
    media: MediaFacts,
    rules: Rules = Rules(),
    calibrated: Sequence[Calibration] | None = None,
) -> Person:
    """The verdict on one track.

    Args:
        track: at least one sighting.
        evidence: on this track, of every line that was asked.
        media: whether one frame is all there is.
        rules: where a verdict begins.
        calibrated: how the scores of each set of lines become an LR; None for what was shipped.
    """
    unfit = [_unfit(s.quality, rules) for s in track.sightings]
    judged = [i for i, reason in enumerate(unfit) if reason is None]
    steps = _steps(track, evidence, judged, calibrations.load() if calibrated is None else calibrated)
    lrs = _lrs(track, evidence, judged, steps)
    reason = _why_not(unfit, judged, bool(steps), media, rules)
    weighed = list(dict.fromkeys(line for step in steps for line in step.lines))
    totals, spans = _totals(track, evidence, judged, () if reason else steps)
    total = totals[-1]
    moved = dict(zip(weighed, np.diff(totals).tolist(), strict=False))
    verdict, sentence = _answer(total, spans, reason, media, rules)
    return Person(
        id=track.id,
        verdict=verdict,
        reason=sentence,
        log10_lr=None if verdict is Verdict.CANNOT_TELL else _rounded(total),
        spans=spans if verdict is Verdict.CHANGED and media.kind is Kind.VIDEO else (),
        lines={name: _result(evidence[name], moved.get(name)) for name in dict.fromkeys([*weighed, *evidence])},
        timeline=tuple(TimedLR(track.sightings[i].time, lr) for i, lr in lrs.items()),
        first_seen=track.sightings[0].time,
        last_seen=track.sightings[-1].time,
        sightings=len(track.sightings),
        judged=len(judged),
        quality=_median([s.quality for s in track.sightings]),
        frames=_telling(track, [evidence[name] for name in weighed], lrs, verdict),
        thumbnail=max(track.sightings, key=lambda s: s.quality.size_px * (1 - s.quality.yaw)).crop,
        places=tuple(Place(s.time, s.face.box) for s in track.sightings),
    )


def log10_lrs(
    track: Track, evidence: Evidence, calibrated: Sequence[Calibration], rules: Rules = Rules()
) -> list[TimedLR]:
    """The LR of each sighting of a track that is good enough to be judged, on its own; none where no line can weigh."""
    judged = [i for i, s in enumerate(track.sightings) if _unfit(s.quality, rules) is None]
    lrs = _lrs(track, evidence, judged, _steps(track, evidence, judged, calibrated))
    return [TimedLR(track.sightings[i].time, lr) for i, lr in lrs.items()]


def _steps(
    track: Track, evidence: Evidence, judged: Sequence[int], calibrated: Sequence[Calibration]
) -> tuple[Calibration, ...]:
    """See `chain`. A line weighs on a track if it ran and read every sighting that is good enough to be judged."""
    times = {track.sightings[i].time for i in judged}
    read = [
        n for n, t in evidence.items() if t.status is Status.RAN and times <= {reading.time for reading in t.readings}
    ]
    return chain(calibrated, read)


def _totals(
    track: Track, evidence: Evidence, judged: Sequence[int], steps: Sequence[Calibration]
) -> tuple[list[float], tuple[Span, ...]]:
    """log10 LR of the track by no line, which is 0, and by the lines of each step; and the spans of the last step."""
    times = np.array([track.sightings[i].time for i in judged])
    totals: list[float] = [0.0]
    spans: tuple[Span, ...] = ()
    for step in steps:
        total, spans = combine(times, _known(track, evidence, judged, step), step)
        totals.append(total)
    return totals, spans


def _lrs(track: Track, evidence: Evidence, judged: Sequence[int], steps: Sequence[Calibration]) -> dict[int, float]:
    """log10 LR of each judged sighting on its own, by its index; by all the lines that weigh."""
    if not steps:
        return {}
    known = _known(track, evidence, judged, steps[-1])
    return {i: steps[-1].any_kind(float(lr)) for i, lr in zip(judged, known, strict=True)}


def _known(track: Track, evidence: Evidence, judged: Sequence[int], calibration: Calibration) -> NDArray[np.float64]:
    """`Calibration.known` of each judged sighting, ``(len(judged),)``."""
    scores = {line: {reading.time: reading.score for reading in evidence[line].readings} for line in calibration.lines}
    seen = [track.sightings[i] for i in judged]
    return np.array(
        [calibration.known({line: at[s.time] for line, at in scores.items()}, s.quality) for s in seen], np.float64
    )


def _unfit(quality: Quality, rules: Rules) -> str | None:
    if quality.size_px < rules.size_px:
        return "too small"
    if quality.yaw > rules.yaw:
        return "turned aside"
    if quality.sharpness < rules.sharpness:
        return "too blurred"
    if quality.blockiness > rules.blockiness:
        return "too heavily compressed"
    return None


def _needed(media: MediaFacts, rules: Rules) -> int:
    return rules.sightings if media.kind is Kind.VIDEO and media.frames >= rules.sightings else 1


def _why_not(
    unfit: Sequence[str | None],
    judged: Sequence[int],
    weighed: bool,
    media: MediaFacts,
    rules: Rules,
) -> str | None:
    if not weighed:
        return "no calibrated line of evidence could be applied"
    needed = _needed(media, rules)
    if len(judged) >= needed:
        return None
    faults = Counter(fault for fault in unfit if fault is not None)
    frames = "1 frame" if len(judged) == 1 else f"{len(judged)} frames"
    if not faults:
        return f"it is seen in only {frames}, and {needed} are needed"
    words = {
        "too small": f"too small (under {rules.size_px:.0f} px wide)",
        "turned aside": "turned too far aside",
    }
    found = _and([words.get(fault, fault) for fault, _ in faults.most_common()], "or")
    return f"it is {found}" + (f" in all but {frames}, and {needed} are needed" if judged else "")


def _answer(
    total: float, spans: tuple[Span, ...], why_not: str | None, media: MediaFacts, rules: Rules
) -> tuple[Verdict, str]:
    if why_not is not None:
        return Verdict.CANNOT_TELL, f"This face cannot be judged: {why_not}."
    if total >= rules.changed:
        when = f"; the signs appear {_when(spans)}" if media.kind is Kind.VIDEO and spans else ""
        likelier = f"What was measured is {_times(total)} likelier if this face was changed than if it was not"
        return Verdict.CHANGED, f"{likelier}{when}."
    if total <= rules.no_change:
        return Verdict.NO_CHANGE_FOUND, "What was measured does not speak for a change of this face."
    return Verdict.CANNOT_TELL, "What was measured leans towards a change of this face, but too weakly to say so."


def _times(log10_lr: float) -> str:
    lr = 10**log10_lr
    return f"about {lr:.0f} times" if lr < 100 else f"about {round(lr, 1 - int(np.log10(lr))):,.0f} times"


def _when(spans: Sequence[Span]) -> str:
    return _and([f"from {clock(s.start)} to {clock(s.end)}" for s in spans], at_most=3, more="{} more times")


def _result(said: TrackEvidence, log10_lr: float | None) -> LineResult:
    rounded = None if log10_lr is None else _rounded(log10_lr)
    return LineResult(said.status, said.summary, said.score, rounded, said.pictures)


def _rounded(log10_lr: float) -> float:
    return round(log10_lr, 3) + 0.0  # never -0.0


def _median(qualities: Sequence[Quality]) -> Quality:
    values = np.median([[q.size_px, q.sharpness, q.yaw, q.blockiness] for q in qualities], axis=0)
    return Quality(*(float(v) for v in values))


def _telling(
    track: Track, weighed: Sequence[TrackEvidence], lrs: Mapping[int, float], verdict: Verdict, at_most: int = 4
) -> tuple[TellingFrame, ...]:
    """The sightings that speak most for the verdict, at least a twelfth of the track apart; none that speaks against a change.

    Each with the heatmap of the strongest line that has one.
    """
    apart = (track.sightings[-1].time - track.sightings[0].time) / 12
    sign = -1 if verdict is Verdict.NO_CHANGE_FOUND else 1
    telling = [i for i, lr in lrs.items() if verdict is not Verdict.CHANGED or lr > 0]
    order = sorted(telling, key=lambda i: -sign * lrs[i]) or list(range(len(track.sightings)))
    chosen: list[int] = []
    for i in order:
        if all(abs(track.sightings[i].time - track.sightings[j].time) > apart for j in chosen):
            chosen.append(i)
    maps = {r.time: r.heatmap for said in reversed(weighed) for r in said.readings if r.heatmap is not None}
    return tuple(
        TellingFrame(s.time, lrs.get(i), s.crop, s.face.box, maps.get(s.time), outline(s.face.points))
        for i in chosen[:at_most]
        for s in (track.sightings[i],)
    )


def of_file(
    people: Sequence[Person], media: MediaFacts, rules: Rules = Rules(), damaged: bool = False
) -> tuple[Verdict, str, float | None]:
    """The verdict on a file, one sentence for it, and its log10 LR: the highest of its people.

    One changed face makes the file changed. A person who could not be judged makes it `cannot tell`, unless there is
    another who could, and the only fault is that this one is a small face in the background; the sentence names them.
    """
    if not people:
        return Verdict.CANNOT_TELL, _nobody(media, damaged), None
    highest = max((p.log10_lr for p in people if p.log10_lr is not None), default=None)
    if changed := [p for p in people if p.verdict is Verdict.CHANGED]:
        return Verdict.CHANGED, _changed(changed), highest
    untold = [p for p in people if p.verdict is Verdict.CANNOT_TELL]
    told = [p for p in people if p.verdict is not Verdict.CANNOT_TELL]
    if told and all(_in_background(p, media, rules) for p in untold):
        small = f"; {_persons(untold)} {_for(untold, 'is', 'are')} too small to be judged" if untold else ""
        if licensed := [p for p in told if p.verdict is Verdict.LICENSED_CHANGE]:
            return Verdict.LICENSED_CHANGE, f"A licence allows the change of {_faces(licensed)}{small}.", highest
        return Verdict.NO_CHANGE_FOUND, f"No change was found in {_faces(told)}{small}.", highest
    if len(people) == 1:
        return Verdict.CANNOT_TELL, people[0].reason, None
    rest = f"; no change was found in {_faces(told)}" if told else ""
    return (
        Verdict.CANNOT_TELL,
        f"It cannot be told whether {_faces(untold)} {_for(untold, 'was', 'were')} changed{rest}.",
        None,
    )


def _nobody(media: MediaFacts, damaged: bool) -> str:
    if damaged:
        return "This video is damaged, and its intact pictures show no face."
    return f"No face was found in this {'photo' if media.kind is Kind.PHOTO else 'video'}."


def _in_background(person: Person, media: MediaFacts, rules: Rules) -> bool:
    return person.judged < _needed(media, rules) and person.quality.size_px < rules.size_px


def _changed(people: Sequence[Person]) -> str:
    finding = f"{_capital(_faces(people))} {_for(people, 'shows', 'show')} signs of a change"
    if len(people) == 1:
        return f"{finding} {_when(people[0].spans)}." if people[0].spans else f"{finding}."
    when = "; ".join(_listed([f"person {p.id} {_when(p.spans)}" for p in people if p.spans]))
    return f"{finding}: {when}." if when else f"{finding}."


def _faces(people: Sequence[Person]) -> str:
    return f"the {_for(people, 'face', 'faces')} of {_persons(people)}"


def _persons(people: Sequence[Person]) -> str:
    return f"{_for(people, 'person', 'persons')} {_and([str(p.id) for p in people])}"


def _for(people: Sequence[Person], one: str, many: str) -> str:
    return one if len(people) == 1 else many


def _and(names: Sequence[str], word: str = "and", at_most: int = 5, more: str = "{} more") -> str:
    """Names as a sentence lists them: ``1, 2 and 3``."""
    *some, last = _listed(names, at_most, more)
    return f"{', '.join(some)} {word} {last}" if some else last


def _listed(names: Sequence[str], at_most: int = 5, more: str = "{} more") -> list[str]:
    """The names, but those past ``at_most`` counted where they are more than one."""
    over = len(names) - at_most
    return list(names) if over < 2 else [*names[:at_most], more.format(over)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
