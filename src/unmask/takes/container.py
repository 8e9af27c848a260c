"""Evidence on a take from a film's packets alone: times, key frames, encoder and repeated bytes.

Nothing is decoded. A camera that films without a pause gives times in even steps and key frames in
one rhythm, introduces its encoder once, and never gives the same bytes twice.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from unmask.messages import Message
from unmask.takes import numbering
from unmask.takes.findings import BreakKind, Confidence, Finding
from unmask.types import Packets

GAP_S = 0.5
"""Seconds without a picture that mean a stop at an even rate; a shorter gap is dropped pictures."""
_HELD_S = 2.0
"""The same at a varying rate, where pictures that do not change are left out."""
_EVEN = 0.9
"""Least share of steps of one length at an even rate."""
_FEWEST_GROUPS = 4
"""Least number of groups of pictures that show a rhythm of key frames."""
_TELLING_BYTES = 150
"""Size below which a packet only says that nothing changed, bytes; many such are alike."""
_FEWEST_ALIKE = 5
"""Least number of different packets that recur before a stretch counts as repeated."""
_REPEAT_S = 0.9
_SKIPPED = 12
"""Most packets in a repeated stretch that may differ, or say nothing."""
_PARTS = 5
"""Least number of evenly spaced encoder restarts that are no joins.

