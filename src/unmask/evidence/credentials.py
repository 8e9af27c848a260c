"""Credentials line: what the file declares of its own making, signed and unsigned.

It measures nothing and weighs nothing. The score is 1 where AI is declared and 0 where something
else is. Most files carry nothing.
"""

from __future__ import annotations

from unmask.messages import Message
from unmask.types import Case, Seal, Status, Track, TrackEvidence


class Credentials:
    """Reports what was declared of the whole file; the same for everybody in it."""

    name = "credentials"

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        """Reports the content of `Case.declared`."""
        from unmask.licences.telling import stripped, told

        lost = tuple(map(stripped, case.stripped))
        if case.declared is None:
            said = (
                Message("credentials.said", {"sentences": lost})
                if lost
                else Message("credentials.not_read")
            )
            return TrackEvidence(Status.NOT_APPLICABLE, said)
        credentials, labels = case.declared.credentials, case.declared.labels
        said = Message("credentials.said", {"sentences": (*told(credentials, labels), *lost)})
        if credentials.seal is Seal.NONE and not labels.declares_ai:
            return TrackEvidence(Status.NOT_APPLICABLE, said)
        return TrackEvidence(Status.RAN, said, float(case.declared.ai))
