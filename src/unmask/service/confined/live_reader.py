"""The process that decodes the camera frames of live checks: ``python -m
unmask.service.confined.live_reader``.

Strangers' JPEGs are opened here and nowhere else. One such process serves many checks, since to
start one takes longer than a check: what takes it over could forge the checks that it serves, but
reaches neither the network, nor the database, nor a file. It confines itself (`unmask.sandbox`),
loads what it needs, and then takes messages on standard input, each a line of JSON followed by as
many bytes as the line's ``bytes`` says, and answers with lines of JSON; see `live_reading`, the
other end of the pipe.
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
    from unmask.live.reading import Reading

MOST_PIXELS = 640 * 480
"""Of a frame; the page sends 320 x 240."""

MOST_SCANS = 3
"""Of a frame's JPEG: a plain one has at most one per channel, and each costs a pass over all
pixels.
"""

LOOK_EVERY = 1.0
"""s between two frames that are looked at for signs of print and screens, at most; half as long at
least, by chance, so that
nobody knows which frames are.
"""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Person:
    """One check: what was asked, and what was read and seen so far."""

    challenge: LightChallenge | MovementChallenge
    readings: list[Reading] = field(default_factory=list)
    looks: dict[float, Look] = field(default_factory=dict)
    looked: float = -LOOK_EVERY


def main() -> None:
    """Takes messages until there are no more."""
    out = enter()
    _warm()
    see_only([])
    people: dict[int, Person] = {}
    incoming, answer = sys.stdin.buffer, {"kind": "ready"}
    while True:
        out.write(json.dumps(answer).encode() + b"\n")
        out.flush()
        line = incoming.readline()
        if not line:
            os._exit(0)  # no time lost in taking apart what ends anyway
        message = json.loads(line)
        answer = _answer(message, incoming.read(message["bytes"]), people)


def decoded(jpeg: bytes) -> Rgb:
    """The picture of a camera frame, rgb uint8 ``(h, w, 3)``.

    Raises:
        ValueError: it is no plain JPEG of at most `MOST_PIXELS`; a progressive one is none, as no
            browser's canvas makes it.
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


def _answer(message: dict[str, Any], content: bytes, people: dict[int, Person]) -> dict[str, Any]:
    """Does what a message says; a check that meets a fault of ours fails alone."""
    kind, number = message["kind"], message["check"]
    answer = {"kind": kind, "check": number}
    try:
        if kind == "open":
            people[number] = Person(challenge(message["challenge"]))
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


def _read(person: Person, time: float, jpeg: bytes) -> bool:
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
    person: Person, sent: list[float], shown: list[float], counted: set[float]
) -> dict[str, Any]:
    from unmask.live.verification import verify

    readings = [reading for reading in person.readings if reading.time in counted]
    looks = [look for time, look in person.looks.items() if time in counted]
    outcome = verify(person.challenge, sent, readings, looks, shown=shown)
    return {"result": outcome.result, "advice": outcome.advice, "details": dict(outcome.details)}


def challenge(said: dict[str, Any]) -> LightChallenge | MovementChallenge:
    """A challenge from the JSON values of its fields."""
    from unmask.live.challenge import LightChallenge, Move, MovementChallenge, Symbol

    if "moves" in said:
        return MovementChallenge(tuple(Move(move) for move in said["moves"]), said["seconds"])
    symbols = tuple(Symbol(_quarters(one["quarters"])) for one in said["symbols"])
    return LightChallenge(symbols, said["seconds"])


def _quarters(rows: list[list[list[int]]]) -> Any:
    return tuple(tuple(tuple(colour) for colour in row) for row in rows)


def _warm() -> None:
    """Loads the libraries and networks while nobody waits for them."""
    import numpy as np
    from PIL import JpegImagePlugin  # noqa: F401

    from unmask import faces, models
    from unmask.live import movement, passive, reading, shape, verification  # noqa: F401

    faces.find(np.zeros((240, 320, 3), np.uint8))
    models.session(shape.WEIGHT)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    main()
