"""take(): all stages from files to the answer whether they are one unbroken take.

No other file knows the order of the stages. They go from coarse to fine: the packets of the whole
file, its whole sound, its key frames, and then all pictures where any of these is odd. All pictures
of the file are decoded if that is asked for, or if it is short.
"""

from __future__ import annotations

import itertools
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from unmask.errors import UsageError
from unmask.media import HOURS, Bounds, Reel, open_footage
from unmask.messages import Message
from unmask.takes import container, hearing, power, seeing
from unmask.takes.findings import (
    BreakKind,
    Confidence,
    Finding,
    TakeAnswer,
    Unseen,
    in_order,
    joined,
)
from unmask.takes.power import Power
from unmask.takes.repeats import Memory
from unmask.types import MediaFacts, Small

Progress = Callable[[str, float], None]
"""Callback that receives the name of the current step and the share of it that is done, 0 to 1."""

SHORT_S = 120.0
"""Duration of footage up to which all pictures are always decoded, s."""
_AROUND_S = 3.0
"""Seconds of pictures decoded on either side of something odd.

A step is compared with one second on either side.
"""
_MOST_CLOSER = 0.1
"""Share of long footage that is decoded without being asked for, the oddest stretches first."""
_KEYS_S = 1.0
"""Seconds between the key frames that are looked at."""
_KEY_CHANGE = 0.35
"""Change between two key frames from which the pictures between them are decoded.

Most key frames differ by less.
"""
_ENOUGH = 0.5
"""Least share of the footage in which a cut could have been seen or heard; below, `cannot tell`."""


@dataclass(frozen=True, slots=True)
class TakeSettings:
    """Settings of a judgement.

    Attributes:
        thorough: whether all pictures are decoded, however long the footage is.
        power: whether cuts are made at random places, to measure how many are found.
        seed: seed of the random places.
    """

    thorough: bool = False
    power: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"a seed is 0 or more, not {self.seed}")


@dataclass(frozen=True, slots=True)
class TakeFile:
    """One file of a take: where it begins in the take, its duration, s, and its size."""

    path: str
    sha256: str
    start: float
    duration: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TakeResult:
    """The answer for one file, or for several that are one take.

    Attributes:
        path: as the caller gave it; of several files, the first.
        answer: None where the file could not be read; ``error`` then says why.
        reason: one sentence for the answer.
        findings: breaks of the take, and other notes, in order of time.
        unseen: stretches in which a cut could not have been seen, in order of time.
        decoded: share of the footage of which all pictures were looked at, 0 to 1.
        looked: the stretches, s, of which all pictures were looked at, in order of time.
        followed: stretches, s, in which a steady tone was followed, in order of time.
        power: how many tried cuts were found, by the seconds they took out; empty where none were
            tried.
        media: facts about the file; of several files, the first.
        parts: all files, in order.
        report: path of the page that was written, if one was.
    """

    path: str
    answer: TakeAnswer | None
    reason: Message
    findings: tuple[Finding, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    decoded: float = 0.0
    looked: tuple[tuple[float, float], ...] = ()
    followed: tuple[tuple[float, float], ...] = ()
    power: tuple[Power, ...] = ()
    media: MediaFacts | None = None
    parts: tuple[TakeFile, ...] = ()
    error: Message | None = None
    report: str | None = None

    @property
    def breaks(self) -> tuple[Finding, ...]:
        """Findings that break the take."""
        return tuple(finding for finding in self.findings if finding.kind.breaks)

    @property
    def duration(self) -> float:
        """Total duration, s."""
        return sum(part.duration for part in self.parts)

    @property
    def blind(self) -> float:
        """Total seconds in which a cut could not have been seen."""
        return sum(
            end - start for start, end in _merged([(one.start, one.end) for one in self.unseen])
        )

    @property
    def looked_at(self) -> Message:
        """Sentence that says how much of the footage was decoded in full."""
        if self.decoded > 0.999:
            return Message("take.decoded_all")
        return Message("take.decoded_part", {"percent": round(100 * self.decoded)})

    @classmethod
    def failed(cls, path: str, error: Message) -> TakeResult:
        """Builds the answer for a file that could not be read."""
        return cls(path=path, answer=None, reason=error, error=error)


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
) -> TakeResult:
    """Tells whether videos that follow each other, at least one, are one unbroken take.

    Times run on over all of them.

    Raises:
        MediaError: a file cannot be read.
    """
    progress("reading", 0.0)
    reel = Reel([open_footage(path, bounds) for path in paths])
    told = _tell(reel, progress)
    odd = sorted(
        [*told.marks, *(one.start for one in told.findings if one.kind is BreakKind.SOUND)]
    )
    everything = settings.thorough or reel.duration <= SHORT_S
    stretches = (
        [(0.0, reel.duration)]
        if everything
        else _worth_decoding(reel, odd, told.findings, progress)
    )
    seen = _look(reel, stretches, odd, progress)
    findings = in_order([*told.findings, *seen.findings])
    unseen = joined(
        [*seen.unseen, *_not_judged(reel), *_gaps_between(stretches, told.steady, reel.duration)]
    )
    measured = _power(reel, stretches, settings, progress)
    return replace(
        _answer(reel, findings, unseen, measured),
        decoded=min(1.0, sum(end - start for start, end in stretches) / reel.duration)
        if reel.duration
        else 1.0,
        looked=tuple(stretches),
        followed=tuple(_merged(told.steady)),
    )


@dataclass(slots=True)
class _Told:
    """Results from packets and sound: breaks, odd times, and stretches with a steady tone."""

    findings: list[Finding] = field(default_factory=list)
    marks: list[float] = field(default_factory=list)
    steady: list[tuple[float, float]] = field(default_factory=list)


