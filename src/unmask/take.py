"""take(): all stages from files to the answer whether they are one unbroken take.

No other file knows the order of the stages. They go from coarse to fine: the packets of the whole
file, its whole sound, its key frames, and then all pictures where any of these is odd. All pictures
of the file are decoded if that is asked for, or if it is short.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unmask import faces
from unmask.errors import MediaError, MediaNotFound, MediaTooLarge
from unmask.licences import live_segments
from unmask.media import HOURS, Bounds, Footage, Reel, growing, open_footage
from unmask.messages import Message
from unmask.takes import chain, container, hearing, order, power, seeing
from unmask.takes.choosing import SHORT_S, Stretch, worth_decoding
from unmask.takes.findings import (
    BreakKind,
    Confidence,
    Finding,
    TakeAnswer,
    Unseen,
    in_order,
    joined,
    merged,
)
from unmask.takes.hearing import Heard
from unmask.takes.news import News
from unmask.takes.notes import Notes
from unmask.takes.power import Power
from unmask.takes.repeats import Memory
from unmask.takes.result import TakeFile, TakeResult, TakeSettings
from unmask.takes.seeing import Seen
from unmask.takes.steps import BLOCKS
from unmask.types import MediaFacts, SegmentSeal, Small

__all__ = [
    "SHORT_S",
    "Progress",
    "TakeFile",
    "TakeResult",
    "TakeSettings",
    "follow",
    "follow_file",
    "one_take",
    "take",
]

Progress = Callable[[str, float], None]
"""Callback that receives the name of the current step and the share of it that is done, 0 to 1."""

_KEYS_S = 1.0
"""Seconds between the key frames that are looked at."""
_MOST_SEARCHES = 1000
"""Most searches for faces, two beside each cut inside a shot."""
_ENOUGH = 0.5
"""Least share of the footage in which a cut could have been seen or heard; below, `cannot tell`."""


def take(
    path: str | os.PathLike[str],
    settings: TakeSettings = TakeSettings(),
    progress: Progress = lambda _what, _done: None,
    bounds: Bounds = HOURS,
) -> TakeResult:
    """Tells whether a video is one unbroken take, and where it breaks.

    Raises:
        MediaError: the file cannot be read: missing, no video, broken or too large.
    """
    return one_take([path], settings, progress, bounds)


def one_take(
    paths: Sequence[str | os.PathLike[str]],
    settings: TakeSettings = TakeSettings(),
    progress: Progress = lambda _what, _done: None,
    bounds: Bounds = HOURS,
    resume: Path | None = None,
) -> TakeResult:
    """Tells whether videos that follow each other, at least one, are one unbroken take.

    Times run on over all of them. Given a folder in ``resume``, what was measured is kept there, so
    that a run that was killed goes on where it was, to the same answer.

    Raises:
        MediaError: a file cannot be read.
        OSError: the folder cannot be written to.
    """
    progress("reading", 0.0)
    reel = Reel([open_footage(path, bounds) for path in paths])
    notes = _notes(reel, settings, resume)
    told = _tell(reel, notes, progress)
    everything = settings.thorough or reel.duration <= SHORT_S
    stretches = (
        [(0.0, reel.duration)] if everything else _worth_decoding(reel, told, notes, progress)
    )
    _look(reel, stretches, told.odd, notes, progress)
    _try(reel, stretches, settings, notes, progress)
    return _answer(reel, told, stretches, notes.seen, notes.tried if settings.power else ())


def follow(
    paths: Iterable[str],
    found: Callable[[Finding], None],
    settings: TakeSettings = TakeSettings(),
    bounds: Bounds = HOURS,
) -> TakeResult:
    """Tells whether files that are still being recorded are one unbroken take.

    Every picture is decoded, once its file has come. Memory grows as that of `one_take` does. The
    answer is that of `one_take` over the same files, thorough. Where a file is deleted before the
    end, no cuts can be tried.

    Args:
        paths: the files, at least one, as they come; waits for the next one.
        found: receives each finding as soon as it is certain.
        settings: always thorough here.
        bounds: of all files together.

    Raises:
        MediaError: a file cannot be read, or there are too many hours of them.
    """
    parts: list[Footage] = []
    reel, told, notes, news = Reel(parts), _Told(), Notes(), News(found)
    odd: list[float] = []
    given = [0, 0]
    search = _faces(reel)

    def tell(_time: float) -> None:
        found = (told.findings, notes.seen.findings)
        news.tell([one for all_, count in zip(found, given, strict=True) for one in all_[count:]])
        given[:] = map(len, found)

    def pictures() -> Iterator[Small]:
        begin = 0.0
        for path in paths:
            part = open_footage(path, bounds)
            if begin + part.facts.duration > bounds.seconds:
                long = {"seconds": begin + part.facts.duration, "most_seconds": bounds.seconds}
                raise MediaTooLarge(path, Message("media.long", long), Message("way.cut"))
            heard, before = hearing.listen(part.sound()), parts[-1] if parts else None
            told.add(part, begin, heard, before, live_segments.read(path))
            parts.append(part)
            odd[:] = told.odd
            tell(begin)
            yield from (replace(one, time=one.time + begin) for one in part.pictures())
            begin += part.facts.duration

    for run in _runs(pictures()):
        seeing.look(run, odd, notes.seen, tell, search)
    stretches = [(0.0, reel.duration)]
    with contextlib.suppress(MediaNotFound):
        _try(reel, stretches, settings, notes, lambda _what, _done: None)
    return _answer(reel, told, stretches, notes.seen, notes.tried)


def follow_file(
    path: str,
    found: Callable[[Finding], None],
    settings: TakeSettings = TakeSettings(),
    patience: float = 30.0,
    bounds: Bounds = HOURS,
) -> TakeResult:
    """Tells whether a file that still grows is one unbroken take.

    It is judged from its start each time it has grown by half, and once it has not grown for
    ``patience`` seconds; that answer is the result, as `take` gives it.

    Raises:
        MediaError: it cannot be read, or not before it is finished.
    """
    news = News(found)
    for ended in growing(path, patience):
        try:
            result = take(
                path, settings if ended else replace(settings, power=False), bounds=bounds
            )
        except MediaError:
            if ended:
                raise
            continue
        news.tell(result.findings)
    return result


def _notes(reel: Reel, settings: TakeSettings, folder: Path | None) -> Notes:
    """Opens the notes on these very files, by these versions, at these settings."""
    if folder is None:
        return Notes()
    from unmask.custody import versions

    named = [versions(), [part.facts.sha256 for part in reel.parts]]
    key = json.dumps([*named, settings.thorough, settings.seed], sort_keys=True)
    name = f"take-{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    notes = Notes.opened(folder / name, [part.shown().size for part in reel.parts])
    for part, numbers in zip(reel.parts, notes.damaged, strict=False):
        part.note_damaged(numbers)
    return notes


@dataclass(slots=True)
class _Told:
    """Results from packets and sound: breaks, odd times, and stretches with a steady tone.

    ``marks`` are odd times of the packets, ``clicks`` those of the sound, and ``seams`` those at
    which one file follows another. ``seals`` are what the signatures of the files say.
    """

    findings: list[Finding] = field(default_factory=list)
    marks: list[float] = field(default_factory=list)
    clicks: list[float] = field(default_factory=list)
    steady: list[Stretch] = field(default_factory=list)
    seams: list[float] = field(default_factory=list)
    seals: list[SegmentSeal | None] = field(default_factory=list)

    @property
    def odd(self) -> list[float]:
        """Times, s, at which a smaller step in the pictures is a cut."""
        sounds = [one.start for one in self.findings if one.kind is BreakKind.SOUND]
        return sorted([*self.marks, *self.clicks, *self.seams, *sounds])

    def add(
        self,
        part: Footage,
        begin: float,
        heard: Heard,
        before: Footage | None,
        seal: SegmentSeal | None,
    ) -> None:
        """Adds the results of a file that begins at ``begin`` s, and of the seam before it."""
        end = begin + part.facts.duration
        self.findings += chain.findings(self.seals[-1] if before else None, seal, begin, end)
        self.seals.append(seal)
        found = [*container.findings(part.packets), *heard.findings]
        self.findings += [one.later(begin) for one in found]
        self.marks += [begin + time for time in container.marks(part.packets)]
        self.clicks += [begin + time for time in heard.marks]
        self.steady += [(begin + start, begin + end) for start, end in heard.steady]
        if before is not None:
            self.seams.append(begin)
            self.findings += [
                *container.between(before.packets, part.packets, begin),
                *_otherwise(before.facts, part.facts, begin),
            ]


def _tell(reel: Reel, notes: Notes, progress: Progress) -> _Told:
    told, before = _Told(), None
    for number, (part, begin) in enumerate(zip(reel.parts, reel.starts, strict=True)):
        share = part.facts.duration / (reel.duration or 1.0)

        def listening(done: float, share: float = share, begin: float = begin) -> None:
            progress("listening", begin / (reel.duration or 1.0) + share * done)

        if number not in notes.heard:
            notes.heard[number] = hearing.listen(part.sound(listening))
            _keep(notes, reel, notes.due() or len(reel.parts) == 1)
        seal = live_segments.read(part.facts.path) if len(reel.parts) > 1 else None
        told.add(part, begin, notes.heard[number], before, seal)
        before = part
    return told


def _keep(notes: Notes, reel: Reel, now: bool) -> None:
    if now:
        notes.damaged = [part.damaged() for part in reel.parts]
        notes.write()


def _otherwise(before: MediaFacts, after: MediaFacts, at: float) -> list[Finding]:
    """Reports a join if a file has another codec or size than the one before it."""
    first, second = (f"{facts.codec}, {facts.width} x {facts.height}" for facts in (before, after))
    if first == second:
        return []
    return [
        Finding(
            BreakKind.JOIN,
            at,
            at,
            Confidence.HIGH,
            Message("take.otherwise", {"before": first, "after": second}),
        )
    ]


def _worth_decoding(reel: Reel, told: _Told, notes: Notes, progress: Progress) -> list[Stretch]:
    """Selects stretches to decode, by what was told and by how key frames differ."""
    duration = reel.duration
    since = notes.changes[-1][2] if notes.changes else 0.0
    for before, after in itertools.pairwise(reel.key_pictures(_KEYS_S, since)):
        change = seeing.change_between(before, after)
        notes.changes.append((change, before.time, after.time))
        progress("looking", 0.4 * after.time / duration)
        _keep(notes, reel, notes.due())
    found = [one.start for one in told.findings]
    return worth_decoding(duration, found, (told.marks, told.clicks), told.seams, notes.changes)


def _look(
    reel: Reel,
    stretches: Sequence[Stretch],
    odd: Sequence[float],
    notes: Notes,
    progress: Progress,
) -> None:
    seen, search = notes.seen, _faces(reel)
    whole = sum(end - start for start, end in stretches) or 1.0
    for number, (start, end) in enumerate(stretches[notes.stretch :], start=notes.stretch):
        done = sum(end - start for start, end in stretches[:number])

        def tell(time: float, done: float = done, start: float = start) -> None:
            progress("looking", 0.4 + 0.6 * (done + time - start) / whole)
            _keep(notes, reel, bool(seen.tail) and notes.due())

        for run in _runs(reel.pictures(seen.tail[0] if seen.tail else start, end)):
            seeing.look(run, odd, seen, tell, search)
        notes.stretch = number + 1
        _keep(notes, reel, notes.due())
    seen.memory = Memory()
    _keep(notes, reel, now=True)


def _faces(reel: Reel) -> seeing.Faces:
    """Returns a search for the blocks on and beside which faces lie.

    It finds none after many searches, and in a file that has gone meanwhile.
    """
    left = itertools.count(_MOST_SEARCHES, -1)

    def blocks(time: float) -> NDArray[np.bool_]:
        found = np.zeros(BLOCKS, np.bool_)
        if next(left) <= 0:
            return found
        part, begin = reel.part_at(time)
        try:
            frame = next(part.frames([max(0.0, time - begin - 1e-4)], faces.SEARCH_PX))
        except (MediaError, StopIteration):
            return found
        there = np.zeros(frame.rgb.shape[:2], np.uint8)
        for face in faces.find(frame.rgb):
            x0, y0, x1, y1 = np.clip(face.box, 0, None).astype(int).tolist()
            there[y0 : y1 + 1, x0 : x1 + 1] = 1
        stored = part.as_stored(there)
        y, x = np.nonzero(stored)
        found[y * BLOCKS[0] // stored.shape[0], x * BLOCKS[1] // stored.shape[1]] = True
        return _with_neighbours(found)

    return blocks


def _with_neighbours(blocks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Adds the blocks beside those given, since flow errs beside what it cannot explain."""
    across = blocks.copy()
    across[:, 1:] |= blocks[:, :-1]
    across[:, :-1] |= blocks[:, 1:]
    both = across.copy()
    both[1:] |= across[:-1]
    both[:-1] |= across[1:]
    return both


