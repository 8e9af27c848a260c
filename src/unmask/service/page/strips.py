"""Timelines below the player: one strip per person, all on the clip's own time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from unmask.report.document import PersonPart
from unmask.report.timeline import runs, silence
from unmask.types import TimedLR

WIDTH, HEIGHT = 1000, 56
"""Size of a strip's drawing, in its own units; the page stretches it to the player's width."""

BARS = 240
"""Maximum bars of a strip.

Where readings share a bar, the highest is drawn, because a short change must be seen.
"""

LEAST_REACH = 2.0
"""Minimum reach of every strip, log10 LR."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Bar of one reading: its place, and whether it speaks for a change."""

    x: float
    y: float
    width: float
    height: float
    speaks_for: bool


@dataclass(frozen=True, slots=True)
class StripSpan:
    """A stretch of the time axis."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class PersonStrip:
    """One person's timeline: bars above the middle speak for a change, bars below against it.

    ``spans`` are judged changed.
    """

    bars: tuple[Bar, ...]
    spans: tuple[StripSpan, ...]


def reach(people: Sequence[PersonPart]) -> float:
    """Returns the log10 LR to which all strips of a file reach, so that they can be compared."""
    return max(
        [LEAST_REACH, *(abs(point.log10_lr) for person in people for point in person.timeline)]
    )


def strip(person: PersonPart, duration: float, reach: float) -> PersonStrip:
    """Builds the strip of a person of a document, over ``duration`` seconds."""
    points = [TimedLR(point.time, point.log10_lr) for point in person.timeline]
    longest = silence(points) or duration / 20
    bars = [
        bar
        for run in runs(points)
        if run
        for bar in _bars(_thinned(run, len(points)), duration, reach, longest)
    ]
    spans = (_stretch(span.start, span.end, duration) for span in person.spans)
    return PersonStrip(tuple(bars), tuple(spans))


def _thinned(run: Sequence[TimedLR], total: int) -> list[TimedLR]:
    size = max(1, -(-total // BARS))
    return [
        max(run[i : i + size], key=lambda point: point.log10_lr) for i in range(0, len(run), size)
    ]


def _bars(run: Sequence[TimedLR], duration: float, reach: float, longest: float) -> list[Bar]:
    """Builds a bar for each reading; it reaches halfway to its neighbours."""
    half = (run[1].time - run[0].time) / 2 if len(run) > 1 else longest / 6
    edges = [
        run[0].time - half,
        *((a.time + b.time) / 2 for a, b in pairwise(run)),
        run[-1].time + half,
    ]
    return [_bar(point, edges[i], edges[i + 1], duration, reach) for i, point in enumerate(run)]


def _bar(point: TimedLR, start: float, end: float, duration: float, reach: float) -> Bar:
    where, middle = _stretch(start, end, duration), HEIGHT / 2
    height = max(1.5, min(1.0, abs(point.log10_lr) / reach) * (middle - 2))
    above = point.log10_lr > 0
    return Bar(
        where.x,
        round(middle - height if above else middle, 1),
        where.width,
        round(height, 1),
        above,
    )


def _stretch(start: float, end: float, duration: float) -> StripSpan:
    x0, x1 = (
        (round(WIDTH * min(max(t / duration, 0), 1), 2) for t in (start, end))
        if duration
        else (0, WIDTH)
    )
    return StripSpan(x0, round(max(x1 - x0, 1.0), 2))
