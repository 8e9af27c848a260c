"""The protocol of one live check, the server's end: what is sent when, and what is refused.

A pure state machine: it has no clock and no network. Whoever owns both tells it the time, sends
what it says, and hands it what comes in. Steps (symbols or moves) go out one by one, each when it
is due; the client answers with the time at which it painted a step, and with camera frames,
numbered from 0.

What the client says of times is not believed further than it must be. Two clocks are at work, ours
and the client's, and a frame that arrives ``d`` seconds after the time it claims tells at most how
far they are apart: the smallest ``d`` is taken for that. Steps count from our own times of sending,
brought to the client's clock so; when one was painted only refuses those that cannot be, and
corrects for a network's jitter, by `JITTER` at most. A frame's time may be before its arrival by
`LATEST` at most. So whatever answers a step of light is here 1.24 s after it was sent at the
latest: its 0.4 s, the longest delay of `unmask.live.light`, less the end of it that may show the
next one, and `LATEST`.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

LEAD = 1.0
"""s from the beginning to the first step: the camera settles, the face is found."""

TAIL = 1.0
"""s after the end of the last step in which its answer may still come."""

LATEST = 0.4
"""s that a frame may take longer than the quickest one: what a network's jitter, a stalled
connection and the encoding of a
frame may add. Later ones do not count.
"""

PAINTED_LATEST = 1.0
"""s from sending a step to the word that it was painted; what is later ends the check."""

JITTER = 0.1
"""s by which a step's painting may be off the usual delay and is believed: a quarter of a symbol.
The shape is read with
it; neither freshness nor what is left unexplained rests on it.
"""

EARLIEST = 0.2
"""s by which a browser's clock may seem to go back: some round it to 0.1 s against fingerprinting.
"""

BEGUN_LATEST = 1.0
"""s that a client's first message may have taken; frames that claim to come from further ahead are
from the future.
"""

FRAME_BYTES = 64 << 10
"""Most bytes of a frame: one of 320 x 240 px as JPEG has about 25,000, twice that where the camera
is very noisy.
"""

TEXT_CHARACTERS = 200
"""Most characters of any other message."""

FRAMES_PER_SECOND = 30.0
"""Most frames that count, however they are spread."""

HEAD = struct.Struct(">Id")
"""Of a frame: its number, 32 bits unsigned, and its time, a double, both big-endian; the rest is a
JPEG.
"""


class Abuse(StrEnum):
    """Why a message is refused, and the session with it."""

    MALFORMED = "malformed"
    OVERSIZED = "oversized"
    TOO_MANY = "too many"
    REPLAYED = "replayed"
    REORDERED = "reordered"
    FORGED = "forged"
    LATE = "late"


class Refused(Exception):
    """A message that no honest client sends, or one that came too late to count; the session is
    over.
    """

    def __init__(self, abuse: Abuse) -> None:
        self.abuse = abuse
        super().__init__(abuse)


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """One frame as it came: ``time`` in s of the client's clock, ``jpeg`` as yet undecoded."""

    number: int
    time: float
    jpeg: bytes