def _runs(pictures: Iterable[Small]) -> Iterator[Iterable[Small]]:
    """Splits pictures into runs without a missing picture; damaged ones are missing."""
    missing = itertools.count()
    part = next(missing)

    def part_of(picture: Small) -> int:
        nonlocal part
        if not picture.follows:
            part = next(missing)
        return part

    for _, run in itertools.groupby(pictures, part_of):
        yield run


def _not_judged(reel: Reel) -> list[Unseen]:
    """Returns damaged stretches, and what follows where the times of the last file start over."""
    out = [Unseen(one.start, one.end, Message("take.damaged")) for one in reel.damage()]
    if (last := reel.parts[-1]).restart is not None:
        end = reel.starts[-1] + float(container.clock(last.packets).max())
        out.append(Unseen(reel.duration, end, Message("take.after_restart")))
    return out


def _gaps_between(
    decoded: Sequence[tuple[float, float]], heard: Sequence[tuple[float, float]], duration: float
) -> list[Unseen]:
    """Returns stretches that were neither decoded nor followed by ear."""
    out, at = [], 0.0
    for start, end in [*merged([*decoded, *heard]), (duration, duration)]:
        if start - at >= seeing.UNSEEN_S:
            out.append(Unseen(at, start, Message("take.not_decoded")))
        at = max(at, end)
    return out


