"""Notes on what was measured of a take, in a file, so that a run that was killed can go on."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.messages import Message
from unmask.takes.choosing import Change
from unmask.takes.findings import BreakKind, Confidence, Finding, Unseen
from unmask.takes.hearing import Heard
from unmask.takes.power import Power, Share
from unmask.takes.repeats import Memory
from unmask.takes.seeing import Seen
from unmask.takes.steps import Held

EVERY_S = 30.0
"""Seconds between two writings of the file."""


@dataclass(slots=True)
class Notes:
    """Measurements of a take so far.

    Attributes:
        path: file in which it is kept; None keeps it in memory alone.
        heard: results from the sound, by the number of the file in the take.
        changes: between key frames, up to where these were looked at.
        stretch: how many of the stretches to decode are done.
        seen: results from the pictures of these, and of the next one up to where it was looked at.
        damaged: numbers of the pictures that were found damaged, by file.
        tried: result of the cuts tried so far.
    """

    path: Path | None = None
    heard: dict[int, Heard] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    stretch: int = 0
    seen: Seen = field(default_factory=Seen)
    damaged: Sequence[Sequence[int]] = ()
    tried: tuple[Power, ...] = ()
    _written: float = field(default_factory=time.monotonic)

    @classmethod
    def opened(cls, path: Path, counts: Sequence[int]) -> Notes:
        """Reads notes, or begins new ones where there are none or they cannot be read.

        Args:
            path: their file.
            counts: number of pictures in each file of the take.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls._read(path, arrays, counts)
        except Exception:  # a file of any content, which several libraries read
            return cls(path)

    @classmethod
    def _read(cls, path: Path, arrays: Mapping[str, NDArray[Any]], counts: Sequence[int]) -> Notes:
        told = json.loads(str(arrays["notes"]))
        times = arrays["times"].astype(float, casting="safe").reshape(-1)
        width = Memory().known.shape[1]
        known = arrays["known"].astype(np.float32, casting="safe").reshape(times.size, width)
        memory = Memory(known, times, _pairs(told["hits"]))
        held = Held(*(map(float, one) for one in (arrays["held"], told["steps"], told["tail"])))
        findings, unseen = _findings(told["findings"]), _unseen(told["unseen"])
        return cls(
            path,
            {
                int(number): Heard(
                    _findings(one["findings"]), [*map(float, one["marks"])], _pairs(one["steady"])
                )
                for number, one in told["heard"].items()
            },
            [
                (float(change), float(before), float(after))
                for change, before, after in told["changes"]
            ],
            int(told["stretch"]),
            Seen(findings, unseen, memory, held, tuple(map(float, told["tail"]))),
            _damaged(told["damaged"], counts),
            tuple(_power(*one) for one in told["tried"]),
        )

    def due(self) -> bool:
        """Tells whether the file is old enough to be written again."""
        return self.path is not None and time.monotonic() - self._written >= EVERY_S

    def write(self) -> None:
        """Writes the file, whole or not at all, if there is to be one.

        Raises:
            OSError: it cannot be written.
        """
        if self.path is None:
            return
        partial = self.path.with_name(f"{self.path.name}.{secrets.token_hex(8)}.partial")
        try:
            with partial.open("xb") as file:
                np.savez(
                    file,
                    notes=np.array(json.dumps(self._told())),
                    known=self.seen.memory.known,
                    times=self.seen.memory.times,
                    held=np.array(self.seen.held.times),
                )
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
        finally:
            partial.unlink(missing_ok=True)
        self._written = time.monotonic()

    def _told(self) -> dict[str, Any]:
        """Returns all but the arrays, as JSON values; times are not rounded."""
        return {
            "heard": {
                number: {
                    "findings": [_plain(finding) for finding in one.findings],
                    "marks": one.marks,
                    "steady": one.steady,
                }
                for number, one in self.heard.items()
            },
            "changes": self.changes,
            "stretch": self.stretch,
            "findings": [_plain(finding) for finding in self.seen.findings],
            "unseen": [
                [one.start, one.end, one.reason.code, dict(one.reason.values)]
                for one in self.seen.unseen
            ],
            "hits": list(self.seen.memory.hits),
            "steps": list(self.seen.held.changes),
            "tail": self.seen.tail,
            "damaged": self.damaged,
            "tried": [
                [
                    one.lost,
                    one.trials,
                    one.seen.found,
                    one.heard.found if one.heard else None,
                    one.either.found,
                ]
                for one in self.tried
            ],
        }


def _power(lost: float, trials: int, seen: int, heard: int | None, either: int) -> Power:
    by_sound = None if heard is None else Share(int(heard), int(trials))
    return Power(
        float(lost), Share(int(seen), int(trials)), by_sound, Share(int(either), int(trials))
    )


def _plain(one: Finding) -> list[Any]:
    place = [one.kind, one.start, one.end, one.confidence]
    return [*place, one.reason.code, dict(one.reason.values)]


def _findings(told: Sequence[Any]) -> list[Finding]:
    return [
        Finding(BreakKind(kind), start, end, Confidence(confidence), Message(code, values))
        for kind, start, end, confidence, code, values in told
    ]


def _unseen(told: Sequence[Any]) -> list[Unseen]:
    return [Unseen(start, end, Message(code, values)) for start, end, code, values in told]


def _pairs(told: Sequence[Any]) -> list[tuple[float, float]]:
    return [(float(start), float(end)) for start, end in told]


def _damaged(told: Sequence[Sequence[int]], counts: Sequence[int]) -> Sequence[Sequence[int]]:
    """Returns the numbers of damaged pictures by file.

    Raises:
        ValueError: a file has no picture of that number.
    """
    for numbers, count in zip(told, counts, strict=bool(told)):
        if not all(isinstance(number, int) and 0 <= number < count for number in numbers):
            raise ValueError("a damaged picture that the file does not have")
    return told
