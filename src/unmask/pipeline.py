"""check(): all stages from a file to a verdict. No other file knows their order."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

from unmask import calibrations, evidence, likelihood, limits, originals, takes, verdict
from unmask.custody import custody
from unmask.errors import UnsupportedMedia, UsageError
from unmask.faces import SeenFrame, Watcher, is_cut, link
from unmask.media import Bounds, Clip, ahead, labels, open_media, recorded
from unmask.messages import Message
from unmask.types import (
    Case,
    CheckResult,
    Declared,
    Evidence,
    Frame,
    Glimpse,
    Kind,
    Match,
    Original,
    Seal,
    TimedLR,
    Track,
)

Progress = Callable[[str, float], None]
"""Callback that receives the name of the current step and the share of it that is done, 0 to 1."""

See = Callable[[Frame], None]
"""Callback that receives a frame; it may keep it, but not change it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a check.

    Attributes:
        every: seconds between frames looked at; wider where ``frames`` would not suffice.
        frames: most frames looked at, evenly spaced.
        closer: seconds between frames where a face is suspicious.
        closer_frames: most frames looked at there.
        lines: lines of evidence to ask; all of them if empty.
        models: folder of models to add as lines, see `unmask.classifiers`; its calibration, if any,
            replaces the shipped one.
        originals: folder or ``postgresql://`` address of an index of known originals; None for
            none.
        prior: base rate of changed faces among such files, 0 to 1 exclusive, for the posterior;
            None for no posterior.
        debug: whether the exception of a line of evidence that crashes is raised.
        licences: folder of licences, keys and trusted authorities, see `unmask.licences.register`;
            None for none.
        start, end: stretch of a video that is looked at, seconds; None for its end.
    """

    every: float = 0.5
    frames: int = 600
    closer: float = 0.1
    closer_frames: int = 200
    lines: tuple[str, ...] = ()
    models: Path | None = None
    originals: str | None = None
    prior: float | None = None
    debug: bool = False
    licences: Path | None = None
    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise UsageError("a stretch begins at 0 seconds or later and ends after it begins")
        if not (
            self.every > 0 and self.closer > 0 and self.frames >= 1 and self.closer_frames >= 0
        ):
            raise UsageError(
                "the spacing of frames must be above 0 seconds, and their number at least 1"
            )
        if self.prior is not None and not 0 < self.prior < 1:
            raise UsageError(
                f"a prior is a base rate between 0 and 1, both excluded, not {self.prior:g}"
            )


SUSPICIOUS = 0.2
"""log10 LR of a single sighting from which the frames around it are looked at more closely."""

LOOKS = 8
"""Least number of frames looked at, however short the clip is.

The frames around a face with fewer than half as many sightings are looked at more closely.
"""

GLIMPSED = 1.0
"""Mean seconds between looks up to which pictures from between them are kept: 75 kB a second."""

MOST_CROPS = 2400
"""Most faces kept for one file, all frames together: 710 MB of crops, eyes and close-ups.

