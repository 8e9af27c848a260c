"""The conclusion of a live check, from the reader of its frames or the protocol before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Conclusion of a live check.

    Attributes:
        result: a value of `unmask.live.verification.Result`.
        advice: what the person can do; empty if the result is live. A value of
            `unmask.live.verification.Advice`, or ``connection`` where messages were lost or came
            too late, ``suspicious`` where the browser sent what no honest page sends.
        abuse: a value of `unmask.live.protocol.Abuse` where the browser sent what no honest page
            sends; for the log.
        details: measurements; for the log.
    """

    result: str
    advice: str = ""
    abuse: str = ""
    details: Mapping[str, float | str] | None = None
