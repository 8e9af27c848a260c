"""Licences that reach a person in a file.

Such a licence names the file, or has a mark on that person in an original that the file shows.
Nobody is recognised by their face: a mark is a place and a moment, and the match carries it from
the original into the file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unmask.types import Box, Case, HeldLicence, Mark, Pair, Track

HOLD = 1.0
"""Most seconds between a mark and the nearest sighting.

Between sightings a face is assumed to move steadily.
"""


def reaching(track: Track, case: Case, alone: bool) -> tuple[HeldLicence, ...]:
    """Returns the licences of a case that reach a track, whether they hold or not.

    Args:
        alone: whether a licence that only names the file can mean nobody else in it.
    """
    if case.declared is None:
        return ()
    return tuple(
        one
        for one in case.declared.licences
        if (one.names_file and alone) or any(_marked(track, case, mark) for mark in one.marks)
    )


def _marked(track: Track, case: Case, mark: Mark) -> bool:
    """Tells whether a mark lies on this person's face, and on nobody else's."""
    for match in case.matches or ():
        shows = any(original.sha256 == mark.original for original in match.originals)
        if shows and match.original_start <= mark.time <= match.original_end and match.pairs:
            when = match.start + (mark.time - match.original_start) / match.speed
            pair = min(match.pairs, key=lambda pair: abs(pair.original_time - mark.time))
            hit = [one for one in case.tracks if _on(_box(one, when), pair, mark)]
            if [one.id for one in hit] == [track.id]:
                return True
    return False


def _box(track: Track, when: float) -> Box | None:
    """Returns a face's box at a moment, px; None where it was not seen about then."""
    times = [sighting.time for sighting in track.sightings]
    if min(abs(time - when) for time in times) > HOLD:
        return None
    sides = zip(*(sighting.face.box for sighting in track.sightings), strict=True)
    x0, y0, x1, y1 = (float(np.interp(when, times, side)) for side in sides)
    return x0, y0, x1, y1


def _on(box: Box | None, pair: Pair, mark: Mark) -> bool:
    """Tells whether a mark lies in a face after alignment with the original."""
    if box is None:
        return False
    x0, y0, x1, y1 = box
    corners = (
        np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]], np.float64) @ pair.onto.T
    )
    if (corners[:, 2] <= 0).any():
        return False
    points = corners[:, :2] / corners[:, 2:]
    h, w = pair.original.shape[:2]
    return _inside(points, np.array([mark.x * w, mark.y * h]))


def _inside(corners: NDArray[np.float64], point: NDArray[np.float64]) -> bool:
    """Tells whether a point lies in a convex quadrilateral, ``(4, 2)``, in either orientation."""
    sides, to = np.roll(corners, -1, axis=0) - corners, point - corners
    turns = sides[:, 0] * to[:, 1] - sides[:, 1] * to[:, 0]
    return bool((turns >= 0).all() or (turns <= 0).all())
