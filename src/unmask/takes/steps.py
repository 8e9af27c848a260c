"""Steps from each picture of a film to the next: unexplained rest, and change of movement.

At a cut inside one shot nothing is new, but everything moves at once: more than the movement before
and after predicts, and more than dense optical flow can explain. Both are measured in small
pictures, and compared with the steps around.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.types import Small

BLOCKS = (9, 16)
"""Blocks of a small picture, down and across; 10 px each."""
_MOST_CHANGED = 12
"""Blocks whose mean counts; a person who walks through a wide picture covers a tenth of it."""
_WIDE = 0.6
"""Quantile of the blocks whose turn counts.

A moving camera turns all blocks; a blink or a wrong flow turns a few. With a still camera, only the
blocks with a moving person turn most.
"""
_AROUND = 25
"""Steps on either side with which one is compared; a second of most film."""
_BESIDE = _AROUND + 3
"""Pictures on either side that the measurement of a step depends on."""
_NEAR = 8
"""Steps on either side, none of which may come near a cut."""
_SPREAD = 0.12
"""Least spread of the logarithms around, so that before a still camera a breath is no cut."""
_ADDED = (0.6, 0.08, 0.08)
"""Grey levels and px that are added before logarithms are taken: below is noise."""
_LEAST = (2.2, 0.4, 0.4)
"""Grey levels and px below which a step is never a cut."""
_OVER_NEXT = (0.0, 1.4, 1.4)
"""Least ratio to the steps on both sides.

A jump turns flow there by half as much; the start of a movement turns it twice alike.
"""
_LEFT_OVER_NEXT = 1.2
"""Least ratio of the residual to that of both neighbours where only a few blocks turn.

Flow errs where a small thing, such as a hand, starts to move or a key frame redraws it. What jumps
leaves more than it does one step earlier or later. In 18 hours of one take this alone told eight
such moments from cuts; it hid none of the cuts tried in it.
"""
_HELD, _LOOKED_BACK = 0.12, 50
"""Share of the usual difference below which a picture repeats the one before and is skipped.

The usual difference is the upper quartile of so many neighbours. Screens, and cameras in the dark,
give many such pictures.
"""
_SAME = 0.004
"""Difference below which two pictures are identical, grey levels."""
_MOVES = 0.12
"""Usual movement per step from which something moves in a block, px."""
_JUMPED = 3.0
"""Least change of a block that jumped, in units of its usual change."""
_GO_ON = 0.3
"""Least share of the moving blocks that must jump at a cut.

If fewer jump, something was laid over the picture.
"""
CUT_Z = 8.0
"""Robust z from which a step stands out as a cut.

Chosen, as no footage with known cuts has fitted it yet.
"""
MARKED_Z = 5.0
"""The same where something else already points to a cut, such as a click or an odd key frame."""
_OVER_NEAR = 1.7
"""Least ratio to the largest step nearby; fast movement stays large for several pictures."""
_OVER_ALL = 3.0
"""Ratio to the largest of all steps around from which a step stands out, whatever their spread.