def _try(
    reel: Reel,
    stretches: Sequence[Stretch],
    settings: TakeSettings,
    notes: Notes,
    progress: Progress,
) -> None:
    """Tries cuts at random places, unless that is not wanted."""
    if not settings.power:
        return
    starts = [start for start, _ in stretches]

    def looked(time: float) -> bool:
        place = bisect_left(starts, time) - 1
        return place >= 0 and stretches[place][0] <= time <= stretches[place][1]

    chosen = power.places(reel.duration, settings.seed, looked)
    for measured in power.tried(chosen, reel.pictures, reel.sound_around, notes.tried):
        notes.tried = measured
        progress("trying", measured[0].trials / len(chosen))
        _keep(notes, reel, notes.due())
    _keep(notes, reel, now=True)


def _answer(
    reel: Reel,
    told: _Told,
    stretches: Sequence[Stretch],
    seen: Seen,
    measured: tuple[Power, ...],
) -> TakeResult:
    duration = reel.duration
    findings = in_order([*told.findings, *seen.findings])
    findings = in_order([*findings, *_moved(reel, findings)])
    unseen = joined(
        [*seen.unseen, *_not_judged(reel), *_gaps_between(stretches, told.steady, duration)]
    )
    answer, reason = _judged(findings, unseen, duration)
    looked = sum(end - start for start, end in stretches)
    return TakeResult(
        path=reel.parts[0].facts.path,
        answer=answer,
        reason=reason,
        findings=findings,
        unseen=unseen,
        decoded=min(1.0, looked / duration) if duration else 1.0,
        looked=tuple(stretches),
        followed=tuple(merged(told.steady)),
        power=measured,
        media=reel.parts[0].facts,
        parts=tuple(_files(reel, told.seals)),
    )


