"""How a live check ended, as the reader of its frames and the protocol before it say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a live check ended.

    Attributes:
        result: a value of `unmask.live.verification.Result`.
        advice: what the person can do, empty where it is live: a value of
            `unmask.live.verification.Advice`, or ``connection`` where messages were lost or came
            too late, ``suspicious`` where no honest page sends such.
        abuse: a value of `unmask.live.session.Abuse` where the browser sent what no honest page
            sends; for the log.
        details: what was measured; for the log.
    """

    result: str
    advice: str = ""
    abuse: str = ""
    details: Mapping[str, float | str] | None = None
