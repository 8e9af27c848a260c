"""Measuring each sighting once: a line keeps its measurements for one check, its lifetime.

So the closer look measures only the sightings that it adds, however often a track is summed up.
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
    """One sighting, and a line's measurement of it."""

    sighting: Sighting
    value: Value


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """Reason why a line could not measure a sighting: a clause without a capital or a full stop."""

    reason: Message


def recall(
    known: dict[Key, Value], wanted: Sequence[Key], measure: Callable[[list[Key]], Iterable[Value]]
) -> list[Value]:
    """Returns the measured value of everything wanted, in its order; measures only new keys.

    Args:
        known: values measured before, by their key; new values are added to it.
        wanted: sightings, or other hashable things that are compared by identity; may repeat.
        measure: returns the values of all new keys at once, in their order; not called if there is
            none.
    """
    if new := [key for key in dict.fromkeys(wanted) if key not in known]:
        known.update(zip(new, measure(new), strict=True))
    return [known[key] for key in wanted]


class SightingLine(ABC, Generic[Value]):
    """A line of evidence that measures each sighting on its own, and sums up a track from these.

    Attributes:
        name: name of the line; its message ``NAME.unmeasured`` gives the reason ``why`` a track
            cannot be compared.
    """

    name: str

    def __init__(self) -> None:
        self._looks: dict[Sighting, Measurement[Value] | Unmeasured] = {}

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        """Sums up the sightings that can be measured.

        Where none can, the status is `not_applicable`, with the reason of the first one.
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
        """Returns a track's evidence from its measured sightings, one or more, in order of time."""