def _files(reel: Reel, seals: Sequence[SegmentSeal | None]) -> Iterator[TakeFile]:
    before: SegmentSeal | None = None
    for part, start, seal in zip(reel.parts, reel.starts, seals, strict=True):
        facts = part.facts
        place = (facts.path, facts.sha256, start, facts.duration, facts.size_bytes)
        yield TakeFile(*place, seal, chain.follows(before, seal))
        before = seal


def _moved(reel: Reel, findings: Sequence[Finding]) -> list[Finding]:
    """Returns stretches that change places; none in files that were deleted meanwhile."""
    try:
        return order.reordered(findings, reel.pictures)
    except MediaNotFound:
        return []


def _judged(
    findings: Sequence[Finding], unseen: Sequence[Unseen], duration: float
) -> tuple[TakeAnswer, Message]:
    """Returns the answer and one sentence for it."""
    breaks = [finding for finding in findings if finding.kind.breaks]
    if breaks:
        spans = tuple(
            Message("take.at", {"time": finding.end, "what": _named(finding.kind)})
            for finding in breaks
        )
        return TakeAnswer.BROKEN, Message("take.broken", {"breaks": spans})
    blind = sum(end - start for start, end in merged([(one.start, one.end) for one in unseen]))
    if blind > (1 - _ENOUGH) * duration:
        return TakeAnswer.CANNOT_TELL, Message("take.cannot_tell", {"time": blind, "end": duration})
    return TakeAnswer.NO_BREAK_FOUND, Message("take.no_break")


def _named(kind: BreakKind) -> Message:
    return Message(f"take.kind.{kind.replace(' ', '-')}")
