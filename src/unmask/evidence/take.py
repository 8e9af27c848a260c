"""Take: where the shot changes in what was looked at. A cut is no evidence about a face, so it
weighs nothing.

The score is how often it changes. Cuts inside one shot, repeats and joins are told by `unmask
take`, not here.
"""

from __future__ import annotations

from unmask.messages import Message
from unmask.types import Case, Kind, Status, Track, TrackEvidence

_NAMED = 6
"""changes whose times are told."""


class Take:
    """Says when the shot changes; the same of everybody in the file."""

    name = "take"

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        """Tells `Case.cuts`, which also part the tracks."""
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
