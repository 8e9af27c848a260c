"""From each picture of a film to the next: what is left when everything that moved was moved back,
and how movement turned.

At a cut inside one shot nothing is new, but all has moved at once: more than movement before and
after foretells, and more than dense optical flow can explain. Both are measured in small pictures,
and compared with the steps around.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.types import Small

BLOCKS = (9, 16)
"""of a small picture, down and across; 10 px each."""
_MOST_CHANGED = 12
"""blocks whose mean counts: someone who walks through a wide picture is a tenth of it."""
_WIDE = 0.6
"""Quantile of the blocks whose turn counts: a camera that moves turns them all, a blink or a wrong
flow a few. Before a camera
that stands, only the blocks turn most in which somebody moves.
"""
_AROUND = 25
"""steps on either side with which one is compared; a second of most film."""
_NEAR = 8
"""steps on either side of which none may come near a cut."""
_SPREAD = 0.12
"""Least spread of the logarithms around, so that a still camera does not make a cut of every
breath.
"""
_ADDED = (0.6, 0.08, 0.08)
"""Grey levels and px that are added before logarithms are taken: below is noise."""
_LEAST = (2.2, 0.4, 0.4)
"""Grey levels and px, below which a step is never a cut."""
_OVER_NEXT = (0.0, 1.4, 1.4)
"""times the steps on both sides, at least: a jump turns flow there by half as much, what begins to
move turns it twice alike.
"""
_HELD, _LOOKED_BACK = 0.12, 50
"""Share of what neighbours usually differ by, the upper quartile of so many: a picture that differs
by less is the one before,
shown again, and passed over. Screens and cameras in the dark give many.
"""
_SAME = 0.004
"""Grey levels; by less nothing differs at all."""
_MOVES = 0.12
"""px that a block must usually move in a step to be one in which something moves."""
_JUMPED = 3.0
"""times its usual that a block must change to have jumped."""
_GO_ON = 0.3
"""Share of the blocks with movement that must jump at a cut; where fewer do, something was laid
over the picture.
"""
CUT_Z = 8.0
"""Robust z from which a step stands out as a cut; chosen, as no footage with known cuts has fitted
it yet.
"""
MARKED_Z = 5.0
"""The same where something else already points to a cut, as a click or an odd key frame."""
_OVER_NEAR = 1.7
"""times the most of the steps near: what moves fast does so for several pictures."""
_OVER_ALL = 3.0
"""times the most of all the steps around, from which one stands out, however much these differ;
within one shot 1.2 at most.
"""
_OVER_NEAR_KEY = 4.0
"""The same at a key frame, which shows anew what coding had lost before it, so that flow errs, too.
"""
_BACK = 0.45
"""of a step, left from the picture before it to one soon after it: then it was a flash, and no cut.
"""
_FLASH = 10


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A run of pictures and what lies between them; number i is the step from picture i - 1 to i,
    and 0 is none.

    Attributes:
        pictures: n of them.
        left: float32 ``(n, 9, 16)``: what flow leaves unexplained, grey levels, by block.
        flow: float32 ``(n, 9, 16, 2)``: how far things moved, px.
        residual: float ``(n,)``: the mean of ``left`` over the blocks where most is left.
        turn: float ``(n,)``: how far flow is from that of the steps before and after, px, in a wide
            part of the picture.
        turn_most: float ``(n,)``: the same, the mean of the blocks where it is farthest.
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
        """Sums up what was measured by block."""
        away = _turns(flow)
        turn = np.quantile(away.reshape(len(away), -1), _WIDE, axis=1)
        return cls(tuple(pictures), left, flow, _of_most(left), turn, _of_most(away))

    def z(self, number: int) -> float:
        """How a step stands out; the highest of what it is by residual and by either turn.

        Robust z of the logarithm against the steps around that are not held, or by how much it is
        above all of these; 0 where it is near others like it, or is small.
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
            logs = np.log(around + added)
            middle = float(np.median(logs))
            spread = max(_SPREAD, 1.4826 * float(np.median(np.abs(logs - middle))))
            over_all = float(np.log((value + added) / np.exp(logs.max())) / np.log(_OVER_ALL))
            best = max(best, (float(np.log(value + added)) - middle) / spread, CUT_Z * over_all)
        return best

    def _others(
        self, values: NDArray[np.float64], number: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values of the steps near a step, and of all around it, without its neighbours; none where
        the run ends too near.
        """
        before = values[max(1, number - _AROUND) : max(1, number - 1)]
        after = values[number + 2 : number + _AROUND + 1]
        if min(before.size, after.size) < _NEAR:
            return values[:0], values[:0]
        return np.concatenate([before[1 - _NEAR :], after[: _NEAR - 1]]), np.concatenate(
            [before, after]
        )

    def stands_out(self, number: int) -> float:
        """The z of a step itself, 0 where it is a flash."""
        z = self.z(number)
        return 0.0 if z >= MARKED_Z and self._is_flash(number) else z

    def _is_flash(self, number: int) -> bool:
        before, least = self.pictures[number - 1], _BACK * float(self.residual[number])
        later = self.pictures[number + 1 : number + 1 + _FLASH]
        return any(
            float(_of_most(between(before.grey, after.grey)[0][None])[0]) < least for after in later
        )

    def goes_on(self, number: int) -> bool:
        """Whether most that moved before a step and after it moves on as if nothing had happened."""
        first, last = max(0, number - _NEAR), min(number + _NEAR, len(self.pictures))
        flow, at = self.flow[first:last], number - first
        others = [i for i in range(1, len(flow)) if abs(i - at) > 1]
        moves = np.median(np.linalg.norm(flow, axis=-1)[others], axis=0) > _MOVES
        turns, left = _turns(flow), self.left[first:last]
        jumped = left[at] > _JUMPED * (np.median(left[others], axis=0) + _ADDED[0])
        jumped |= turns[at] > _OVER_NEAR * (turns[others].max(axis=0) + _MOVES)
        return bool(moves.sum() >= 3 and jumped[moves].mean() < _GO_ON)

    def would_show(self, number: int, lost: int) -> float:
        """The z that a cut would have which took ``lost`` pictures from ``number`` on out of this
        run.
        """
        if number < 2 or number + lost >= len(self.pictures) - 1:
            return 0.0
        pictures = [*self.pictures[:number], *self.pictures[number + lost :]]
        left, flow = (
            np.delete(values, slice(number, number + lost), axis=0)
            for values in (self.left, self.flow)
        )
        left[number], flow[number] = between(pictures[number - 1].grey, pictures[number].grey)
        return Steps.of(pictures, left, flow).stands_out(number)


def run(pictures: Sequence[Small]) -> Steps:
    """Measures the steps of a run of pictures."""
    return next(runs(pictures, len(pictures), 0))


def runs(
    pictures: Iterable[Small],
    length: int,
    margin: int,
    held: Callable[[float], None] = lambda _time: None,
) -> Iterator[Steps]:
    """Runs of ``length`` pictures with ``margin`` more on either side, where there are; each step
    is measured once.

    Pictures that show the one before again are passed over; ``held`` is told their times.
    """
    no_change, no_flow = np.zeros(BLOCKS, np.float32), np.zeros((*BLOCKS, 2), np.float32)
    kept: list[Small] = []
    lefts: list[NDArray[np.float32]] = []
    flows: list[NDArray[np.float32]] = []
    changes: deque[float] = deque(maxlen=_LOOKED_BACK)
    for picture in pictures:
        if kept:
            changes.append(
                raw := float(np.abs(kept[-1].grey.astype(np.int16) - picture.grey).mean())
            )
            if raw < max(_SAME, _HELD * float(np.quantile(changes, 0.75))):
                held(picture.time)
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
    """How far flow is from the mean of the steps before and after, px, ``(n, 9, 16)``; 0 at the
    ends, where a step lacks.
    """
    away = np.zeros(flow.shape[:3])
    if len(flow) > 3:
        away[2:-1] = np.linalg.norm(flow[2:-1] - (flow[1:-2] + flow[3:]) / 2, axis=-1)
    return away


def _of_most(values: NDArray[Any]) -> NDArray[np.float64]:
    """The mean of each picture's blocks, ``(n, 9, 16)``, in which a value is highest."""
    flat = values.reshape(len(values), -1)
    return np.asarray(
        np.partition(flat, -_MOST_CHANGED, axis=1)[:, -_MOST_CHANGED:].mean(axis=1), np.float64
    )


def between(
    before: NDArray[np.uint8], after: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What flow leaves unexplained, grey levels ``(9, 16)``, and flow, px ``(9, 16, 2)``, of two
    pictures, by block.

    Light that changes for all is made alike first.
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
