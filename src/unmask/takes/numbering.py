"""Evidence on a take from the numbers that encoders give to pictures: where they do not go on.

Nothing is decoded. A number that should have come next and did not shows that pictures are missing,
however well the rest was cut. Standards leave encoders much freedom in what they count, so a rule
counts only where it held for some key frames before and after.

- idr_pic_id of H.264 (ISO/IEC 14496-10, 7.4.3) must differ only where two IDR pictures follow each
  other at once. Some encoders, such as x264, write 0 and 1 in turn everywhere, some count up, and
  some always write 0, which shows nothing.
- The pic order count of H.264 (8.2.1) and HEVC (ITU-T H.265, 8.3.1) goes on at key frames that are
  no IDR pictures (open groups of pictures), by 1 or 2 a picture.
- frame_num of H.264 (7.4.3) goes on there, too, by 1 a reference frame.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from unmask.messages import Message
from unmask.takes.findings import BreakKind, Confidence, Finding
from unmask.types import Numbers, Packets

_SIDE = 8
"""Key frames on either side of a break at which the numbers must have gone on."""
_PARTS = 5
"""Least number of breaks at which an alternating number begins as in a new encoder, and that are
no breaks of the take: the film was encoded in parts, as online services do."""
_LONG = 1.5
"""Ratio to the usual distance, of pictures or key frames, from which one in between is missing."""

Places = NDArray[np.intp]
"""Indices of key frames in `Numbers`."""


def findings(packets: Packets, shown: NDArray[np.float64], usual: float) -> Iterator[Finding]:
    """Finds where numbers do not go on, and nothing was lost in recording that would explain it.

    Args:
        packets: of the film.
        shown: time of each, s, in the order of the file.
        usual: step from picture to picture, s; 0 at a rate that varies.
    """
    numbers = packets.numbers
    if numbers.at.size <= 2 * _SIDE:
        return
    order = np.argsort(shown, kind="stable")
    ranks = np.empty(order.size, np.int64)
    ranks[order] = np.arange(order.size)
    damaged, gap, late = _losses(packets, shown, shown[order], ranks)
    turned, begun = _out_of_turn(packets)
    out_of_order = _out_of_order(numbers, shown, ranks, usual)
    sure = {*turned[~(gap & late)[turned]].tolist(), *_skipping(numbers, gap).tolist()}
    sure |= {*(out_of_order if usual else out_of_order[~gap[out_of_order]]).tolist()}
    likely = {*begun[~(gap & late)[begun]].tolist()}
    for place in sorted(sure | likely):
        if not damaged[place]:
            number = int(numbers.at[place])
            at, before = float(shown[number]), shown[:number]
            last = float(before[before < at].max(initial=0.0))
            confidence = Confidence.HIGH if place in sure else Confidence.MEDIUM
            yield Finding(BreakKind.JOIN, last, at, confidence, Message("take.numbers"))


def _losses(
    packets: Packets,
    shown: NDArray[np.float64],
    times: NDArray[np.float64],
    ranks: NDArray[np.int64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Tells of each key frame what happened since the one before; bool ``(m,)`` each.

    These are: a packet came broken; a picture is missing by the clock; the key frame is late, so
    that one before it can be missing.
    """
    at = packets.numbers.at
    broken = np.concatenate([[0], np.cumsum(packets.broken)])
    damaged = np.diff(broken[at + 1], prepend=0) > 0
    steps = np.diff(times)
    far = np.concatenate([[0, 0], np.cumsum(steps > _LONG * float(np.median(steps)))])
    gap = np.diff(far[ranks[at] + 1], prepend=0) > 0
    apart = np.diff(shown[at], prepend=shown[at[0]])
    around = sliding_window_view(np.pad(apart, _SIDE, "reflect"), 2 * _SIDE + 1)
    return damaged, gap, apart > _LONG * np.median(around, axis=1)


def _alone(broken: NDArray[np.bool_], held: NDArray[np.bool_]) -> Places:
    """Returns the places that are broken while those on both sides held."""
    runs = np.asarray(sliding_window_view(held, _SIDE).all(axis=1), np.bool_)
    places = np.flatnonzero(broken)
    places = places[(places >= _SIDE) & (places < held.size - _SIDE)]
    return places[runs[places - _SIDE] & runs[places + 1]]


def _out_of_turn(packets: Packets) -> tuple[Places, Places]:
    """Returns where idr_pic_id is not the next one, and where it may come from a new encoder.

    A new encoder that writes two values in turn begins with that of the film's first picture.
    """
    numbers = packets.numbers
    places = np.flatnonzero(numbers.idr >= 0)
    ids = numbers.idr[places]
    if ids.size <= 2 * _SIDE:
        return places[:0], places[:0]
    steps = np.diff(ids, prepend=ids[0])
    same = _alone(steps == 0, steps != 0)
    around = [ids[place - _SIDE - 1 : place + _SIDE + 1] for place in same.tolist()]
    same = same[np.array([np.unique(one).size == 2 for one in around], np.bool_)]
    first = same[ids[same] == ids[0]]
    known = np.isin(numbers.at[places[first]], packets.begun)
    begun = first[~known] if first.size < _PARTS else first[:0]
    counted = _alone((steps != 1) & (ids != ids.min()), steps == 1)
    return places[np.concatenate([same[ids[same] != ids[0]], counted])], places[begun]


def _out_of_order(
    numbers: Numbers, shown: NDArray[np.float64], ranks: NDArray[np.int64], usual: float
) -> Places:
    """Returns where the pic order count differs from the pictures and from the clock."""
    wraps = numbers.wraps[1:]
    known = (numbers.fresh[1:] == 0) & (wraps > 0) & (wraps == numbers.wraps[:-1])
    known &= (numbers.order[1:] >= 0) & (numbers.order[:-1] >= 0)
    counted = [np.diff(ranks[numbers.at])]
    if usual:
        counted.append(np.round(np.diff(shown[numbers.at]) / usual).astype(np.int64))
    turned = np.diff(numbers.order).astype(np.int64)
    held = [
        known & np.any([(turned - by * n) % np.maximum(wraps, 1) == 0 for n in counted], axis=0)
        for by in (1, 2)
    ]
    usually = max(held, key=np.count_nonzero)
    return _alone(known & ~usually, usually) + 1


def _skipping(numbers: Numbers, gap: NDArray[np.bool_]) -> Places:
    """Returns where frame_num says that pictures are missing, and the clock does not."""
    return _alone((numbers.skipped > 0) & ~gap, numbers.skipped == 0)
