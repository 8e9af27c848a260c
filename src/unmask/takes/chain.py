"""Evidence on a take from signed live segments: each names the one before it (C2PA 2.3, 19.3)."""

from __future__ import annotations

from unmask.messages import Message
from unmask.takes.findings import BreakKind, Confidence, Finding
from unmask.types import Seal, SegmentSeal

_AS_SIGNED = (Seal.INTACT, Seal.CHANGED)
"""Seals of segments whose manifest is as it was signed."""


def follows(before: SegmentSeal | None, after: SegmentSeal | None) -> bool | None:
    """Tells whether a segment says that it follows the one before; None where it says nothing."""
    if not (before and after and before.seal in _AS_SIGNED and after.seal in _AS_SIGNED):
        return None
    if before.number is None or after.number is None:
        return None
    return (
        (before.stream, before.signer) == (after.stream, after.signer)
        and after.previous in before.names
        and after.number > before.number
    )


def findings(
    before: SegmentSeal | None, after: SegmentSeal | None, start: float, end: float
) -> list[Finding]:
    """Finds what signatures say of a segment, and of the seam before it.

    Args:
        before: of the segment before; None if there is none, or nothing is known.
        after: of the segment.
        start: of the segment in the take, s.
        end: of it, s.
    """
    if after is None:
        return []
    told = []
    if after.seal is Seal.CHANGED:
        told.append((end, Message("take.seal.changed")))
    elif after.seal is Seal.BROKEN:
        told.append((end, Message("take.seal.broken")))
    if before and before.seal is Seal.NONE and after.seal is not Seal.NONE:
        told.append((start, Message("take.seal.begins")))
    elif before and before.seal is not Seal.NONE and after.seal is Seal.NONE:
        told.append((start, Message("take.seal.ends")))
    elif before and follows(before, after) is False:
        told.append((start, _why(before, after)))
    return [Finding(BreakKind.CHAIN, start, to, Confidence.HIGH, why) for to, why in told]


def _why(before: SegmentSeal, after: SegmentSeal) -> Message:
    """Says how a segment does not follow the one before; both have numbers."""
    if (before.stream, before.signer) != (after.stream, after.signer):
        return Message("take.seal.other", {"before": before.signer, "after": after.signer})
    missing = (after.number or 0) - (before.number or 0) - 1
    return (
        Message("take.seal.missing", {"count": missing})
        if missing > 0
        else Message("take.seal.order")
    )
