"""Drawings for the pictures that lines of evidence show: outlines, dots, a curve.

All are rgb uint8 ``(h, w, 3)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.types import Rgb

Colour = tuple[int, int, int]
PANEL_PX = 288
"""Height of every panel."""

FONT = 0.8
"""Font scale: letters are about 18 px high, since a report shows pictures at half their size."""

GAP: Colour = (128, 134, 142)
"""Colour between panels, for a light page and a dark one."""


@dataclass(frozen=True, slots=True)
class Paper:
    """Colours of a drawing on its own background: those of the report's light or dark page."""

    ground: Colour
    ink: Colour
    faint: Colour


LIGHT = Paper((255, 255, 255), (60, 60, 60), (205, 205, 205))
DARK = Paper((18, 20, 23), (190, 196, 204), (74, 80, 88))


def side_by_side(*panels: Rgb) -> Rgb:
    """Places panels side by side, scaled to the height `PANEL_PX`, with a thin gap between them."""
    import cv2

    gap = np.full((PANEL_PX, 4, 3), GAP, np.uint8)
    row = [gap]
    for panel in panels:
        width = max(1, round(panel.shape[1] * PANEL_PX / panel.shape[0]))
        row += [
            np.asarray(
                cv2.resize(panel, (width, PANEL_PX), interpolation=cv2.INTER_CUBIC), np.uint8
            ),
            gap,
        ]
    return np.hstack(row[1:-1])


def outlined(rgb: Rgb, regions: Sequence[tuple[NDArray[np.bool_], Colour]]) -> Rgb:
    """Draws the outline of each region on a picture, scaled to the height `PANEL_PX`.

    A region is a mask over the picture, of any size.
    """
    import cv2

    size = (round(rgb.shape[1] * PANEL_PX / rgb.shape[0]), PANEL_PX)
    drawn = cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC)
    for mask, colour in regions:
        large = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR)
        edges, _ = cv2.findContours(
            (large > 127).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(drawn, edges, -1, (255, 255, 255), 3, cv2.LINE_AA)
        cv2.drawContours(drawn, edges, -1, colour, 1, cv2.LINE_AA)
    return np.asarray(drawn, np.uint8)


def scatter(
    groups: Sequence[tuple[NDArray[np.floating], Colour]],
    least_span: float = 20.0,
    paper: Paper = LIGHT,
) -> Rgb:
    """Draws dots ``(n, 2)``, x to the right and y upwards in the same unit.

    The window spans at least ``least_span`` of that unit.
    """
    import cv2

    drawn = np.full((PANEL_PX, PANEL_PX, 3), paper.ground, np.uint8)
    cv2.rectangle(drawn, (0, 0), (PANEL_PX - 1, PANEL_PX - 1), paper.faint, 1)
    dots = np.concatenate([of for of, _ in groups])
    if not dots.size:
        return drawn
    low, high = np.percentile(dots, [2, 98], axis=0)
    middle, span = (low + high) / 2, max(least_span, 1.2 * float((high - low).max()))
    for of, colour in groups:
        for x, y in (of - middle) / span + 0.5:
            cv2.circle(
                drawn, (int(x * PANEL_PX), int((1 - y) * PANEL_PX)), 2, colour, -1, cv2.LINE_AA
            )
    return drawn


def curve(
    times: Sequence[float],
    values: Sequence[float],
    labels: tuple[str, str],
    mark: float,
    width: int = 588,
    paper: Paper = LIGHT,
) -> Rgb:
    """Draws values over time, from 0 upwards, on a labelled axis.

    A dashed line stands at ``mark``; ``labels`` are the first and the last label of the time axis.
    """
    import cv2

    drawn = np.full((PANEL_PX, width, 3), paper.ground, np.uint8)
    base, left, right = PANEL_PX - 40, 64, width - 12
    top = max(*values, 1.25 * mark)
    span, per_unit = max(times[-1] - times[0], 1e-6), (base - 24) / top
    for value in _ticks(top, mark):
        y = round(base - per_unit * value)
        for x in range(left, right, 14 if value == mark else right - left):
            end = min(right, x + 8) if value == mark else right
            cv2.line(drawn, (x, y), (end, y), paper.ink if value == mark else paper.faint, 1)
        _write(drawn, f"{value:g}", (left - 10, y + 8), paper.ink, ends=True)
    cv2.line(drawn, (left, 8), (left, base), paper.ink, 1)
    cv2.line(drawn, (left, base), (right, base), paper.ink, 1)
    points = [
        (left + (right - left) * (t - times[0]) / span, base - per_unit * v)
        for t, v in zip(times, values, strict=True)
    ]
    path = np.round(np.array(points) * 8).astype(np.int32)
    cv2.polylines(drawn, [path], False, (200, 90, 20), 2, cv2.LINE_AA, 3)
    _write(drawn, labels[0], (left, PANEL_PX - 8), paper.ink)
    _write(drawn, labels[1], (right, PANEL_PX - 8), paper.ink, ends=True)
    return drawn


def _ticks(top: float, mark: float) -> list[float]:
    """Returns 0, the mark, and at most two more round values, none of them close to another."""
    step = next(
        s * 10.0**power for power in range(-3, 6) for s in (1, 2, 5) if top / (s * 10.0**power) <= 3
    )
    return [
        0.0,
        mark,
        *(v for v in np.arange(step, top, step).tolist() if abs(v - mark) > 0.12 * top),
    ]


def _write(drawn: Rgb, text: str, at: tuple[int, int], colour: Colour, ends: bool = False) -> None:
    """Writes text at a position, px: its base line and left end, or right end with ``ends``."""
    import cv2

    (px, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, FONT, 1)
    cv2.putText(
        drawn,
        text,
        (at[0] - px * ends, at[1]),
        cv2.FONT_HERSHEY_SIMPLEX,
        FONT,
        colour,
        1,
        cv2.LINE_AA,
    )
