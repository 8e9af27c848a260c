"""Whole frames for a report that show where each person is: few, and decoded a second time."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from unmask.media import Clip
from unmask.types import Box, Person, Rgb, Scene

LONGEST_PX = 1200
"""Longest side, px, of a scene's picture."""


def scenes(clip: Clip, people: Sequence[Person], most: int = 4) -> tuple[Scene, ...]:
    """Returns one frame for each group of people seen at overlapping times, in order of time.

    Nobody is followed across a cut, so every shot with faces has a frame of its own.

    Args:
        clip: the file that the people were found in.
        people: with the places of their faces.
        most: frames at most; those that show the most people, and the largest, are kept.

    Raises:
        MediaError: the file is gone, or has changed since it was judged.
    """
    fullest = sorted(
        (_fullest(group) for group in _groups(people)),
        key=lambda moment: _shown(moment[1]),
        reverse=True,
    )[:most]
    shown = dict(fullest)
    return tuple(
        _scene(frame.time, frame.rgb, shown[wanted])
        for wanted, frame in zip(sorted(shown), clip.frames(sorted(shown)), strict=False)
        if abs(frame.time - wanted) < 1e-3
    )


def _groups(people: Sequence[Person]) -> list[list[Person]]:
    """Groups people whose times overlap, directly or through others."""
    groups: list[list[Person]] = []
    end = -np.inf
    for person in sorted((p for p in people if p.places), key=lambda p: p.first_seen):
        if person.first_seen > end:
            groups.append([])
        groups[-1].append(person)
        end = max(end, person.last_seen)
    return groups


def _fullest(group: Sequence[Person]) -> tuple[float, dict[int, Box]]:
    """Finds the moment that shows most of a group, and each person's box in it, by id."""
    moments: dict[float, dict[int, Box]] = {}
    for person in group:
        for place in person.places:
            moments.setdefault(place.time, {})[person.id] = place.box
    return max(moments.items(), key=lambda moment: _shown(moment[1]))


def _shown(boxes: dict[int, Box]) -> tuple[int, float]:
    """Returns the number of faces, then their total area, px^2."""
    return len(boxes), sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes.values())


def _scene(time: float, rgb: Rgb, boxes: dict[int, Box]) -> Scene:
    h, w = rgb.shape[:2]
    scale = min(1.0, LONGEST_PX / max(h, w))
    small = (
        cv2.resize(rgb, (round(w * scale), round(h * scale)), interpolation=cv2.INTER_AREA)
        if scale < 1
        else rgb
    )
    placed = {
        i: (x0 * scale, y0 * scale, x1 * scale, y1 * scale) for i, (x0, y0, x1, y1) in boxes.items()
    }
    return Scene(time, np.asarray(small, np.uint8), placed)
