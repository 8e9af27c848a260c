"""From what the lines measured to a verdict on each person and on the file, or `cannot tell` with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.likelihood import Calibration, calibrations, combine
from unmask.types import (
    Evidence,
    Kind,
    LineResult,
    MediaFacts,
    Person,
    Quality,
    Reading,
    Sighting,
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
        sharpness: least sharpness, see `Quality`; below it a face is blurred beyond judging.
        yaw: farthest turn aside, see `Quality`; beyond it the five points no longer align the face.
        sightings: of a video, how many frames of a face must be good enough.
    """

    changed: float = 1.0
    no_change: float = 0.0
    size_px: float = 64.0
    sharpness: float = 0.004
    yaw: float = 0.75
    sightings: int = 3


def judge(track: Track, evidence: Sequence[Evidence], media: MediaFacts, rules: Rules = Rules()) -> Person:
    """The verdict on one track.

    Args:
        track: at least one sighting.
        evidence: of every line, each covering this track.
        media: whether one frame is all there is.
        rules: where a verdict begins.
    """
    said = {e.line: next(t for t in e.tracks if t.track_id == track.id) for e in evidence}
    fitted = {n: c for n, c in calibrations().items() if n in said and said[n].status is Status.RAN}
    unfit = [_unfit(s.quality, rules) for s in track.sightings]
    judged = [i for i, reason in enumerate(unfit) if reason is None]
    times = np.array([track.sightings[i].time for i in judged])
    line = next(iter(fitted), None)
    known = _known(said[line].readings, track.sightings, judged, fitted[line]) if line else np.zeros(0)
    lrs = [fitted[line].any_kind(float(k)) for k in known] if line else []
    reason = _why_not(unfit, judged, line, media, rules)
    total: float = 0.0
    spans: tuple[Span, ...] = ()
    if reason is None and line:
        total, spans = combine(times, known, fitted[line], _extent(track))
    verdict, sentence = _answer(total, spans, reason, media, rules)
    return Person(
        id=track.id,
        verdict=verdict,
        reason=sentence,
        log10_lr=None if verdict is Verdict.CANNOT_TELL else round(total, 3),
        spans=spans if verdict is Verdict.CHANGED and media.kind is Kind.VIDEO else (),
        lines={name: _result(said[name], total if name == line and reason is None else None) for name in said},
        timeline=tuple(TimedLR(float(t), v) for t, v in zip(times, lrs, strict=True)),
        first_seen=track.sightings[0].time,
        last_seen=track.sightings[-1].time,
        sightings=len(track.sightings),
        judged=len(judged),
        quality=_median([s.quality for s in track.sightings]),
        frames=_telling(track, said, dict(zip(judged, lrs, strict=True)), verdict),
        thumbnail=max(track.sightings, key=lambda s: s.quality.size_px * (1 - s.quality.yaw)).crop,
    )


def log10_lrs(track: Track, said: TrackEvidence, calibration: Calibration, rules: Rules = Rules()) -> list[TimedLR]:
    """The LR of each sighting of a track that is good enough to be judged, on its own."""
    judged = [i for i, s in enumerate(track.sightings) if _unfit(s.quality, rules) is None]
    known = _known(said.readings, track.sightings, judged, calibration)
    return [
        TimedLR(track.sightings[i].time, calibration.any_kind(float(k))) for i, k in zip(judged, known, strict=True)
    ]


def _known(
    readings: Sequence[Reading], sightings: Sequence[Sighting], judged: Sequence[int], calibration: Calibration
) -> NDArray[np.float64]:
    by_time = {r.time: r.score for r in readings}
    chosen = [sightings[i] for i in judged]
    return np.array([calibration.known(by_time[s.time], s.quality) for s in chosen], dtype=np.float64)


def _unfit(quality: Quality, rules: Rules) -> str | None:
    if quality.size_px < rules.size_px:
        return "too small"
    if quality.yaw > rules.yaw:
        return "turned aside"
    if quality.sharpness < rules.sharpness:
        return "too blurred"
    return None


def _why_not(
    unfit: Sequence[str | None],
    judged: Sequence[int],
    line: str | None,
    media: MediaFacts,
    rules: Rules,
) -> str | None:
    needed = rules.sightings if media.kind is Kind.VIDEO and media.frames >= rules.sightings else 1
    if line is None:
        return "no calibrated line of evidence could be applied"
    if len(judged) >= needed:
        return None
    reasons = [reason for reason in unfit if reason is not None]
    if not reasons:
        return f"it is seen in too few frames ({len(judged)}, and {needed} are needed)"
    most = max(sorted(set(reasons)), key=reasons.count)
    return {
        "too small": f"it is too small (under {rules.size_px:.0f} px wide)",
        "turned aside": "it is turned too far aside",
        "too blurred": "it is too blurred",
    }[most]


