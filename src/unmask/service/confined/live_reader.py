"""The process that decodes live checks' frames: ``python -m unmask.service.confined.live_reader``.

Strangers' JPEGs are opened here and nowhere else. One such process serves many checks, since
starting one takes longer than a check. If a frame takes the process over, it could forge the checks
that the process serves, but it reaches neither the network, nor the database, nor a file. The
process confines itself (`unmask.sandbox`) and loads what it needs. Then it takes messages on
standard input, each a line of JSON followed by as many bytes as the line's ``bytes`` says, and
answers with lines of JSON; see `live_reading`, the other end of the pipe.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from dataclasses import dataclass, field
from secrets import SystemRandom
from typing import TYPE_CHECKING, Any

from unmask.sandbox.landlock import see_only
from unmask.service.confined.launcher import enter
from unmask.types import Frame, Rgb

if TYPE_CHECKING:
    from unmask.live.challenge import LightChallenge, MovementChallenge
    from unmask.live.passive import Look
    from unmask.live.reading import FrameReading

MOST_PIXELS = 640 * 480
"""Maximum pixels of a frame; the page sends 320 x 240."""

MOST_SCANS = 3
"""Maximum scans of a frame's JPEG.

A plain JPEG has at most one scan per channel, and each costs a pass over all pixels.
"""

LOOK_EVERY = 1.0
"""Maximum time between two frames that are examined for signs of print and screens, s.

The time is random, at least half of this, so that nobody can know which frames are examined.
"""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RunningCheck:
    """One check: its challenge, and the readings and looks so far."""

    challenge: LightChallenge | MovementChallenge
    readings: list[FrameReading] = field(default_factory=list)
    looks: dict[float, Look] = field(default_factory=dict)
    looked: float = -LOOK_EVERY


def main() -> None:
    """Answers messages until there are no more."""
    out = enter()
    see_only([])
    _warm()
    people: dict[int, RunningCheck] = {}
    incoming, answer = sys.stdin.buffer, {"kind": "ready"}
    while True:
        out.write(json.dumps(answer).encode() + b"\n")
        out.flush()
        line = incoming.readline()
        if not line:
            os._exit(0)  # faster than cleaning up
        message = json.loads(line)
        answer = _answer(message, incoming.read(message["bytes"]), people)


def decoded(jpeg: bytes) -> Rgb:
    """Decodes a camera frame to rgb uint8 ``(h, w, 3)``.

    Raises:
        ValueError: it is no plain JPEG of at most `MOST_PIXELS`. A progressive JPEG is refused,
            too, since no browser's canvas makes one.
    """
    import numpy as np
    from PIL.JpegImagePlugin import JpegImageFile

    try:
        picture = JpegImageFile(io.BytesIO(jpeg))
        if picture.width * picture.height > MOST_PIXELS or jpeg.count(b"\xff\xda") > MOST_SCANS:
            raise ValueError("a frame of too many pixels or scans")
        if "progressive" in picture.info:
            raise ValueError("a progressive frame")
        return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
    except Exception as error:
        raise ValueError("a frame that is no plain JPEG") from error


def _answer(
    message: dict[str, Any], content: bytes, people: dict[int, RunningCheck]
) -> dict[str, Any]:
    """Does what a message says; an internal error fails only the check that it concerns."""
    kind, number = message["kind"], message["check"]
    answer = {"kind": kind, "check": number}
    try:
        if kind == "open":
            people[number] = RunningCheck(challenge(message["challenge"]))
        elif kind == "close":
            people.pop(number, None)
        elif kind == "frame":
            answer["readable"] = _read(people[number], message["time"], content)
        elif kind == "verify":
            answer |= _verified(
                people[number], message["sent"], message["shown"], set(message["counted"])
            )
    except Exception:
        log.exception("a live check failed")
        answer["failed"] = True
    return answer


def _read(person: RunningCheck, time: float, jpeg: bytes) -> bool:
    from unmask.live import movement, passive, reading
    from unmask.live.challenge import MovementChallenge

    try:
        rgb = decoded(jpeg)
    except ValueError:
        return False
    before = person.readings[-1] if person.readings else None
    moves = isinstance(person.challenge, MovementChallenge)
    every = movement.FIND_EVERY if moves else reading.FIND_EVERY
    new = reading.read(Frame(time, rgb), before, every)
    person.readings.append(new)
    if new.face and time >= person.looked + LOOK_EVERY:
        person.looks[time] = passive.look(rgb, new.face.points)
        person.looked = time + SystemRandom().uniform(-LOOK_EVERY, 0) / 2
    return True


def _verified(
    person: RunningCheck, sent: list[float], shown: list[float], counted: set[float]
) -> dict[str, Any]:
    from unmask.live.verification import verify

    readings = [reading for reading in person.readings if reading.time in counted]
    looks = [look for time, look in person.looks.items() if time in counted]
    outcome = verify(person.challenge, sent, readings, looks, shown=shown)
    return {"result": outcome.result, "advice": outcome.advice, "details": dict(outcome.details)}


def challenge(said: dict[str, Any]) -> LightChallenge | MovementChallenge:
    """Restores a challenge from the JSON values of its fields."""
    from unmask.live.challenge import LightChallenge, Move, MovementChallenge, Symbol

    if "moves" in said:
        return MovementChallenge(tuple(Move(move) for move in said["moves"]), said["seconds"])
    symbols = tuple(Symbol(_quarters(one["quarters"])) for one in said["symbols"])
    return LightChallenge(symbols, said["seconds"])


def _quarters(rows: list[list[list[int]]]) -> Any:
    return tuple(tuple(tuple(colour) for colour in row) for row in rows)


def _warm() -> None:
    """Loads libraries and networks in advance, while nobody waits for them."""
    import numpy as np
    from PIL import JpegImagePlugin  # noqa: F401

    from unmask import faces, models
    from unmask.live import movement, passive, reading, shape, verification  # noqa: F401

    faces.find(np.zeros((240, 320, 3), np.uint8))
    models.session(shape.WEIGHT)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    main()
