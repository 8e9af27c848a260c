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
"""Least number of places at which a number begins anew in turn that are no breaks.

Such a film was encoded in parts, as online services do.
"""
_LONG = 1.5
"""Ratio to the usual distance, of pictures or key frames, from which one in between is missing."""

_REORDERED = 32
"""Pictures before a key frame in the file, among which is the last one shown before it."""

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
    times, ranks = shown[order], np.empty(order.size, np.int64)
    ranks[order] = np.arange(order.size)
    keys = shown[numbers.at]
    turned, begun = (frozenset(one.tolist()) for one in _out_of_turn(packets))
    out_of_order = frozenset(_out_of_order(numbers, shown, ranks, usual).tolist())
    skipping = frozenset(_skipping(numbers).tolist())
    for place in sorted(turned | begun | out_of_order | skipping):
        before, number = numbers.at[place - 1 : place + 1].tolist()
        clocked = place in out_of_order and usual > 0
        turn = place in turned | begun and not _late(keys, place)
        gap = not (clocked or turn) and _gap(times, *ranks[[before, number]].tolist())
        if gap or packets.broken[before + 1 : number + 1].any():
            continue
        at, earlier = float(shown[number]), shown[max(0, number - _REORDERED) : number]
        last = float(earlier[earlier < at].max(initial=0.0))
        sure = place in turned | out_of_order | skipping
        confidence = Confidence.HIGH if sure else Confidence.MEDIUM
        yield Finding(BreakKind.JOIN, last, at, confidence, Message("take.numbers"))


def _gap(times: NDArray[np.float64], before: int, after: int) -> bool:
    """Tells whether a picture is missing by the clock between two pictures in order of time."""
    steps = np.diff(times[max(0, before - _SIDE) : after + 1])
    return bool((steps[-max(1, after - before) :] > _LONG * float(np.median(steps))).any())


def _late(shown: NDArray[np.float64], place: int) -> bool:
    """Tells whether a key frame comes so late that one before it can be missing."""
    apart = np.diff(shown[place - _SIDE : place + _SIDE])
    return bool(apart[_SIDE - 1] > _LONG * float(np.median(apart)))


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
    if not known.any():
        return np.flatnonzero(known)
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


def _skipping(numbers: Numbers) -> Places:
    """Returns where frame_num says that pictures are missing."""
    return _alone(numbers.skipped > 0, numbers.skipped == 0)
