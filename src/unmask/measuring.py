"""Measuring sightings once: a line of evidence remembers its measurements as long as it lives,
which is one check.

The closer look so measures only the sightings that it adds, however often a track is summed up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from unmask.messages import Message
from unmask.types import Case, Sighting, Status, Track, TrackEvidence

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Measurement(Generic[Value]):
    """One sighting, and what a line measured of it."""

    sighting: Sighting
    value: Value


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """Reason why a line could not measure a sighting: a clause without a capital and without a full
    stop.
    """

    reason: Message


def recall(
    known: dict[Key, Value], wanted: Sequence[Key], measure: Callable[[list[Key]], Iterable[Value]]
) -> list[Value]:
    """The measured value of everything wanted, in its order; only what is not known yet is
    measured.

    Args:
        known: values measured before, by what they were measured of; those measured now are added.
        wanted: sightings, or other hashable things that are compared by identity; may repeat.
        measure: gives the values of all new things at once, in their order; not called where there
            is none.
    """
    if new := [key for key in dict.fromkeys(wanted) if key not in known]:
        known.update(zip(new, measure(new), strict=True))
    return [known[key] for key in wanted]


class SightingLine(ABC, Generic[Value]):
    """A line of evidence that measures each sighting on its own, and sums up a track from what it
    measured.

    Attributes:
        name: of the line; its message ``NAME.unmeasured`` says of a track ``why`` it cannot be
            compared.
    """

    name: str

    def __init__(self) -> None:
        self._looks: dict[Sighting, Measurement[Value] | Unmeasured] = {}

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        """Sums up the sightings that can be measured; `not_applicable`, with the first one's
        reason, where none can.
        """
        looks = recall(self._looks, track.sightings, lambda new: map(self.look, new))
        if measured := [look for look in looks if isinstance(look, Measurement)]:
            return self.sum_up(measured)
        reason = next(look.reason for look in looks if isinstance(look, Unmeasured))
        return TrackEvidence(
            Status.NOT_APPLICABLE, Message(f"{self.name}.unmeasured", {"why": reason})
        )

    @abstractmethod
    def look(self, sighting: Sighting) -> Measurement[Value] | Unmeasured:
        """Measures one sighting, or says why it cannot be measured."""

    @abstractmethod
    def sum_up(self, measured: Sequence[Measurement[Value]]) -> TrackEvidence:
        """Gives the evidence on a track by its measured sightings, at least one, in order of time."""
