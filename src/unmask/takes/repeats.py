"""Repeated stretches of a film, recognised by how the picture changes within a second.

The block-by-block changes in one second practically never recur before the same scene unless they
were recorded once. Where nothing changes, nothing can be told. Each picture is compared with one of
each half second that came before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unmask.messages import Message
from unmask.takes.findings import BreakKind, Confidence, Finding
from unmask.types import Small

_STEPS, _STRIDE = 6, 4
"""Differences that describe a second, and the number of pictures that each one spans."""
_CHANGES, _LOOK = 48, 24
"""Lengths of the two parts of a description: how the picture changes, and how it looks.

Each is a random projection (Johnson and Lindenstrauss 1984).
"""
_EVERY = 12
"""Number of pictures from one that is remembered to the next."""
_ALIKE = (0.96, 0.9)
"""Least cosines of the two parts, in two descriptions of one recording."""
_LEAST = 0.8
"""Least root mean square change of the blocks within a description, grey levels; less is noise."""
_FEWEST = 4.5
"""Least number of blocks that the changes within a description are spread over.

It is the square of the sum of their squared changes over the sum of the squares (a participation
ratio). One hand that moves before a still camera moves alike again within hours.
"""
_IN_LINE = 2
"""Remembered pictures in a row that must recur at one distance."""
_FAR_S = 1.0
_SLACK_S = 0.05


class Memory:
    """Memory of the pictures shown; about 40 MB for 18 hours at 25 a second.

    Attributes:
        known: float32 ``(n, 72)``: descriptions of the pictures remembered.
        times: float ``(n,)``: their times, s.
        hits: times, s, of the last pictures that came before, and when they did.
    """

    def __init__(
        self,
        known: NDArray[np.float32] = np.zeros((0, _CHANGES + _LOOK), np.float32),
        times: NDArray[np.float64] = np.zeros(0),
        hits: Iterable[tuple[float, float]] = (),
    ) -> None:
        self.known, self.times = known, times
        self.hits: deque[tuple[float, float]] = deque(hits, maxlen=400)
        self._last: deque[Small] = deque(maxlen=_STEPS * _STRIDE + 1)

    def pass_over(self, pictures: Iterable[Small]) -> None:
        """Takes pictures that were judged before, so that the next ones have a second before."""
        for picture in pictures:
            self._follow(picture)

    def shown_again(self, pictures: Sequence[Small]) -> list[Finding]:
        """Finds the stretches among the next pictures that came before.

        Pictures are given in order, each once.
        """
        described = [
            (picture.time, code)
            for picture in pictures
            if (code := self._describe(picture)) is not None
        ]
        if not described:
            return []
        codes, times = (
            np.array([code for _, code in described]),
            np.array([time for time, _ in described]),
        )
        hits = [
            (float(times[i]), float(self.times[j]))
            for i, j in np.argwhere(_alike(codes, self.known))
        ]
        self.hits += [(now, then) for now, then in hits if now - then > _FAR_S]
        self.known = np.concatenate([self.known, codes[::_EVERY]])
        self.times = np.concatenate([self.times, times[::_EVERY]])
        return self._stretches(float(times[0]))

    def _describe(self, picture: Small) -> NDArray[np.float32] | None:
        """Describes a picture and the second before it, as two unit vectors in one.

        None where nothing or only little of the picture changed, or a picture is missing.
        """
        self._follow(picture)
        if len(self._last) < _STEPS * _STRIDE + 1:
            return None
        blocks = np.array([_blocks(self._last[i * _STRIDE].grey) for i in range(_STEPS + 1)])
        changes = np.diff(blocks, axis=0)
        size = float(np.linalg.norm(changes))
        if size < _LEAST * np.sqrt(changes.size) or _spread(changes) < _FEWEST:
            return None
        look = blocks[-1] - blocks[-1].mean()
        return np.concatenate([_projected(changes, _CHANGES), _projected(look, _LOOK)])

    def _follow(self, picture: Small) -> None:
        if self._last and picture.time - self._last[-1].time > 0.5:
            self._last.clear()
        self._last.append(picture)

    def _stretches(self, since: float) -> list[Finding]:
        """Joins hits at one distance in time that end among the newest pictures.

        At least two remembered pictures in a row must be hits.
        """
        out: list[Finding] = []
        by_distance: dict[int, list[tuple[float, float]]] = {}
        for now, then in self.hits:
            by_distance.setdefault(round((now - then) / _SLACK_S), []).append((now, then))
        for hits in by_distance.values():
            for row in self._in_rows(hits):
                nows, thens = zip(*row, strict=True)
                if len(set(thens)) < _IN_LINE or max(nows) < since:
                    continue
                before = {"original_start": min(thens) - 1.0, "original_end": max(thens)}
                again = Message("take.repeat", before)
                out.append(
                    Finding(BreakKind.REPEAT, min(nows) - 1.0, max(nows), Confidence.MEDIUM, again)
                )
        return out

    def _in_rows(self, hits: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
        """Splits hits where a remembered picture between them is no hit."""
        hits = sorted(hits, key=lambda hit: hit[1])
        places = np.searchsorted(self.times, [then for _, then in hits])
        ends = [*(np.flatnonzero(np.diff(places) > 1) + 1).tolist(), len(hits)]
        return [hits[start:end] for start, end in pairwise([0, *ends])]


def _spread(changes: NDArray[np.float32]) -> float:
    """Returns the number of blocks that changes, ``(n, 9, 16)`` and not all 0, are spread over."""
    by_block = np.square(changes, dtype=np.float64).sum(axis=0)
    return float(by_block.sum() ** 2 / np.square(by_block).sum())


def _blocks(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.resize(grey, (16, 9), interpolation=cv2.INTER_AREA), np.float32)


def _alike(codes: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tells of each description ``(m, 72)`` and each known one ``(n, 72)`` whether they agree."""
    changes, look = (
        codes[:, part] @ known[:, part].T > least
        for part, least in zip((slice(_CHANGES), slice(_CHANGES, None)), _ALIKE, strict=True)
    )
    return np.asarray(changes & look)


def _projected(values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Projects values onto a unit vector of so many numbers; the same number of values alike."""
    code = _projection(length, values.size) @ values.ravel()
    return np.asarray(code / max(float(np.linalg.norm(code)), 1e-9), np.float32)


@cache
def _projection(length: int, size: int) -> NDArray[np.float32]:
    return np.asarray(np.random.default_rng(1984).normal(0, 1, (length, size)), np.float32)
