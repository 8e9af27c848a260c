"""Detection of damaged pictures of a video, for `unmask.media`.

It finds more than those that a demuxer or a decoder flags.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmask.media.times import FrameIndex
from unmask.types import Damage

if TYPE_CHECKING:
    from av import VideoFrame

_INTRA = (0, 1)
"""AV_PICTURE_TYPE_I, as PyAV numbers it, and the value where a decoder gives no type."""
_APART = 8
"""Distance, pictures, below which two damaged ones belong to one stretch.

One error leaves such gaps in order of presentation.
"""
LEAST_ZEROS = bytes(32)
"""Run of zeros that no arithmetic coder leaves in a picture.

A download that lost its middle, or a bad disk, leaves one.
"""


class _Waiting(NamedTuple):
    """A picture that came out of the decoder.

    Attributes:
        place: in order of decoding.
        needs: time until which pictures decoded before it are shown.
    """

    place: int
    needs: float
    number: int
    picture: VideoFrame


class Arrivals:
    """Separates whole packets from broken ones, in the order of the file.

    From a broken packet to the next whole key frame all pictures are damaged, because each refers
    to one before it. So are those that come after that key frame in the file and are shown before
    it.
    """

    def __init__(self) -> None:
        self._broken, self._fresh = False, -math.inf

    def damaged(self, when: int, key: bool, whole: bool) -> bool:
        """Tells whether the picture of the next packet, shown at ``when``, is damaged."""
        if not whole:
            self._broken = True
        elif key and self._broken:
            self._broken, self._fresh = False, when
        return self._broken or when < self._fresh


class Inspection:
    """Separates intact pictures from damaged ones, as they leave a decoder, and notes the damaged.

    A decoder flags the pictures that it could not decode, but not those that refer to them, which
    look as bad. So from a flag or an error on, in order of decoding, to the next intact key frame
    all are damaged. A picture waits here until all that were decoded before it have come out,
    because a flag shows only then.

    Args:
        damaged: bool ``(n,)``, by number: what is known so far, and where more is noted.
    """

    def __init__(self, damaged: NDArray[np.bool_]) -> None:
        self._damaged = damaged
        self._sent, self._latest = 0, -math.inf
        self._inside: dict[int, tuple[int, float]] = {}
        self._waiting: list[_Waiting] = []
        self._since: int | None = None
        self._until = 0
        self._first: int | None = None
        self._out = -1

    def send(self, when: int) -> None:
        """Notes that a packet whose picture is shown at ``when`` goes to the decoder."""
        self._sent += 1
        self._latest = max(self._latest, when)
        self._inside[when] = self._sent, self._latest

    def fail(self) -> None:
        """Notes an error of the decoder.

        It concerns the last packet or, as the decoder works on several, one whose picture is not
        out.
        """
        self._break(
            min((place for place, _ in self._inside.values()), default=self._sent), self._sent
        )

    def take(self, number: int, when: int, picture: VideoFrame) -> Iterator[tuple[int, VideoFrame]]:
        """Takes a picture that came out.

        Yields the intact pictures, with their numbers, that need not wait any more.
        """
        place, needs = self._inside.get(when, (self._sent, when))
        self._inside = {tick: sent for tick, sent in self._inside.items() if tick > when}
        intra = picture.pict_type in _INTRA
        lost_its_head = place == 1 and picture.key_frame and not intra
        if picture.is_corrupt or lost_its_head or self._damaged[number]:
            self._break(place, place)
        yield from self._release(when)
        if self._since is not None and place > self._until and picture.key_frame and intra:
            self._note(number)
            self._since = self._first = None
        self._waiting.append(_Waiting(place, needs, number, picture))
        yield from self._release(when)

    def rest(self) -> Iterator[tuple[int, VideoFrame]]:
        """Yields the intact pictures that still wait for others, once nothing more comes out."""
        yield from self._release(math.inf)
        if self._since is not None:
            self._note(self._damaged.size)

    def _release(self, when: float) -> Iterator[tuple[int, VideoFrame]]:
        ready = [one for one in self._waiting if one.needs <= when]
        self._waiting = [one for one in self._waiting if one.needs > when]
        for one in ready:
            if self._since is None or one.place < self._since:
                self._out = one.number
                yield one.number, one.picture
            else:
                self._first = one.number if self._first is None else self._first
                self._note(one.number + 1)

    def _note(self, end: int) -> None:
        """Marks all pictures up to ``end`` as damaged.

        The first is the first that came out damaged, or else the one after the last intact one.
        """
        self._damaged[self._out + 1 if self._first is None else self._first : end] = True

    def _break(self, since: int, until: int) -> None:
        self._since = since if self._since is None else min(since, self._since)
        self._until = max(until, self._until)


def stretches(damaged: NDArray[np.bool_], index: FrameIndex, duration: float) -> tuple[Damage, ...]:
    """Returns the stretches of damaged pictures, in order of time.

    A few intact pictures between two stretches do not separate them.
    """
    numbers = np.flatnonzero(damaged)
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) > _APART) + 1) if numbers.size else []
    shown = np.append(index.seconds(), duration)
    return tuple(Damage(float(shown[run[0]]), float(shown[run[-1] + 1]), run.size) for run in runs)