Such an encoder works in parts, as online services do.
"""
_MOST_MARKS = 0.01
"""Share of the pictures above which uneven times are ignored."""


def clock(packets: Packets) -> NDArray[np.float64]:
    """Returns the presentation time of each packet, s from the first, in the order of the file.

    Times that start over are continued instead.
    """
    ticks = packets.ticks.astype(np.float64) * float(packets.tick)
    ticks -= ticks[:33].min()
    step = float(np.median(np.abs(np.diff(np.sort(ticks[:1000]))))) if ticks.size > 1 else 0.0
    for place in restarts(packets):
        ticks[place:] += ticks[:place].max() + step - ticks[place : place + 33].min()
    return ticks


def restarts(packets: Packets) -> list[int]:
    """Returns the numbers of the key frames at which times start over."""
    found: list[int] = []
    since = 0
    while True:
        ticks = packets.ticks[since:]
        latest = np.maximum.accumulate(ticks)
        back = packets.keys[since + 1 :] & ((latest[:-1] - ticks[1:]) * float(packets.tick) > 1.0)
        places = np.flatnonzero(back)
        if not places.size or len(found) == 100:
            return found
        since += int(places[0]) + 1
        found.append(since)


def findings(packets: Packets) -> list[Finding]:
    """Finds everything in the packets that breaks a take, or is noted about it."""
    shown = clock(packets)
    times = np.sort(shown)
    return [
        *_restarted(packets, shown),
        *_gaps(times),
        *_begun(packets, shown),
        *_rhythm(packets, shown),
        *_repeated(packets, shown),
        *numbering.findings(packets, shown, _usual(np.diff(times))),
    ]


def marks(packets: Packets) -> list[float]:
    """Returns times, s, of oddities that need not be breaks, but are worth decoding."""
    shown = clock(packets)
    times = np.sort(shown)
    steps = np.diff(times)
    odd: list[float] = []
    if (usual := _usual(steps)) and steps.size:
        off = np.abs(steps - usual) > max(0.3 * usual, 0.002)
        odd += times[1:][off].tolist() if off.mean() < _MOST_MARKS else []
    keys = np.flatnonzero(packets.keys)
    lengths = np.diff(keys)
    if (
        lengths.size >= 2 * _FEWEST_GROUPS
        and (lengths == (usual_length := _mode(lengths))).mean() >= 0.8
    ):
        odd += shown[keys[1:]][lengths != usual_length].tolist()
    return sorted(odd)


def between(before: Packets, after: Packets, at: float) -> list[Finding]:
    """Compares the clocks of two consecutive files that meet at ``at`` s of the take.

    A gap means that a camera stopped between them.
    """
    step = (
        float(np.median(np.diff(np.sort(before.ticks[-1000:])))) if before.ticks.size > 1 else 0.0
    )
    ends = (float(before.ticks.max()) + step) * float(before.tick)
    stopped = float(after.ticks.min()) * float(after.tick) - ends
    gap = Message("take.gap", {"length": stopped})
    return [Finding(BreakKind.GAP, at, at, Confidence.MEDIUM, gap)] if stopped >= GAP_S else []


def _restarted(packets: Packets, shown: NDArray[np.float64]) -> Iterator[Finding]:
    for place in restarts(packets):
        at = float(shown[place])
        yield Finding(
            BreakKind.JOIN, float(shown[:place].max()), at, Confidence.HIGH, Message("take.restart")
        )


def _gaps(times: NDArray[np.float64]) -> Iterator[Finding]:
    steps = np.diff(times)
    if not steps.size:
        return
    usual = _usual(steps)
    least = GAP_S if usual else max(_HELD_S, 4 * float(np.quantile(steps, 0.999)))
    for place in np.flatnonzero(steps > (1.5 * usual if usual else least)).tolist():
        start, end, seconds = float(times[place]), float(times[place + 1]), float(steps[place])
        if seconds >= least + (usual or 0):
            gap = Message("take.gap", {"length": seconds})
            yield Finding(
                BreakKind.GAP, start, end, Confidence.HIGH if usual else Confidence.MEDIUM, gap
            )
        elif usual:
            dropped = Message("take.dropped", {"count": max(1, round(seconds / usual) - 1)})
            yield Finding(BreakKind.DROPPED, start, end, Confidence.HIGH, dropped)


def _usual(steps: NDArray[np.float64]) -> float:
    """Returns the usual step of a film, s; 0 where its rate varies."""
    if not steps.size:
        return 0.0
    usual = float(np.median(steps))
    return usual if (np.abs(steps - usual) <= max(0.1 * usual, 0.0015)).mean() >= _EVEN else 0.0


def _begun(packets: Packets, shown: NDArray[np.float64]) -> Iterator[Finding]:
    """Finds where an encoder began anew, unless it does so in an even rhythm."""
    begun = np.array(packets.begun, np.intp)
    apart = np.diff(begun)
    if (
        begun.size >= _PARTS
        and (np.abs(apart - np.median(apart)) <= 0.1 * np.median(apart)).mean() >= 0.8
    ):
        return
    for place in begun.tolist():
        at = float(shown[place])
        before = float(shown[:place][shown[:place] < at].max(initial=0.0))
        yield Finding(BreakKind.JOIN, before, at, Confidence.HIGH, Message("take.encoder"))


def _rhythm(packets: Packets, shown: NDArray[np.float64]) -> Iterator[Finding]:
    """Finds where the rhythm of key frames changes from one to another."""
    keys = np.flatnonzero(packets.keys)
    lengths = np.diff(keys)
    if lengths.size < 2 * _FEWEST_GROUPS or lengths.max() == 1:
        return
    first, last = lengths[:_FEWEST_GROUPS], lengths[-_FEWEST_GROUPS:]
    if np.ptp(first) or np.ptp(last) or first[0] == last[0]:
        return
    change = int(np.flatnonzero(lengths != first[0])[0])
    if (lengths[change + 1 :] == last[0]).mean() >= 0.95:
        at = keys[change] if lengths[change] == last[0] else keys[change + 1]
        rhythm = Message("take.rhythm", {"before": int(first[0]), "after": int(last[0])})
        yield Finding(
            BreakKind.JOIN, float(shown[keys[change]]), float(shown[at]), Confidence.MEDIUM, rhythm
        )


def _mode(values: NDArray[np.int64]) -> int:
    distinct, counts = np.unique(values, return_counts=True)
    return int(distinct[counts.argmax()])


def _repeated(packets: Packets, shown: NDArray[np.float64]) -> Iterator[Finding]:
    """Finds stretches of packets that came before, byte for byte: recorded once, put in twice."""
    telling = np.flatnonzero(packets.sizes > _TELLING_BYTES)
    order = telling[np.argsort(packets.crcs[telling], kind="stable")]
    same = (np.diff(packets.crcs[order].astype(np.int64)) == 0) & (
        np.diff(packets.sizes[order]) == 0
    )
    first, second = order[:-1][same], order[1:][same]
    far = shown[second] - shown[first] > GAP_S
    first, lag = first[far], (second - first)[far]
    turn = np.lexsort((first, lag))
    first, lag = first[turn], lag[turn]
    parts = np.flatnonzero((np.diff(lag) != 0) | (np.diff(first) > _SKIPPED)) + 1
    for run, away in zip(np.split(first, parts), np.split(lag, parts), strict=True):
        if run.size and np.unique(packets.crcs[run]).size >= _FEWEST_ALIKE:
            before, after = shown[run], shown[run + away[0]]
            if np.ptp(after) >= _REPEAT_S:
                since = {"original_start": float(before.min()), "original_end": float(before.max())}
                repeat = Message("take.repeat", since)
                yield Finding(
                    BreakKind.REPEAT,
                    float(after.min()),
                    float(after.max()),
                    Confidence.HIGH,
                    repeat,
                )