Within one shot it is 1.2 at most.
"""
_OVER_NEAR_KEY = 4.0
"""The same at a key frame, which restores detail lost in coding, so that flow errs as well."""
_BACK = 0.45
"""Share of a step, from the picture before it to one soon after, below which it was a flash."""
_FLASH = 10


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A run of pictures and the steps between them.

    Number i is the step from picture i - 1 to i; number 0 is empty.

    Attributes:
        pictures: n of them.
        left: float32 ``(n, 9, 16)``: the rest that flow leaves unexplained, grey levels, by block.
        flow: float32 ``(n, 9, 16, 2)``: movement, px.
        residual: float ``(n,)``: the mean of ``left`` over the blocks where most is left.
        turn: float ``(n,)``: distance of flow from that of the steps before and after, px, in a
            wide part of the picture.
        turn_most: float ``(n,)``: the same, the mean of the blocks where it is largest.
    """

    pictures: Sequence[Small]
    left: NDArray[np.float32]
    flow: NDArray[np.float32]
    residual: NDArray[np.float64]
    turn: NDArray[np.float64]
    turn_most: NDArray[np.float64]

    @classmethod
    def of(
        cls, pictures: Sequence[Small], left: NDArray[np.float32], flow: NDArray[np.float32]
    ) -> Steps:
        """Sums up measurements by block."""
        away = _turns(flow)
        turn = np.quantile(away.reshape(len(away), -1), _WIDE, axis=1)
        return cls(tuple(pictures), left, flow, _of_most(left), turn, _of_most(away))

    def z(self, number: int) -> float:
        """Returns how far a step stands out: the highest z of the residual and the two turns.

        It is the robust z of the logarithm against the steps around that are not held, or the ratio
        to the largest of these. It is 0 where a step is near others like it, or is small.
        """
        best = 0.0
        over_near = _OVER_NEAR_KEY if self.pictures[number].key else _OVER_NEAR
        measured = zip(
            (self.residual, self.turn, self.turn_most), _ADDED, _LEAST, _OVER_NEXT, strict=True
        )
        for values, added, least, over_next in measured:
            near, around = self._others(values, number)
            if around.size < _NEAR:
                continue
            value, beside = (
                float(values[number]),
                float(max(values[number - 1], values[number + 1])),
            )
            if value < max(least, over_near * float(near.max(initial=0.0)), over_next * beside):
                continue
            if values is self.turn_most and not self._leaves_more(number):
                continue
            logs = np.log(around + added)
            middle = float(np.median(logs))
            spread = max(_SPREAD, 1.4826 * float(np.median(np.abs(logs - middle))))
            over_all = float(np.log((value + added) / np.exp(logs.max())) / np.log(_OVER_ALL))
            best = max(best, (float(np.log(value + added)) - middle) / spread, CUT_Z * over_all)
        return best

    def _leaves_more(self, number: int) -> bool:
        """Tells whether flow leaves clearly more unexplained at a step than beside it."""
        beside = max(self.residual[number - 1], self.residual[number + 1])
        return bool(self.residual[number] >= max(_LEAST[0], _LEFT_OVER_NEXT * beside))

    def _others(
        self, values: NDArray[np.float64], number: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns values of the steps near a step, and of all around, without its neighbours.

        Empty where the run ends too near.
        """
        before = values[max(1, number - _AROUND) : max(1, number - 1)]
        after = values[number + 2 : number + _AROUND + 1]
        if min(before.size, after.size) < _NEAR:
            return values[:0], values[:0]
        return np.concatenate([before[1 - _NEAR :], after[: _NEAR - 1]]), np.concatenate(
            [before, after]
        )

    def stands_out(self, number: int) -> float:
        """Returns the z of a step; 0 where it is a flash."""
        z = self.z(number)
        return 0.0 if z >= MARKED_Z and self._is_flash(number) else z

    def _is_flash(self, number: int) -> bool:
        before, least = self.pictures[number - 1], _BACK * float(self.residual[number])
        later = self.pictures[number + 1 : number + 1 + _FLASH]
        return any(
            float(_of_most(between(before.grey, after.grey)[0][None])[0]) < least for after in later
        )

    def fits(self, number: int) -> bool:
        """Tells whether a step is too much like the largest ones near it to be a cut."""
        measured = zip((self.residual, self.turn, self.turn_most), _ADDED, strict=True)
        for values, added in measured:
            near, _ = self._others(values, number)
            if not near.size or values[number] > _OVER_NEAR * float(near.max()) + added:
                return False
        return True

    def outside(self, blocks: NDArray[np.bool_]) -> Steps:
        """Measures the same steps without some blocks, bool ``(9, 16)``."""
        left = np.where(blocks, np.float32(0), self.left)
        flow = np.where(blocks[..., None], np.float32(0), self.flow)
        return Steps.of(self.pictures, left, flow)

    def goes_on(self, number: int) -> bool:
        """Tells whether most that moved before and after a step moves on undisturbed."""
        first, last = max(0, number - _NEAR), min(number + _NEAR, len(self.pictures))
        flow, at = self.flow[first:last], number - first
        others = [i for i in range(1, len(flow)) if abs(i - at) > 1]
        moves = np.median(np.linalg.norm(flow, axis=-1)[others], axis=0) > _MOVES
        turns, left = _turns(flow), self.left[first:last]
        jumped = left[at] > _JUMPED * (np.median(left[others], axis=0) + _ADDED[0])
        jumped |= turns[at] > _OVER_NEAR * (turns[others].max(axis=0) + _MOVES)
        return bool(moves.sum() >= 3 and jumped[moves].mean() < _GO_ON)

    def would_show(self, number: int, lost: int) -> float:
        """Returns the z of a cut that takes ``lost`` pictures out of this run at ``number``."""
        if number < 2 or number + lost >= len(self.pictures) - 1:
            return 0.0
        first, last = max(0, number - _BESIDE), min(number + lost + _BESIDE, len(self.pictures))
        kept = [*range(first, number), *range(number + lost, last)]
        pictures, at = [self.pictures[i] for i in kept], number - first
        left, flow = self.left[kept], self.flow[kept]
        left[at], flow[at] = between(pictures[at - 1].grey, pictures[at].grey)
        return Steps.of(pictures, left, flow).stands_out(at)


def run(pictures: Sequence[Small]) -> Steps:
    """Measures the steps of a run of pictures."""
    return next(runs(pictures, len(pictures), 0))


class Held:
    """Pictures that repeat the one before; they are skipped.

    To continue a run that was left, give what it had found, and the times of the pictures that it
    had kept last: those are judged as before.

    Attributes:
        times: their times, s.
        changes: how much the last pictures differed from those before, grey levels.
        continues: whether it continues a run that was left.
    """

    def __init__(
        self,
        times: Iterable[float] = (),
        changes: Iterable[float] = (),
        kept: Iterable[float] = (),
    ) -> None:
        self.times = list(times)
        self.changes = deque(changes, maxlen=_LOOKED_BACK)
        self._kept = frozenset(kept)
        self._until = max(self._kept, default=-math.inf)
        self.continues = bool(self._kept)

    def repeats(self, before: Small, picture: Small) -> bool:
        """Tells whether a picture repeats the one before, and notes it if so."""
        if picture.time <= self._until:
            return picture.time not in self._kept
        change = float(np.abs(before.grey.astype(np.int16) - picture.grey).mean())
        self.changes.append(change)
        if change >= max(_SAME, _HELD * float(np.quantile(self.changes, 0.75))):
            return False
        self.times.append(picture.time)
        return True


def runs(
    pictures: Iterable[Small], length: int, margin: int, held: Held | None = None
) -> Iterator[Steps]:
    """Yields runs of ``length`` pictures with up to ``margin`` more on either side.

    Each step is measured once. Pictures that repeat the one before are skipped, and noted in
    ``held``.
    """
    held = held or Held()
    no_change, no_flow = np.zeros(BLOCKS, np.float32), np.zeros((*BLOCKS, 2), np.float32)
    kept: list[Small] = []
    lefts: list[NDArray[np.float32]] = []
    flows: list[NDArray[np.float32]] = []
    for picture in pictures:
        if kept and held.repeats(kept[-1], picture):
            continue
        left, flow = between(kept[-1].grey, picture.grey) if kept else (no_change, no_flow)
        kept.append(picture)
        lefts.append(left)
        flows.append(flow)
        if len(kept) == length + 2 * margin and margin:
            yield Steps.of(kept, np.array(lefts), np.array(flows))
            for values in (kept, lefts, flows):
                del values[:length]
    if kept:
        yield Steps.of(kept, np.array(lefts), np.array(flows))


def _turns(flow: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the distance of flow from the mean of the steps before and after, px, ``(n, 9, 16)``.

    It is 0 at the ends, where a neighbour is missing.
    """
    away = np.zeros(flow.shape[:3])
    if len(flow) > 3:
        away[2:-1] = np.linalg.norm(flow[2:-1] - (flow[1:-2] + flow[3:]) / 2, axis=-1)
    return away


def _of_most(values: NDArray[Any]) -> NDArray[np.float64]:
    """Returns the mean of each picture's highest blocks, from ``(n, 9, 16)``."""
    flat = values.reshape(len(values), -1)
    return np.asarray(
        np.partition(flat, -_MOST_CHANGED, axis=1)[:, -_MOST_CHANGED:].mean(axis=1), np.float64
    )


def between(
    before: NDArray[np.uint8], after: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Compares two pictures by block.

    Returns the rest that flow leaves unexplained, grey levels ``(9, 16)``, and flow, px ``(9, 16,
    2)``. A change of light over the whole picture is removed first.
    """
    import cv2

    a, b = before.astype(np.float32), after.astype(np.float32)
    gain = float(np.clip(a.std() / max(float(b.std()), 1.0), 0.5, 2.0))
    b = (b - b.mean()) * gain + a.mean()
    flow = _flow().calc(before, np.clip(b, 0, 255).astype(np.uint8), None)
    x, y = (np.ascontiguousarray(to) for to in np.moveaxis(_grid() + flow, -1, 0))
    moved_back = cv2.remap(b, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    left = cv2.resize(np.abs(moved_back - a), BLOCKS[::-1], interpolation=cv2.INTER_AREA)
    return left, cv2.resize(flow, BLOCKS[::-1], interpolation=cv2.INTER_AREA)


@cache
def _flow() -> Any:
    import cv2

    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)


@cache
def _grid() -> NDArray[np.float32]:
    y, x = np.mgrid[0:90, 0:160].astype(np.float32)
    return np.stack([x, y], axis=-1)
