"""What is found out about a take: where it breaks, what is only noted, and where a cut could not
have been seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from unmask.messages import Message


class Answer(StrEnum):
    """What is said of a take. There is no "proved": a careful cut in a scene that stands still
    leaves nothing.
    """

    BROKEN = "broken"
    NO_BREAK_FOUND = "no break found"
    CANNOT_TELL = "cannot tell"


class Kind(StrEnum):
    """What breaks a take, or is only noted about it."""

    SCENE_CUT = "scene cut"
    DISSOLVE = "dissolve"
    JUMP_CUT = "jump cut"
    REPEAT = "repeated stretch"
    JOIN = "joined file"
    GAP = "gap in time"
    SOUND = "break in the sound"
    DROPPED = "dropped pictures"
    OVERLAY = "overlay"

    @property
    def breaks(self) -> bool:
        """Whether the take is broken by it; behind an overlay, and where pictures were dropped, the
        camera goes on filming.
        """
        return self not in (Kind.DROPPED, Kind.OVERLAY)


class Confidence(StrEnum):
    """How firmly a finding stands: on the bytes of the file or twice its threshold, or on less."""

    HIGH = "high"
    MEDIUM = "medium"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place in a take, seconds: the last moment before a break and the first after it, or the
    ends of a stretch.
    """

    kind: Kind
    start: float
    end: float
    confidence: Confidence
    reason: Message

    def later(self, seconds: float) -> Finding:
        """The same, of a film that begins so much later."""
        told = {
            name: value + seconds if name in _TIMES else value  # type: ignore[operator]
            for name, value in self.reason.values.items()
        }
        start, end = self.start + seconds, self.end + seconds
        return replace(self, start=start, end=end, reason=Message(self.reason.code, told))


_TIMES = ("original_start", "original_end")
"""Values of reasons that are times of the film."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A stretch, seconds, in which a cut could not have been seen, and why."""

    start: float
    end: float
    reason: Message


_IN_THE_FILE = (Kind.JOIN, Kind.GAP, Kind.DROPPED)
_IN_THE_PICTURE = (Kind.JUMP_CUT, Kind.SCENE_CUT)
_AT_ONCE_S = 0.1
"""s within which what the file tells explains what the pictures show."""


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Findings by time, without cuts in the picture where the file itself tells why.

    Of those of a kind that overlap the first stays, at one place the firmest, then the longest.
    """
    told = [one.end for one in findings if one.kind in _IN_THE_FILE]
    findings = [
        one
        for one in findings
        if one.kind not in _IN_THE_PICTURE or all(abs(one.end - t) > _AT_ONCE_S for t in told)
    ]
    kept: list[Finding] = []
    for one in sorted(
        findings, key=lambda one: (one.start, one.confidence is not Confidence.HIGH, -one.end)
    ):
        if not any(one.kind is other.kind and one.start - other.end < 0.2 for other in kept[-8:]):
            kept.append(one)
    return tuple(kept)


def joined(stretches: list[Unseen]) -> tuple[Unseen, ...]:
    """Stretches by time, those of one reason that touch as one."""
    out: list[Unseen] = []
    for one in sorted(stretches, key=lambda unseen: (unseen.reason.code, unseen.start)):
        if out and out[-1].reason.code == one.reason.code and one.start <= out[-1].end + 0.05:
            out[-1] = Unseen(out[-1].start, max(out[-1].end, one.end), out[-1].reason)
        else:
            out.append(one)
    return tuple(sorted(out, key=lambda unseen: unseen.start))