def _tell(reel: Reel, progress: Progress) -> _Told:
    told = _Told(marks=list(reel.starts[1:]))
    for part, begin in zip(reel.parts, reel.starts, strict=True):
        share = part.facts.duration / (reel.duration or 1.0)

        def listening(done: float, share: float = share, begin: float = begin) -> None:
            progress("listening", begin / (reel.duration or 1.0) + share * done)

        heard = hearing.listen(part.sound(listening))
        told.findings += [
            one.later(begin) for one in (*container.findings(part.packets), *heard.findings)
        ]
        told.marks += [begin + time for time in (*container.marks(part.packets), *heard.marks)]
        told.steady += [(begin + start, begin + end) for start, end in heard.steady]
    for (before, after), at in zip(pairwise(reel.parts), reel.starts[1:], strict=True):
        told.findings += [
            *container.between(before.packets, after.packets, at),
            *_otherwise(before.facts, after.facts, at),
        ]
    return told


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


def _worth_decoding(
    reel: Reel, odd: Sequence[float], findings: Sequence[Finding], progress: Progress
) -> list[tuple[float, float]]:
    """Selects stretches to decode, up to a share of the whole.

    They lie around what is odd or was found, and between key frames that differ.
    """
    duration = reel.duration
    times = [*odd, *(one.start for one in findings)]
    around = [(max(0.0, time - _AROUND_S), min(duration, time + _AROUND_S)) for time in times]
    changes: list[tuple[float, float, float]] = []
    keys = reel.key_pictures(_KEYS_S)
    for before, after in pairwise(keys):
        changes.append(
            (seeing.change_between(before, after), before.time - _AROUND_S, after.time + _AROUND_S)
        )
        progress("looking", 0.4 * after.time / duration)
    usual = float(np.median([change for change, _, _ in changes])) if changes else 1.0
    changes = sorted(one for one in changes if one[0] > max(_KEY_CHANGE, 2 * usual))[::-1]
    left = max(SHORT_S, _MOST_CLOSER * duration)
    chosen: list[tuple[float, float]] = []
    for start, end in [
        *around,
        *((max(0.0, start), min(duration, end)) for _, start, end in changes),
    ]:
        if end - start <= left:
            chosen.append((start, end))
            left -= end - start
    return _merged(chosen, apart=1.0)


def _merged(
    stretches: Sequence[tuple[float, float]], apart: float = 0.0
) -> list[tuple[float, float]]:
    """Merges stretches that overlap or are at most ``apart`` seconds apart, in order."""
    out: list[tuple[float, float]] = []
    for start, end in sorted(stretches):
        if out and start <= out[-1][1] + apart:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def _look(
    reel: Reel, stretches: Sequence[tuple[float, float]], odd: Sequence[float], progress: Progress
) -> seeing.Seen:
    seen, memory = seeing.Seen(), Memory()
    whole, done = sum(end - start for start, end in stretches) or 1.0, 0.0
    for start, end in stretches:

        def tell(time: float, done: float = done, start: float = start) -> None:
            progress("looking", 0.4 + 0.6 * (done + time - start) / whole)

        for run in _runs(reel.pictures(start, end)):
            seeing.look(run, odd, memory, seen, tell)
        done += end - start
    return seen


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
    for start, end in [*_merged([*decoded, *heard]), (duration, duration)]:
        if start - at >= seeing.UNSEEN_S:
            out.append(Unseen(at, start, Message("take.not_decoded")))
        at = max(at, end)
    return out


def _power(
    reel: Reel, stretches: Sequence[tuple[float, float]], settings: TakeSettings, progress: Progress
) -> tuple[Power, ...]:
    if not settings.power:
        return ()
    starts = [start for start, _ in stretches]

    def looked(time: float) -> bool:
        place = bisect_left(starts, time) - 1
        return place >= 0 and stretches[place][0] <= time <= stretches[place][1]

    chosen = power.places(reel.duration, settings.seed, looked)
    result: tuple[Power, ...] = ()
    for result in power.tried(chosen, reel.pictures):
        progress("trying", result[0].trials / len(chosen))
    return result


def _answer(
    reel: Reel,
    findings: tuple[Finding, ...],
    unseen: tuple[Unseen, ...],
    measured: tuple[Power, ...],
) -> TakeResult:
    duration = reel.duration
    breaks = [finding for finding in findings if finding.kind.breaks]
    blind = sum(end - start for start, end in _merged([(one.start, one.end) for one in unseen]))
    if breaks:
        spans = tuple(
            Message("take.at", {"time": finding.end, "what": _named(finding.kind)})
            for finding in breaks
        )
        answer, reason = TakeAnswer.BROKEN, Message("take.broken", {"breaks": spans})
    elif blind > (1 - _ENOUGH) * duration:
        answer, reason = (
            TakeAnswer.CANNOT_TELL,
            Message("take.cannot_tell", {"time": blind, "end": duration}),
        )
    else:
        answer, reason = TakeAnswer.NO_BREAK_FOUND, Message("take.no_break")
    return TakeResult(
        path=reel.parts[0].facts.path,
        answer=answer,
        reason=reason,
        findings=findings,
        unseen=unseen,
        power=measured,
        media=reel.parts[0].facts,
        parts=tuple(
            TakeFile(
                one.facts.path, one.facts.sha256, start, one.facts.duration, one.facts.size_bytes
            )
            for one, start in zip(reel.parts, reel.starts, strict=True)
        ),
    )


def _named(kind: BreakKind) -> Message:
    return Message(f"take.kind.{kind.replace(' ', '-')}")
