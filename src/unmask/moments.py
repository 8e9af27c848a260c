"""Material shown with the findings of a take: pictures before and after, sound around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unmask.errors import BrokenMedia
from unmask.media import HOURS, Bounds, Reel, open_footage
from unmask.messages import Message
from unmask.take import Progress, TakeResult
from unmask.takes.findings import BreakKind, Confidence, Finding
from unmask.types import Frame

MOST = 40
"""Most findings that are shown.

First those that break the take, then the firmest, then the earliest.
"""
LONGEST_PX = 640
"""Longest side of a picture, px."""
_COLUMNS = 240
"""Columns of a waveform."""
_AROUND_S, _CLOSE_S = 2.0, 0.1
"""Seconds of sound on either side of a finding; the second value is for a jump in a tone's phase.

Such a jump shows from one wave to the next. The pictures shown at a break in the sound are also
that far from it, because its time is less precise than theirs.
"""
_ONE_MOMENT_S = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """Sound from ``start`` to ``end``, s, as a waveform.

    The lowest and the highest sample of each column, float32 ``(n,)``, -1 to 1.
    """

    start: float
    end: float
    low: NDArray[np.float32]
    high: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A finding as it is shown.

    Attributes:
        finding: the finding.
        before: the last picture before it; at a break in the sound, one shortly before; at a
            repeat, one of the first showing. None where no intact one is there.
        after: the first picture after it; at a break in the sound, one shortly after; at a repeat,
            the same picture again.
        sound: the sound around it; None where the film has none.
    """

    finding: Finding
    before: Frame | None
    after: Frame | None
    sound: Waveform | None


def moments(
    take: TakeResult,
    most: int = MOST,
    progress: Progress = lambda _what, _done: None,
    bounds: Bounds = HOURS,
) -> tuple[Moment, ...]:
    """Reads the pictures and sound of at most ``most`` findings of a take, in order of time.

    Raises:
        MediaError: a file is gone, or has changed since it was judged.
    """
    findings = sorted(_foremost(take.findings, most), key=lambda one: one.start)
    if not findings:
        return ()
    reel = Reel([open_footage(part.path, bounds) for part in take.parts])
    for part, known in zip(reel.parts, take.parts, strict=True):
        if part.facts.sha256 != known.sha256:
            raise BrokenMedia(known.path, Message("media.changed"), Message("way.wait"))
    shown = np.concatenate(
        [part.shown() + begin for part, begin in zip(reel.parts, reel.starts, strict=True)]
    )
    places = [_beside(finding, shown) for finding in findings]
    pictures = _pictures(reel, sorted({number for pair in places for number in pair}))
    out = []
    for finding, (before, after) in zip(findings, places, strict=True):
        out.append(
            Moment(finding, pictures.get(before), pictures.get(after), _heard(reel, finding))
        )
        progress("showing", len(out) / len(findings))
    return tuple(out)


def _foremost(findings: Sequence[Finding], most: int) -> list[Finding]:
    return sorted(
        findings, key=lambda one: (not one.kind.breaks, one.confidence is not Confidence.HIGH)
    )[:most]


def _beside(finding: Finding, shown: NDArray[np.float64]) -> tuple[int, int]:
    """Returns the numbers of the pictures before and after a finding.

    A number lies outside ``shown`` where there is no such picture.
    """
    if finding.kind is BreakKind.REPEAT:
        first = [float(finding.reason.values[name]) for name in ("original_start", "original_end")]  # type: ignore[arg-type]
        middles = [sum(first) / 2, (finding.start + finding.end) / 2]
        before, after = np.searchsorted(shown, middles).tolist()
    else:
        apart = _CLOSE_S if finding.kind is BreakKind.SOUND else 0.0
        after = int(np.searchsorted(shown, finding.end + apart - _ONE_MOMENT_S))
        before = (
            min(int(np.searchsorted(shown, finding.start - apart + _ONE_MOMENT_S, "right")), after)
            - 1
        )
    return before, after


def _pictures(reel: Reel, numbers: Sequence[int]) -> dict[int, Frame]:
    """Reads pictures by their number in the reel, without damaged ones; times are the reel's."""
    found, first = {}, 0
    for part, begin in zip(reel.parts, reel.starts, strict=True):
        shown = part.shown()
        wanted = {float(shown[n - first]): n for n in numbers if first <= n < first + shown.size}
        for frame in part.frames(list(wanted), LONGEST_PX):
            if frame.time in wanted:
                found[wanted[frame.time]] = replace(frame, time=frame.time + begin)
        first += shown.size
    return found


def _heard(reel: Reel, finding: Finding) -> Waveform | None:
    tone = finding.kind is BreakKind.SOUND and finding.end - finding.start < _ONE_MOMENT_S
    around = _CLOSE_S if tone else _AROUND_S
    start = max(0.0, finding.start - around)
    end = min(reel.duration, min(finding.end, finding.start + around) + around)
    samples = reel.sound_between(start, end)
    if samples.size < _COLUMNS:
        return None
    columns = samples[: samples.size // _COLUMNS * _COLUMNS].reshape(_COLUMNS, -1)
    return Waveform(start, end, columns.min(axis=1), columns.max(axis=1))
