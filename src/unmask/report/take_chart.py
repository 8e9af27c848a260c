"""A take over time, laid out for an SVG: all positions in px. The template only draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unmask.moments import Waveform
from unmask.report.timeline import Axes, AxisSpan
from unmask.take import TakeResult

ROW_PX = 38
"""Distance from a lane's label to the next one's, px."""
_FOOT_PX = 34
_LEAST_PX = 2.0
_LEAST_LOUD = 0.02
"""Least amplitude, of 1, that fills a waveform's height, so that silence does not look loud."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One row: ``name`` is one of findings, decoded, followed and unseen.

    ``notes`` are findings that break nothing.
    """

    name: str
    y: float
    stretches: tuple[AxisSpan, ...]
    notes: tuple[AxisSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class TakeChart:
    """Everything that an SVG shows; ``seams`` are the places where one file follows another, px."""

    axes: Axes
    lanes: tuple[Lane, ...]
    seams: tuple[float, ...]


def strip(take: TakeResult, width: int) -> TakeChart:
    """Lays out a take that was judged, in a picture ``width`` px wide."""
    named = {
        "decoded": take.looked,
        "followed": take.followed,
        "unseen": [(one.start, one.end) for one in take.unseen],
    }
    there = {name: stretches for name, stretches in named.items() if stretches or name == "decoded"}
    ends = [*(one.end for one in take.findings), *(one.end for one in take.unseen)]
    end = max(0.1, take.duration, *ends)
    axes = _Axes(0.0, end, 1.0, width, ROW_PX * (1 + len(there)) + _FOOT_PX)
    breaks, notes = (
        [(f.start, f.end) for f in take.findings if f.kind.breaks is broken]
        for broken in (True, False)
    )
    findings = Lane("findings", _y(0), _drawn(axes, breaks), _drawn(axes, notes))
    lanes = [
        Lane(name, _y(row), _drawn(axes, there[name])) for row, name in enumerate(there, start=1)
    ]
    return TakeChart(axes, (findings, *lanes), tuple(axes.x(part.start) for part in take.parts[1:]))


class _Axes(Axes):
    """Axes without a vertical axis on the left."""

    @property
    def left(self) -> float:
        return 2.0


def _y(row: int) -> float:
    return 8.0 + ROW_PX * row


def _drawn(axes: Axes, stretches: Sequence[tuple[float, float]]) -> tuple[AxisSpan, ...]:
    """Returns stretches in order of time, merged where no px is free between two."""
    out: list[AxisSpan] = []
    for one in (axes.stretch(start, end, _LEAST_PX) for start, end in sorted(stretches)):
        if out and one.x <= out[-1].x + out[-1].width:
            out[-1] = AxisSpan(
                out[-1].x, round(max(out[-1].width, one.x + one.width - out[-1].x), 1)
            )
        else:
            out.append(one)
    return tuple(out)


def wave(sound: Waveform) -> str:
    """Returns path data of a waveform: a px per column, -1 to 1, scaled to the loudest sample."""
    loudest = max(_LEAST_LOUD, float(abs(sound.low).max()), float(abs(sound.high).max()))
    columns = zip((sound.low / loudest).tolist(), (sound.high / loudest).tolist(), strict=True)
    return "".join(
        f"M{x}.5 {-high:.2f}V{max(-low, -high + 0.02):.2f}" for x, (low, high) in enumerate(columns)
    )


def within(sound: Waveform, time: float) -> float:
    """Returns the column of a waveform at a time."""
    return round(sound.low.size * (time - sound.start) / (sound.end - sound.start), 1)
