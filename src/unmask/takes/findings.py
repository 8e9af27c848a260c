"""Findings about a take: breaks, notes, and stretches where a cut could not have been seen."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from unmask.messages import Message


class TakeAnswer(StrEnum):
    """Answer for a take. There is no "proved": a careful cut in a still scene leaves no trace."""

    BROKEN = "broken"
    NO_BREAK_FOUND = "no break found"
    CANNOT_TELL = "cannot tell"


class BreakKind(StrEnum):
    """Kind of break of a take, or of a note about it."""

    SCENE_CUT = "scene cut"
    DISSOLVE = "dissolve"
    JUMP_CUT = "jump cut"
    REPEAT = "repeated stretch"
    REORDERED = "re-ordered"
    SPEED = "speed change"
    JOIN = "joined file"
    GAP = "gap in time"
    SOUND = "break in the sound"
    DROPPED = "dropped pictures"
    CHAIN = "break in the signatures"
    OVERLAY = "overlay"

    @property
    def breaks(self) -> bool:
        """True if the take is broken by it.

        Behind an overlay, and where pictures were dropped, the camera continues filming.
        """
        return self not in (BreakKind.DROPPED, BreakKind.OVERLAY)


class Confidence(StrEnum):
    """Confidence of a finding: high if it rests on the file's bytes or is twice its threshold."""

    HIGH = "high"
    MEDIUM = "medium"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place in a take, seconds.

    ``start`` and ``end`` are the last moment before a break and the first after it, or the ends of
    a stretch.
    """

    kind: BreakKind
    start: float
    end: float
    confidence: Confidence
    reason: Message

    def later(self, seconds: float) -> Finding:
        """Shifts a finding by the start of its film, s."""
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


EACH = (BreakKind.CHAIN,)
"""Kinds of findings of which each is told, even if they touch."""
IN_THE_FILE = (BreakKind.JOIN, BreakKind.GAP, BreakKind.DROPPED)
_IN_THE_PICTURE = (BreakKind.JUMP_CUT, BreakKind.SCENE_CUT)
SAME_S = 0.2
"""Seconds within which findings of one kind are the same one, which was found again or grew."""
_AT_ONCE_S = 0.1
"""Seconds within which a finding from the file explains one from the pictures."""


def explained(one: Finding, ends: Sequence[float]) -> bool:
    """Tells whether a finding is a cut in the picture at which the file itself tells why.

    ``ends`` are the sorted ends, s, of the findings whose kind is `IN_THE_FILE`.
    """
    if one.kind not in _IN_THE_PICTURE:
        return False
    place = bisect_left(ends, one.end)
    return any(abs(one.end - end) <= _AT_ONCE_S for end in ends[max(0, place - 1) : place + 1])


def precedence(one: Finding) -> tuple[float, bool, float]:
    """Returns a key that sorts findings by time; at one place the firmest, then the longest."""
    return one.start, one.confidence is not Confidence.HIGH, -one.end


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Sorts findings by time, without cuts in the picture where the file itself tells why.

    Of overlapping findings of one kind the first is kept; at one place the firmest, then the
    longest.
    """
    ends = sorted(one.end for one in findings if one.kind in IN_THE_FILE)
    findings = [one for one in findings if not explained(one, ends)]
    kept: list[Finding] = []
    for one in sorted(findings, key=precedence):
        known = any(
            one.kind is other.kind and one.start - other.end < SAME_S for other in kept[-8:]
        )
        if one.kind in EACH or not known:
            kept.append(one)
    return tuple(kept)


def joined(stretches: list[Unseen]) -> tuple[Unseen, ...]:
    """Sorts stretches by time and merges touching ones that have the same reason."""
    out: list[Unseen] = []
    for one in sorted(stretches, key=lambda unseen: (unseen.reason.code, unseen.start)):
        if out and out[-1].reason.code == one.reason.code and one.start <= out[-1].end + 0.05:
            out[-1] = Unseen(out[-1].start, max(out[-1].end, one.end), out[-1].reason)
        else:
            out.append(one)
    return tuple(sorted(out, key=lambda unseen: unseen.start))


def merged(
    stretches: Sequence[tuple[float, float]], apart: float = 0.0
) -> list[tuple[float, float]]:
    """Merges stretches that overlap or are at most ``apart`` seconds apart, in order."""
    out: list[tuple[float, float]] = []
    for start, end in sorted(stretches):
        if out and start <= out[-1][1] + apart:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out
