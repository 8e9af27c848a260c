"""Evidence on a take from its pictures: cuts, dissolves, repeated and still stretches."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unmask.messages import Message
from unmask.takes import steps
from unmask.takes.change import GRID, Miniature, change
from unmask.takes.findings import BreakKind, Confidence, Finding, Unseen
from unmask.takes.repeats import Memory
from unmask.takes.shots import dissolves
from unmask.takes.steps import BLOCKS, CUT_Z, MARKED_Z, Held, Steps
from unmask.types import Small

Faces = Callable[[float], NDArray[np.bool_]]
"""Callback that returns the blocks, bool `BLOCKS`, on and beside which faces lie at a time, s."""

CORE, MARGIN = 200, 40
"""Pictures judged at a time, and pictures on either side that are only compared with."""
_MARK_S = 0.3
"""Distance from a mark within which a smaller step is a cut, s."""
_SCENE = 0.5
"""Least change after a cut that makes a new scene."""
_EVERY_S, _LOST_S, UNSEEN_S = 0.5, 0.5, 2.0
"""Seconds between trial cuts, taken out by each, and of the shortest unseen stretch reported."""
_FROZEN_S = 0.5
_DARK = 20.0
"""Grey level below which nine tenths of a black picture lie."""


@dataclass(slots=True)
class Seen:
    """Results from the pictures, and all that is needed to go on from where they end.

    Attributes:
        findings: breaks of the take, and notes.
        unseen: stretches in which a cut would not have shown.
        memory: pictures shown before, in all runs.
        held: pictures of the current run that repeat the one before.
        tail: times, s, of the last pictures of a run, with which it can be continued; empty at the
            end of a run.
    """

    findings: list[Finding] = field(default_factory=list)
    unseen: list[Unseen] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    held: Held = field(default_factory=Held)
    tail: tuple[float, ...] = ()


def change_between(before: Small, after: Small) -> float:
    """Returns the share, 0 to 1, of blocks of either picture that have no match in the other."""
    return change(_miniature(before), _miniature(after), reach=6)


def look(
    pictures: Iterable[Small],
    marks: Sequence[float],
    seen: Seen,
    told: Callable[[float], None],
    faces: Faces = lambda _time: np.zeros(BLOCKS, np.bool_),
) -> None:
    """Looks at a run of pictures without a gap, and adds what it finds.

    Args:
        pictures: in order.
        marks: sorted times, s, at which something else already points to a cut.
        seen: results, to which this function adds.
        told: receives the time, s, of the last picture that was looked at.
        faces: finds faces; asked only where a cut inside a shot would be told.
    """
    first = MARGIN if seen.held.continues else 0
    for run in steps.runs(pictures, CORE, MARGIN, seen.held):
        goes_on = len(run.pictures) == CORE + 2 * MARGIN
        end = len(run.pictures) - MARGIN if goes_on else len(run.pictures)
        if seen.held.continues:
            seen.memory.pass_over(run.pictures[:first])
            seen.held.continues = False
        seen.findings += [
            finding
            for i in range(max(first, 1), end)
            if (finding := _cut(run, i, marks, faces)) is not None
        ]
        seen.findings += _dissolved(run, first, end)
        seen.findings += seen.memory.shown_again(run.pictures[first:end])
        seen.unseen += _blind(run, first, end)
        seen.tail = tuple(picture.time for picture in run.pictures[CORE:]) if goes_on else ()
        told(run.pictures[end - 1].time)
        first = MARGIN
    seen.unseen += _frozen(seen.held.times)
    seen.held, seen.tail = Held(), ()


def _cut(run: Steps, number: int, marks: Sequence[float], faces: Faces) -> Finding | None:
    """Returns the cut before a picture, if there is one."""
    before, after = run.pictures[number - 1], run.pictures[number]
    z = run.stands_out(number)
    place = bisect_left(marks, before.time - _MARK_S)
    marked = place < len(marks) and marks[place] <= after.time + _MARK_S
    if z < (MARKED_Z if marked and not after.key else CUT_Z):
        return None
    confidence = Confidence.HIGH if z >= 2 * CUT_Z or (marked and z >= CUT_Z) else Confidence.MEDIUM
    if change_between(before, after) >= _SCENE:
        return Finding(
            BreakKind.SCENE_CUT, before.time, after.time, confidence, Message("take.scene")
        )
    if run.goes_on(number):
        return Finding(
            BreakKind.OVERLAY, before.time, after.time, Confidence.MEDIUM, Message("take.overlay")
        )
    inside = faces(before.time) | faces(after.time)
    if inside.any() and run.outside(inside).fits(number):
        return Finding(
            BreakKind.OVERLAY, before.time, after.time, Confidence.MEDIUM, Message("take.face")
        )
    return Finding(BreakKind.JUMP_CUT, before.time, after.time, confidence, Message("take.jump"))


def _dissolved(run: Steps, first: int, end: int) -> list[Finding]:
    """Finds dissolves whose middle lies between two pictures of a run.

    They are sought only where the ends differ at all.
    """
    small = [_miniature(picture) for picture in run.pictures]
    if all(change(a, b, reach=6) < 0.2 for a, b in zip(small[::20], small[20::20], strict=False)):
        return []
    begin, last = run.pictures[first].time, run.pictures[end - 1].time
    return [
        Finding(BreakKind.DISSOLVE, start, stop, Confidence.MEDIUM, Message("take.dissolve"))
        for start, stop in dissolves(small)
        if begin <= (start + stop) / 2 <= last
    ]


def _miniature(picture: Small) -> Miniature:
    import cv2

    everywhere = np.ones(GRID, np.bool_)
    grey = cv2.resize(picture.grey, (GRID[1] * 6, GRID[0] * 6), interpolation=cv2.INTER_AREA)
    return Miniature(picture.time, grey.astype(np.float32), everywhere, ~everywhere)


def _blind(run: Steps, first: int, end: int) -> list[Unseen]:
    """Finds stretches where a trial cut of half a second, tried every half second, does not show.

    Near an end the result of the nearest trial holds.
    """
    times = np.array([picture.time for picture in run.pictures])
    ends = np.minimum(np.searchsorted(times, times + _LOST_S), len(times) - 1)
    near = np.arange(10, len(times) - 10)
    possible = near[ends[near] < len(times) - 10]
    if not possible.size:
        return (
            [Unseen(float(times[0]), float(times[-1]), Message("take.short"))] if first == 0 else []
        )
    out: list[Unseen] = []
    for start in np.arange(times[first], times[end - 1], _EVERY_S).tolist():
        place = int(possible[np.abs(times[possible] - start).argmin()])
        if run.would_show(place, int(ends[place]) - place) < CUT_Z:
            stop = min(start + _EVERY_S, float(times[-1]))
            out.append(Unseen(start, stop, _why(run.pictures[place].grey, run, place)))
    return out


def _why(grey: NDArray[np.uint8], run: Steps, place: int) -> Message:
    """Tells why a cut would not show: the picture is black, still, or moves too much."""
    if float(np.quantile(grey, 0.9)) < _DARK:
        return Message("take.black")
    still = np.median(np.abs(run.residual[max(1, place - 12) : place + 13])) < 1.5
    return Message("take.static") if still else Message("take.restless")


def _frozen(held: Sequence[float]) -> list[Unseen]:
    """Finds stretches of pictures that show the same for longer than half a second."""
    times = np.array(held)
    runs = np.split(times, np.flatnonzero(np.diff(times) > 0.1) + 1) if times.size else []
    frozen = Message("take.frozen")
    return [
        Unseen(float(run[0]), float(run[-1]), frozen) for run in runs if np.ptp(run) >= _FROZEN_S
    ]
