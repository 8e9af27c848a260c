"""Parts of JPEG files that `unmask.media` reads by itself.

These are their scans, and how much of a cut-off file is there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from unmask.types import Rgb

_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
"""Marker of a segment (ITU-T T.81, B.1.1).

It is neither a stuffed byte of picture data, nor a restart, nor filling.
"""
END = b"\xff\xd9"
_FRAMES = frozenset(b"\xc0\xc1\xc2\xc3")
_SCAN = 0xDA
_COEFFICIENTS = 64
_UNIT = 16
"""Most rows that are coded together, px, where colours have half the resolution."""


class Outline(NamedTuple):
    """Outline of a JPEG, as its segments tell.

    Attributes:
        scans: number of scans up to its end.
        end: where it ends, and what phones append begins; None where its end is missing.
        cut: whether its end is missing, but no scan is: the last one is there in part at least.
    """

    scans: int
    end: int | None
    cut: bool


def outline(data: bytes) -> Outline:
    """Reads the segments up to the end of the picture; never fails, whatever the bytes are."""
    at, scans = 2, 0
    missing: set[tuple[int, int]] = set()
    while marker := _MARKER.search(data, at):
        kind, start = marker[1][0], marker.end()
        if kind == END[1]:
            return Outline(scans, start, False)
        size = int.from_bytes(data[start : start + 2])
        segment = data[start + 2 : start + size]
        if kind in _FRAMES and not scans:
            missing = {(component, k) for component in segment[6::3] for k in range(_COEFFICIENTS)}
        elif kind == _SCAN:
            scans += 1
            missing -= _completed(segment)
        at = start + size
    return Outline(scans, None, scans > 0 and not missing)


def _completed(scan: bytes) -> set[tuple[int, int]]:
    """Returns the coefficients, by component, of which a scan gives the last bit.

    The source is ITU-T T.81, B.2.3, G.1.1.1.
    """
    if len(scan) < 6 or scan[-1] & 15:
        return set()
    return {
        (component, k)
        for component in scan[1:-3:2]
        for k in range(scan[-3], min(scan[-2], _COEFFICIENTS - 1) + 1)
    }


def intact_rows(rgb: Rgb) -> int:
    """Counts the rows of a cut-off picture that are there for certain.

    libjpeg fills the missing rows with one colour, and smooths colours over the border by one row,
    up and down.
    """
    there = np.flatnonzero(np.abs(rgb.astype(np.int16) - rgb[-1, -1]).max(axis=(1, 2)) > 1)
    return max((int(there[-1]) - 1) // _UNIT * _UNIT - 1, 0) if there.size else 0
