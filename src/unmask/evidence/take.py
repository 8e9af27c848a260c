"""Take line: changes of shot among the examined frames.

A cut is no evidence about a face, so it weighs nothing. The score is the number of changes. Cuts
inside one shot, repeats and joins are reported by `unmask take`, not here.
"""

from __future__ import annotations

from unmask.messages import Message
from unmask.types import Case, Kind, Status, Track, TrackEvidence

_NAMED = 6
"""Most changes whose times are reported."""


class Take:
    """Reports when the shot changes; the same for everybody in the file."""

    name = "take"

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        """Reports `Case.cuts`, which also separate the tracks."""
        if case.media.kind is Kind.PHOTO:
            return TrackEvidence(Status.NOT_APPLICABLE, Message("take.line.photo"))
        count = len(case.cuts)
        times = tuple(Message("take.line.at", {"time": time}) for time in case.cuts[:_NAMED])
        said = (
            Message("take.line.cuts", {"count": count, "breaks": times})
            if count
            else Message("take.line.none")
        )
        return TrackEvidence(Status.RAN, said, float(count))
