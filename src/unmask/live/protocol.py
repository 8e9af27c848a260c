"""Protocol of one live check, the server's end: when to send a step, which messages to refuse.

It is a pure state machine without clock or network. The owner of both tells it the time, sends what
it says, and hands it what comes in. Steps (symbols or moves) go out one by one, each when it is
due; the client answers with the time at which it painted a step, and with camera frames, numbered
from 0.

Times that the client claims are trusted as little as possible. Two clocks are involved, ours and
the client's. A frame that arrives ``d`` seconds after the time it claims gives an upper bound on
their difference; the smallest ``d`` is used for it. Steps count from our own times of sending,
converted to the client's clock in this way. The time at which a step was painted only serves to
refuse impossible ones, and to correct for a network's jitter, by `JITTER` at most. A frame's time
may be before its arrival by `LATEST` at most. So whatever answers a step of light arrives at the
latest 1.24 s after the step was sent: its 0.4 s, the longest delay of `unmask.live.light`, less the
end of it that may show the next one, and `LATEST`.
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
"""Time from the beginning to the first step, s: the camera settles, the face is detected."""

TAIL = 1.0
"""Time after the end of the last step in which its answer may still come, s."""

LATEST = 0.4
"""Most that a frame may take longer than the quickest one, s; later ones do not count.

A network's jitter, a stalled connection and the encoding of a frame may add that much.
"""

PAINTED_LATEST = 1.0
"""Longest time from sending a step to the message that it was painted, s; later ends the check."""

JITTER = 0.1
"""Most that a step's painting may be off the usual delay and is trusted, s: a quarter of a symbol.

Only the shape is measured with it; neither freshness nor the unexplained share depends on it.
"""

EARLIEST = 0.2
"""Most that a browser's clock may seem to go back, s.

Some round it to 0.1 s against fingerprinting.
"""

BEGUN_LATEST = 1.0
"""Longest time that a client's first message may have taken, s.

Frames that claim to come from further ahead are from the future.
"""

FRAME_BYTES = 64 << 10
"""Most bytes of a frame.

One of 320 x 240 px as JPEG has about 25,000, twice that where the camera is very noisy.
"""

TEXT_CHARACTERS = 200
"""Most characters of any other message."""

FRAMES_PER_SECOND = 30.0
"""Most frames that count, however they are spread."""

HEAD = struct.Struct(">Id")
"""Head of a frame: its number, 32 bits unsigned, and its time, a double, both big-endian.

The rest is a JPEG.
"""


class Abuse(StrEnum):
    """Reason why a message is refused, and the session with it."""

    MALFORMED = "malformed"
    OVERSIZED = "oversized"
    TOO_MANY = "too many"
    REPLAYED = "replayed"
    REORDERED = "reordered"
    FORGED = "forged"
    LATE = "late"


class Refused(Exception):
    """Raised for a message that no honest client sends, or not so late; the session is over."""

    def __init__(self, abuse: Abuse) -> None:
        self.abuse = abuse
        super().__init__(abuse)


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """One frame as it came: ``time`` in s of the client's clock, ``jpeg`` as yet undecoded."""

    number: int
    time: float
    jpeg: bytes


class LiveProtocol:
    """One live check from its beginning to its last frame.

    Args:
        steps: symbols or moves in all.
        seconds: duration of each, s.
        ahead: our clock when the client's first message came, less the time that it claims, s.
        now: of our clock, s, at the beginning.

    Attributes:
        late: number of frames that were left out on arrival, because they came too late.
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
        """Time at which `step` is to be called next, s of our clock.

        Two steps never follow each other sooner than they may flash.
        """
        if not self._sent:
            return self._begun + LEAD
        return self._sent[-1] + self._seconds + (TAIL if len(self._sent) == self._steps else 0.0)

    def step(self, now: float) -> int | None:
        """Returns the number of the step that is to be sent now; None at the end.

        Raises:
            Refused: at the end, if not every step was reported as painted.
        """
        if len(self._sent) < self._steps:
            self._sent.append(now)
            return len(self._sent) - 1
        if len(self._painted) < self._steps:
            raise Refused(Abuse.LATE)
        return None

    @property
    def sent(self) -> list[float]:
        """Times at which the steps were sent, s of the client's clock.

        They are off by the time that the quickest frame took.
        """
        return [time - self._least for time in self._sent]

    @property
    def shown(self) -> list[float]:
        """Times of sending, corrected for the delay of each painted step; see `JITTER`.

        Each is the time at which the step would have been sent, had it been painted after the usual
        delay.
        """
        late = [painted - sent for painted, sent in zip(self._painted, self.sent, strict=False)]
        usual = median(late) if late else 0.0
        return [
            sent + min(max(one - usual, -JITTER), JITTER)
            for one, sent in zip(late, self.sent, strict=False)
        ]

    @property
    def counted(self) -> list[float]:
        """Times of the frames that count, by the quickest frame of all, which some came before."""
        return [time for time, took in self._taken if took <= self._least + LATEST]

    def receive(self, message: str | bytes, now: float) -> CameraFrame | None:
        """Takes in a message.

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
        """Tells whether a frame repeats the one before, as from a camera that stalls.

        A camera's noise makes no other two alike.
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
    """Parses a message of text as an object.

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
    """Checks that a value is a time, s.

    Raises:
        Refused: it is none.
    """
    if not isinstance(time, int | float) or isinstance(time, bool) or not 0 <= time < 1e12:
        raise Refused(Abuse.MALFORMED)
    return float(time)
