"""A person's LR over time, laid out for an SVG: all positions in px. The template only draws it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from unmask.types import Person, TimedLR, clock
from unmask.words.numbers import signed

STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
"""Possible steps between two marks of the time axis, s."""

THRESHOLDS = ("changed", "no_change")
"""Rules of a verdict that are drawn as lines.

They are decimal logarithms of the LR, under ``rules`` in the settings.
"""

CLOSE_UP = 0.15
"""Share of the clip below which the chart shows only the time in which the person was seen."""

SHORT = 10.0
"""Duration up to which a clip is always shown whole, s."""

ROWS = 40
"""Most rows of the table beside a chart; if there are more readings, they are grouped."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis, px, and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Threshold(Tick):
    """A line at the level of a rule, one of `THRESHOLDS`."""

    rule: str


@dataclass(frozen=True, slots=True)
class AxisSpan:
    """A stretch of the time axis, px."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring readings, ``start`` to ``end`` seconds: lowest, median, highest log10 LR."""

    start: float
    end: float
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Axes:
    """Axes of a chart: seconds ``start`` to ``end`` and log10 LR ``-reach`` to ``reach`` in px."""

    start: float
    end: float
    reach: float
    width: int
    height: int

    @property
    def left(self) -> float:
        return 34.0

    @property
    def right(self) -> float:
        return self.width - 8.0

    @property
    def top(self) -> float:
        return 8.0

    @property
    def bottom(self) -> float:
        return self.height - 26.0

    def x(self, seconds: float) -> float:
        share = (min(max(seconds, self.start), self.end) - self.start) / (self.end - self.start)
        return round(self.left + share * (self.right - self.left), 1)

    def y(self, log10_lr: float) -> float:
        return round(self.top + (1 - log10_lr / self.reach) / 2 * (self.bottom - self.top), 1)

    def x_ticks(self) -> tuple[Tick, ...]:
        """Returns marks at round times, none closer than about 80 px."""
        least = (self.end - self.start) * 80 / (self.right - self.left)
        step = next((step for step in STEPS if step >= least), math.ceil(least / 3600) * 3600)
        marks = range(math.ceil(self.start / step - 1e-9), math.floor(self.end / step + 1e-9) + 1)
        cut = None if step < 1 else -2
        return tuple(Tick(self.x(mark * step), clock(mark * step)[:cut]) for mark in marks)

    def y_ticks(self) -> tuple[Tick, ...]:
        """Returns marks at whole powers of ten, at most seven."""
        step = math.ceil(self.reach / 3.999)
        most = math.floor(self.reach / step)
        return tuple(
            Tick(self.y(mark * step), signed(mark * step, 0)) for mark in range(-most, most + 1)
        )

    def stretch(self, start: float, end: float, least: float = 0) -> AxisSpan:
        """Returns ``start`` to ``end`` seconds in px, at least ``least`` px wide."""
        x = self.x(start)
        return AxisSpan(x, round(max(self.x(end) - x, least), 1))


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that an SVG shows; ``line`` and ``marks_*`` are path data.

    ``dense`` says that the marks overlap.
    """

    axes: Axes
    thresholds: tuple[Threshold, ...]
    spans: tuple[AxisSpan, ...]
    gaps: tuple[AxisSpan, ...]
    line: str
    marks_changed: str
    marks_unchanged: str
    dense: bool


def window(person: Person, duration: float) -> tuple[float, float]:
    """Returns the seconds that the chart shows.

    This is the clip, or the time around the person if that is a small part of the clip.
    """
    times = [person.first_seen, person.last_seen, *(point.time for point in person.timeline)]
    first, last = min(times), max(times)
    end = max(duration, last, 0.1)
    if last - first >= CLOSE_UP * end or end <= SHORT:
        return 0.0, end
    margin = max(0.5, 0.05 * (last - first))
    return max(0.0, first - margin), min(end, last + margin)


def silence(points: Sequence[TimedLR]) -> float:
    """Returns the pause between two readings, s, above which it is a gap: three usual steps.

    Suspicious stretches are read more densely than the rest; the usual step is that of the rest.
    """
    times = sorted(point.time for point in points)
    steps = sorted(after - before for before, after in pairwise(times))
    wide = steps[int(0.95 * (len(steps) - 1))] if steps else 0.0
    return 3 * statistics.median([step for step in steps if step >= wide / 2]) if steps else 0.0


def runs(points: Sequence[TimedLR]) -> list[list[TimedLR]]:
    """Splits the points at the gaps, in order of time."""
    ordered, longest = sorted(points, key=lambda point: point.time), silence(points)
    parts = [ordered[:1]]
    for before, after in pairwise(ordered):
        if after.time - before.time > longest:
            parts.append([])
        parts[-1].append(after)
    return parts


def groups(points: Sequence[TimedLR], most: int = ROWS) -> list[list[Group]]:
    """Groups neighbouring points into about ``most`` groups at most, by run."""
    size = max(1, math.ceil(len(points) / most))
    return [[_group(run[i : i + size]) for i in range(0, len(run), size)] for run in runs(points)]


def chart(
    person: Person, duration: float, settings: Mapping[str, object], width: int, height: int
) -> Chart:
    """Lays out a person's timeline, which must hold a reading.

    Args:
        person: person whose timeline it is.
        duration: duration of the clip, seconds.
        settings: settings of the check; those named in `THRESHOLDS` become lines.
        width, height: size of the picture, px.
    """
    points = person.timeline
    levels = _thresholds(settings)
    reach = 1.15 * max(2.0, *(abs(point.log10_lr) for point in points), *map(abs, levels.values()))
    axes = Axes(*window(person, duration), reach, width, height)
    dense = len(points) > width / 4
    edges = [
        axes.start,
        *(time for run in runs(points) for time in (run[0].time, run[-1].time)),
        axes.end,
    ]
    pauses = zip(edges[::2], edges[1::2], strict=True)
    return Chart(
        axes,
        thresholds=tuple(
            Threshold(axes.y(level), signed(level, 1), rule) for rule, level in levels.items()
        ),
        spans=tuple(axes.stretch(span.start, span.end, least=2) for span in person.spans),
        gaps=tuple(
            axes.stretch(start, end) for start, end in pauses if end - start > silence(points)
        ),
        line=_line(axes, groups(points, width // 8 if dense else len(points))),
        marks_changed=_marks(axes, [point for point in points if point.log10_lr > 0]),
        marks_unchanged=_marks(axes, [point for point in points if point.log10_lr <= 0]),
        dense=dense,
    )


def _thresholds(settings: Mapping[str, object]) -> dict[str, float]:
    """Returns thresholds off the zero line, which is drawn anyway."""
    rules = settings.get("rules")
    found = {name: rules.get(name) for name in THRESHOLDS} if isinstance(rules, Mapping) else {}
    return {
        name: float(level)
        for name, level in found.items()
        if isinstance(level, int | float) and level
    }


def _group(points: Sequence[TimedLR]) -> Group:
    levels = [point.log10_lr for point in points]
    return Group(
        points[0].time, points[-1].time, min(levels), statistics.median(levels), max(levels)
    )


def _line(axes: Axes, parts: Sequence[Sequence[Group]]) -> str:
    corners = [
        [f"{axes.x((g.start + g.end) / 2)} {axes.y(g.median)}" for g in part] for part in parts
    ]
    return "".join(f"M{'L'.join(part)}" for part in corners if len(part) > 1)


def _marks(axes: Axes, points: Sequence[TimedLR]) -> str:
    """Draws zero-length strokes, which round caps turn into dots."""
    return "".join(f"M{axes.x(point.time)} {axes.y(point.log10_lr)}h0" for point in points)