def _answer(
    total: float, spans: tuple[Span, ...], why_not: str | None, media: MediaFacts, rules: Rules
) -> tuple[Verdict, str]:
    if why_not is not None:
        return Verdict.CANNOT_TELL, f"This face cannot be judged: {why_not}."
    if total >= rules.changed:
        when = f" {_when(spans)}" if media.kind is Kind.VIDEO and spans else ""
        return Verdict.CHANGED, f"What was measured is {_times(total)} likelier if this face was changed{when}."
    if total <= rules.no_change:
        return Verdict.NO_CHANGE_FOUND, "Nothing that was measured speaks for a change of this face."
    return Verdict.CANNOT_TELL, "What was measured leans towards a change, but too weakly to say so."


def _times(log10_lr: float) -> str:
    lr = 10**log10_lr
    return f"about {lr:.0f} times" if lr < 100 else f"about {round(lr, -len(str(int(lr))) + 2):,.0f} times"


def _when(spans: Sequence[Span]) -> str:
    parts = [f"{clock(s.start)} to {clock(s.end)}" for s in spans[:3]]
    more = f" and {len(spans) - 3} more stretches" if len(spans) > 3 else ""
    return "from " + " and from ".join(parts) + more


def _result(said: TrackEvidence, log10_lr: float | None) -> LineResult:
    rounded = None if log10_lr is None else round(log10_lr, 3)
    return LineResult(said.status, said.summary, said.score, rounded, said.pictures)


def _median(qualities: Sequence[Quality]) -> Quality:
    values = np.median([[q.size_px, q.sharpness, q.yaw, q.blockiness] for q in qualities], axis=0)
    return Quality(*(float(v) for v in values))


def _extent(track: Track) -> tuple[float, float]:
    return track.sightings[0].time, track.sightings[-1].time


def _telling(
    track: Track, said: Mapping[str, TrackEvidence], lrs: Mapping[int, float], verdict: Verdict, at_most: int = 4
) -> tuple[TellingFrame, ...]:
    """The sightings that speak most for the verdict, at least a twelfth of the track apart."""
    first, last = _extent(track)
    apart = (last - first) / 12
    sign = -1 if verdict is Verdict.NO_CHANGE_FOUND else 1
    order = sorted(lrs, key=lambda i: -sign * lrs[i]) or list(range(len(track.sightings)))
    chosen: list[int] = []
    for i in order:
        if all(abs(track.sightings[i].time - track.sightings[j].time) > apart for j in chosen):
            chosen.append(i)
    maps = {r.time: r.heatmap for t in said.values() for r in t.readings if r.heatmap is not None}
    return tuple(
        TellingFrame(s.time, lrs.get(i), s.crop, s.face.box, maps.get(s.time))
        for i in chosen[:at_most]
        for s in (track.sightings[i],)
    )


def of_file(people: Sequence[Person], media: MediaFacts) -> tuple[Verdict, str, float | None]:
    """The verdict on a file, one sentence for it, and its log10 LR: the highest of its people.

    One changed face makes the file changed. A person who could not be judged makes it `cannot tell`, unless there is
    another who could, and the only fault is that this one is a small face in the background; the sentence names them.
    """
    if not people:
        where = "photo" if media.kind is Kind.PHOTO else "video"
        return Verdict.CANNOT_TELL, f"No face was found in this {where}.", None
    lrs = [p.log10_lr for p in people if p.log10_lr is not None]
    if changed := [p for p in people if p.verdict is Verdict.CHANGED]:
        names = _and([_person(p) + (f" {_when(p.spans)}" if p.spans else "") for p in changed])
        return Verdict.CHANGED, f"The face of {names} was probably changed.", max(lrs)
    unjudged = [p for p in people if p.verdict is Verdict.CANNOT_TELL]
    background = [p for p in unjudged if "too small" in p.reason]
    if len(unjudged) == len(background) < len(people):
        rest = f" {_capital(_and([_person(p) for p in background]))} too small to be judged." if background else ""
        rest = rest.replace(" too small", " is too small" if len(background) == 1 else " are too small", 1)
        judged = _and([_person(p) for p in people if p not in unjudged])
        return Verdict.NO_CHANGE_FOUND, f"No change was found in the face of {judged}.{rest}", max(lrs)
    if len(people) == 1:
        return Verdict.CANNOT_TELL, people[0].reason, None
    return Verdict.CANNOT_TELL, f"The face of {_and([_person(p) for p in unjudged])} could not be judged.", None


def _person(person: Person) -> str:
    return f"person {person.id}"


def _and(names: Sequence[str], at_most: int = 5) -> str:
    shown = list(names[:at_most]) + ([f"{len(names) - at_most} more"] if len(names) > at_most else [])
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