The smallest faces of a frame are dropped first.
"""

SIGNED = (Seal.INTACT, Seal.CHANGED, Seal.BROKEN)
"""Seals of a file that holds content credentials which can be read."""

MOST_BRIEF = 20
"""Most faces judged, the largest first, where none was seen in more than one frame."""


def check(
    path: str | os.PathLike[str] | Clip,
    settings: Settings = Settings(),
    progress: Progress = lambda _what, _done: None,
    bounds: Bounds = Bounds(),
    see: See = lambda _frame: None,
) -> CheckResult:
    """Tells whether faces in a photo or video were changed by software, per person, with reasons.

    Args:
        path: path of the photo or video, or one that was opened already.
        settings: settings of the check.
        progress: receives how far it is.
        bounds: bounds on the cost of the file.
        see: receives every frame of the first look at the whole file, in order of time.

    Raises:
        MediaError: the file cannot be judged: missing, unsupported, broken or too large.
        UsageError: a line of evidence that does not exist, or an added model or a folder of
            licences that cannot be used.
        LicenceError: a key or authority in that folder cannot be read.
        OriginalsError: the index of known originals cannot be read.
        WeightsError: this installation is damaged, or a model has changed since it was calibrated.
    """
    lines = evidence.chosen(settings.lines, settings.models)
    calibrated = calibrations.load(settings.models)
    clip = path if isinstance(path, Clip) else open_media(path, bounds)
    plan = _plan(clip, settings)
    case, seen, matches, brief = _follow(clip, plan, settings, lines, calibrated, progress, see)
    said = evidence.examine(case, lines, settings.debug)
    progress("looking", 1.0)
    people = verdict.together(
        [verdict.judge(t, said[t.id], clip.facts, calibrated=calibrated) for t in case.tracks]
    )
    people = verdict.under_licences(people, case)
    damage, said_of_itself = clip.damage(), recorded(clip.facts, bounds)
    answer, reason, log10_lr = verdict.of_file(people, clip.facts, damaged=bool(damage))
    return CheckResult(
        path=clip.facts.path,
        sha256=clip.facts.sha256,
        verdict=answer,
        reason=reason,
        log10_lr=log10_lr,
        people=people,
        media=clip.facts,
        custody=custody(asdict(settings), len(seen), said_of_itself),
        prior=settings.prior,
        posterior=_posterior(settings.prior, log10_lr),
        limits=(
            *limits.of_models(lines, settings.models),
            *limits.of_licences(people, case.declared),
            *limits.of_stripped(case.stripped),
            *limits.of_recording(said_of_itself),
            *limits.of_stretch(clip.facts, *plan.stretch),
            *limits.of_check(
                clip.facts, plan.times, plan.every, seen, people, brief, damage, clip.interlaced()
            ),
        ),
        matches=matches or (),
        damage=damage,
        declared=case.declared,
        stripped=case.stripped,
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """Moments at which a clip is looked at.

    Attributes:
        stretch: start and end, seconds, of what is looked at.
        every: seconds between the moments that were asked for; they are wider apart in long film.
        times: the moments.
        at_most: most faces kept per frame.
    """

    stretch: tuple[float, float]
    every: float
    times: Sequence[float]
    at_most: int

    def apart(self) -> float:
        """Returns the mean time between the moments, s."""
        return (self.stretch[1] - self.stretch[0]) / max(1, len(self.times))

    def within(self, times: Iterable[float]) -> set[float]:
        """Returns those times that lie in the stretch."""
        start, end = self.stretch
        return {time for time in times if start <= time <= end}


def _plan(clip: Clip, settings: Settings) -> _Plan:
    start, end = stretch = _stretch(clip, settings)
    every = min(settings.every, (end - start) / LOOKS) or settings.every
    times = clip.times_between(start, end, every, settings.frames)
    at_most = max(3, min(32, MOST_CROPS // (len(times) + settings.closer_frames)))
    return _Plan(stretch, every, times, at_most)


def _follow(
    clip: Clip,
    plan: _Plan,
    settings: Settings,
    lines: evidence.Lines,
    calibrated: Sequence[likelihood.Calibration],
    progress: Progress,
    see: See,
) -> tuple[Case, list[SeenFrame], tuple[Match, ...] | None, int]:
    """Finds and follows the faces, more closely where they lean towards a change.

    Returns:
        The case to judge, the frames looked at, the matches with known originals, and the number
        of faces too brief to be judged.
    """
    matches = _matches(clip, settings.originals, lambda done: progress("matching", 0.4 * done))
    first = 0.0 if matches is None else 0.4
    wanted = sorted({*plan.times, *plan.within(_compared(matches))})
    glimpses: list[Glimpse] = []
    looks = _look(
        clip,
        wanted,
        plan.at_most,
        lambda done: progress("looking", first + (0.8 - first) * done),
        see,
        glimpses if plan.apart() <= GLIMPSED else None,
    )
    seen, cuts = [look for look, _ in looks], _cuts(clip, looks, glimpses)
    tracks = link(seen, cuts=cuts)
    case = Case(clip.facts, _kept(tracks), matches)
    said = evidence.examine(case, evidence.guiding(lines), settings.debug)
    leaning = _leaning(case, said, calibrated)
    matches = _compared_closer(clip, matches, leaning, settings, plan.stretch)
    if more := _closer_times(
        clip, case, matches, leaning, settings, plan, {frame.time for frame in seen}
    ):
        closer = _look(
            clip, more, plan.at_most, lambda done: progress("looking closer", 0.8 + 0.2 * done)
        )
        seen = sorted([*seen, *(look for look, _ in closer)], key=lambda frame: frame.time)
        tracks = link(seen, cuts=cuts)
        case = Case(clip.facts, _kept(tracks), matches)
    declared = _declared(clip, settings.licences)
    stripped = _stripped(clip, matches or (), declared)
    cuts = _all_cuts(looks, cuts)
    case = replace(case, declared=declared, stripped=stripped, cuts=cuts)
    return case, seen, matches, len(tracks) - len(case.tracks)


def _compared(matches: Sequence[Match] | None) -> set[float]:
    """Returns the times at which the matches were compared with their originals."""
    return {pair.time for match in matches or () for pair in match.pairs}


def register(
    path: str | os.PathLike[str],
    store: originals.Store,
    title: str | None,
    owner: str,
    progress: Progress = lambda _what, _done: None,
    bounds: Bounds = Bounds(),
) -> tuple[Original, ...]:
    """Registers a photo or video as a known original; see `unmask.originals.register`.

    Raises:
        MediaError: the file cannot be read, or not to its end; what was read stays registered.
        LicenceError: it was removed meanwhile.
        OriginalsError: the store cannot be written.
    """
    from unmask.licences import manifest

    clip = open_media(path, bounds)
    return originals.register(
        clip,
        store,
        title,
        owner,
        lambda done: progress("registering", done),
        credentials=manifest.of(clip.facts.path),
    )


def match(
    path: str | os.PathLike[str],
    known: originals.Known,
    progress: Progress = lambda _what, _done: None,
    bounds: Bounds = Bounds(),
) -> tuple[Match, ...]:
    """Finds the stretches of known originals that a photo or video shows.

    See `unmask.originals.Known.find`.

    Raises:
        MediaError, OriginalsError: the file or the index cannot be read.
    """
    return known.find(open_media(path, bounds), lambda done: progress("matching", done))


def _stretch(clip: Clip, settings: Settings) -> tuple[float, float]:
    """Returns the seconds that are looked at: all of a photo, the asked stretch of a video."""
    facts = clip.facts
    if facts.kind is Kind.PHOTO:
        return 0.0, facts.duration
    if settings.start >= facts.duration > 0:
        asked = {"time": settings.start, "end": facts.duration}
        raise UnsupportedMedia(
            facts.path, Message("media.no_stretch", asked), Message("way.stretch")
        )
    return settings.start, min(facts.duration, math.inf if settings.end is None else settings.end)


def _matches(
    clip: Clip, where: str | None, progress: Callable[[float], None]
) -> tuple[Match, ...] | None:
    if where is None:
        return None
    with originals.open_index(where) as known:
        return known.find(clip, progress)


def _declared(clip: Clip, folder: Path | None) -> Declared | None:
    if folder is None:
        return None
    from unmask.licences.register import declared

    return declared(clip.facts.path, clip.facts.sha256, labels(clip.facts.path), folder)


def _stripped(
    clip: Clip, matches: Sequence[Match], declared: Declared | None
) -> tuple[Original, ...]:
    """Returns the matched originals that carried content credentials, if this file has none."""
    from unmask.licences import manifest

    signed = {
        original.sha256: original
        for match in matches
        for original in match.originals
        if original.seal in SIGNED
    }
    if not signed:
        return ()
    carried = declared.credentials if declared else manifest.of(clip.facts.path)
    return tuple(signed.values()) if carried.seal is Seal.NONE else ()


def _posterior(prior: float | None, log10_lr: float | None) -> float | None:
    return None if prior is None or log10_lr is None else likelihood.posterior(prior, log10_lr)


def _look(
    clip: Clip,
    times: Sequence[float],
    at_most: int,
    progress: Callable[[float], None],
    see: See = lambda _frame: None,
    glimpses: list[Glimpse] | None = None,
) -> list[tuple[SeenFrame, takes.Miniature]]:
    watcher = Watcher(at_most=at_most)
    looks = []
    for frame in ahead(clip.frames(times, glimpses=glimpses)):
        see(frame)
        seen = watcher.see(frame)
        looks.append(
            (seen, takes.miniature(frame, [sighting.face.box for sighting in seen.sightings]))
        )
        progress(len(looks) / len(times))
    return looks


def _cuts(
    clip: Clip,
    looks: Sequence[tuple[SeenFrame, takes.Miniature]],
    glimpses: Sequence[Glimpse],
) -> tuple[float, ...]:
    """Finds shot changes between two looks at faces that colours do not already show."""
    pairs = [
        (small, then)
        for (seen, small), (after, then) in pairwise(looks)
        if seen.sightings and after.sightings and not is_cut(seen.histogram, after.histogram)
    ]
    return takes.cuts(clip, pairs, glimpses)


def _all_cuts(
    looks: Sequence[tuple[SeenFrame, takes.Miniature]], cuts: Sequence[float]
) -> tuple[float, ...]:
    """Returns the cuts between looks at faces together with those that colours show."""
    by_colours = [
        after.time
        for (seen, _), (after, _) in pairwise(looks)
        if is_cut(seen.histogram, after.histogram)
    ]
    return tuple(sorted([*cuts, *by_colours]))


def _kept(tracks: Sequence[Track]) -> tuple[Track, ...]:
    """Drops single-frame tracks, usually false detections, unless there is nothing else.

    Numbers the remaining tracks from 1.
    """
    kept = [t for t in tracks if len(t.sightings) > 1]
    if not kept:
        kept = sorted(tracks, key=lambda t: -t.sightings[0].quality.size_px)[:MOST_BRIEF]
        kept.sort(key=lambda t: t.id)
    return tuple(Track(i, track.sightings) for i, track in enumerate(kept, start=1))


def _closer_times(
    clip: Clip,
    case: Case,
    matches: Sequence[Match] | None,
    leaning: Sequence[TimedLR],
    settings: Settings,
    plan: _Plan,
    done: set[float],
) -> list[float]:
    """Plans more frames around each sighting that leans towards a change, the worst first.

    Adds frames around every brief face, and the frames that are compared with an original.
    """
    if clip.facts.kind is Kind.PHOTO:
        return []
    around = _around(settings, plan.stretch)
    brief = [t for t in case.tracks if len(t.sightings) < LOOKS // 2]
    windows = [(start, end, settings.closer) for start, end in _windows(leaning, around)]
    windows += [
        (t.sightings[0].time - around, t.sightings[-1].time + around, around / 3) for t in brief
    ]
    times: set[float] = set()
    for start, end, every in windows:
        room = settings.closer_frames - len(times)
        if room <= 0:
            break
        near = clip.times_between(
            max(plan.stretch[0], start),
            min(plan.stretch[1], end),
            every,
            settings.closer_frames,
        )
        times.update([t for t in near if t not in done | times][:room])
    return sorted(times | plan.within(_compared(matches) - done))


def _compared_closer(
    clip: Clip,
    matches: tuple[Match, ...] | None,
    leaning: Sequence[TimedLR],
    settings: Settings,
    stretch: tuple[float, float],
) -> tuple[Match, ...] | None:
    """Compares the matches at all known moments around sightings that lean towards a change.

    The edges of a change lie there.
    """
    if not matches or not leaning or settings.originals is None or clip.facts.kind is Kind.PHOTO:
        return matches
    return originals.closer(
        settings.originals, clip, matches, _windows(leaning, _around(settings, stretch))
    )


def _around(settings: Settings, stretch: tuple[float, float]) -> float:
    """Returns the seconds before and after a sighting that are looked at more closely."""
    return max(settings.every, (stretch[1] - stretch[0]) / settings.frames)


def _windows(leaning: Sequence[TimedLR], around: float) -> list[tuple[float, float]]:
    """Returns a window around each of them, the worst first."""
    return [
        (lr.time - around, lr.time + around) for lr in sorted(leaning, key=lambda lr: -lr.log10_lr)
    ]


def _leaning(
    case: Case, said: Mapping[int, Evidence], calibrated: Sequence[likelihood.Calibration]
) -> list[TimedLR]:
    every = (
        lr for track in case.tracks for lr in verdict.log10_lrs(track, said[track.id], calibrated)
    )
    return [lr for lr in every if lr.log10_lr > SUSPICIOUS]