class Session:
    """One live check from its beginning to its last frame.

    Args:
        steps: symbols or moves in all.
        seconds: how long each is shown, s.
        ahead: what our clock showed when the client's first message came, less the time that it
            claims, s.
        now: of our clock, s, at the beginning.

    Attributes:
        late: how many frames were left out as they came, because they came too late.
    """

    def __init__(self, steps: int, seconds: float, ahead: float, now: float) -> None:
        self._steps, self._seconds, self._begun = steps, seconds, now
        self._first = self._least = ahead
        self._sent: list[float] = []
        self._next, self._last = 0, -math.inf
        self._digest, self._digests = b"", set[bytes]()
        self._painted: list[float] = []
        self._taken: list[tuple[float, float]] = []
        self.late = 0

    @property
    def due(self) -> float:
        """When `step` is to be called next, s of our clock; never two steps sooner after one
        another than they may flash.
        """
        if not self._sent:
            return self._begun + LEAD
        return self._sent[-1] + self._seconds + (TAIL if len(self._sent) == self._steps else 0.0)

    def step(self, now: float) -> int | None:
        """The number of the step that is to be sent now; None at the end.

        Raises:
            Refused: at the end, where not every step was said to be painted.
        """
        if len(self._sent) < self._steps:
            self._sent.append(now)
            return len(self._sent) - 1
        if len(self._painted) < self._steps:
            raise Refused(Abuse.LATE)
        return None

    @property
    def sent(self) -> list[float]:
        """When each step was sent, s of the client's clock, but for the time that the quickest
        frame took.
        """
        return [time - self._least for time in self._sent]

    @property
    def shown(self) -> list[float]:
        """When each step that was painted would have been sent, had it been painted after the usual
        delay; see `JITTER`.
        """
        late = [painted - sent for painted, sent in zip(self._painted, self.sent, strict=False)]
        usual = median(late) if late else 0.0
        return [
            sent + min(max(one - usual, -JITTER), JITTER)
            for one, sent in zip(late, self.sent, strict=False)
        ]

    @property
    def counted(self) -> list[float]:
        """Times of the frames that count, by the quickest of all, which some came before."""
        return [time for time, took in self._taken if took <= self._least + LATEST]

    def receive(self, message: str | bytes, now: float) -> CameraFrame | None:
        """Takes in what came.

        Args:
            message: text, ``{"painted": number, "time": s}``, or bytes, a frame after its `HEAD`.
            now: s of our clock.

        Returns:
            A frame to be read, None where there is none.

        Raises:
            Refused: no honest client sends that, or not so late.
        """
        if isinstance(message, str):
            self._paint(message, now)
            return None
        return self._frame(message, now)

    def _paint(self, message: str, now: float) -> None:
        said = parsed(message)
        number, time = said.get("painted"), sound(said.get("time"))
        if type(number) is not int:
            raise Refused(Abuse.MALFORMED)
        if number < len(self._painted):
            raise Refused(Abuse.REPLAYED)
        if number > len(self._painted):
            raise Refused(Abuse.REORDERED)
        if number >= len(self._sent):
            raise Refused(Abuse.FORGED)
        self._refuse_future(time, now)
        if time < max([self._sent[number] - self._least - EARLIEST, *self._painted[-1:]]):
            raise Refused(Abuse.FORGED)
        if now - self._sent[number] > PAINTED_LATEST:
            raise Refused(Abuse.LATE)
        self._painted.append(time)

    def _frame(self, message: bytes, now: float) -> CameraFrame | None:
        if len(message) > HEAD.size + FRAME_BYTES:
            raise Refused(Abuse.OVERSIZED)
        if len(message) <= HEAD.size:
            raise Refused(Abuse.MALFORMED)
        number, time = HEAD.unpack_from(message)
        if number < self._next:
            raise Refused(Abuse.REPLAYED)
        if number > self._next or sound(time) <= self._last:
            raise Refused(Abuse.REORDERED)
        if number > FRAMES_PER_SECOND * (1 + now - self._begun):
            raise Refused(Abuse.TOO_MANY)
        self._refuse_future(time, now)
        self._least = min(self._least, now - time)
        self._next, self._last = number + 1, time
        jpeg = message[HEAD.size :]
        if self._seen(jpeg):
            return None
        if now - time > self._least + LATEST:
            self.late += 1
            return None
        self._taken.append((time, now - time))
        return CameraFrame(number, time, jpeg)

    def _refuse_future(self, time: float, now: float) -> None:
        if now - time < self._first - BEGUN_LATEST:
            raise Refused(Abuse.FORGED)

    def _seen(self, jpeg: bytes) -> bool:
        """Whether a frame is the one before again, as from a camera that stalls. A camera's noise
        makes no other two alike.
        """
        digest = hashlib.blake2b(jpeg, digest_size=16).digest()
        if digest == self._digest:
            return True
        if digest in self._digests:
            raise Refused(Abuse.REPLAYED)
        self._digest = digest
        self._digests.add(digest)
        return False


def parsed(message: str) -> dict[str, object]:
    """A message of text as an object.

    Raises:
        Refused: it is none, or too long.
    """
    if len(message) > TEXT_CHARACTERS:
        raise Refused(Abuse.OVERSIZED)
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        raise Refused(Abuse.MALFORMED) from None
    if not isinstance(said, dict):
        raise Refused(Abuse.MALFORMED)
    return said


def sound(time: object) -> float:
    """A time, s.

    Raises:
        Refused: it is none.
    """
    if not isinstance(time, int | float) or isinstance(time, bool) or not 0 <= time < 1e12:
        raise Refused(Abuse.MALFORMED)
    return float(time)
