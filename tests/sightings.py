"""Sightings, tracks and cases made by hand, for everything after the finder.

`look` paints; nothing is detected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from unmask import faces
from unmask.evidence import LineOfEvidence
from unmask.faces import (
    CLOSE_UP_LEAST_PX,
    CLOSE_UP_PX,
    CROP_PX,
    SEARCH_PX,
    TEMPLATE,
    SeenFrame,
)
from unmask.types import Case, Face, Kind, MediaFacts, Quality, Rgb, Sighting, Track, TrackEvidence

GOOD = Quality(size_px=128.0, sharpness=0.05, yaw=0.1, blockiness=1.0)
"""Quality of a face that is judged."""


def look(seed: int = 1) -> Rgb:
    """Paints an aligned crop as soft as a face; two seeds look like two strangers."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(
        cv2.resize(coarse, (CROP_PX, CROP_PX), interpolation=cv2.INTER_CUBIC), np.uint8
    )


def sighting(
    time: float = 0.0, x: float = 300.0, y: float = 200.0, quality: Quality = GOOD, person: int = 1
) -> Sighting:
    """Makes a sighting of a face at ``(x, y)``; ``person`` is the seed of `look`."""
    w = quality.size_px
    points = (TEMPLATE * np.float32(w / CROP_PX) + np.float32([x - w / 2, y - w / 2])).astype(
        np.float32
    )
    face = Face((x - w / 2, y - 0.7 * w, x + w / 2, y + 0.7 * w), points, 0.9)
    close_up = look(person) if w >= CLOSE_UP_LEAST_PX else None
    return Sighting(
        time, face, quality, look(person), close_up=None if close_up is None else enlarged(close_up)
    )


def enlarged(crop: Rgb) -> Rgb:
    """Scales an aligned crop to the size of a close-up."""
    return np.asarray(
        cv2.resize(crop, (CLOSE_UP_PX, CLOSE_UP_PX), interpolation=cv2.INTER_LINEAR), np.uint8
    )


def seen(rgb: Rgb, time: float = 0.0, search_px: int = SEARCH_PX) -> Sighting:
    """Returns the largest face of a real picture, as the watcher keeps it.

    A face that fills much of the picture is found as well at a smaller ``search_px``, much sooner.
    """
    (found, *_) = faces.find(rgb, search_px)
    crop = faces.align(rgb, found.points)
    strip, close_up = faces.eyes(rgb, found.points), faces.close_up(rgb, found.points)
    return Sighting(time, found, faces.measure(rgb, found, crop), crop, strip, close_up)


def sized(size_px: float) -> Quality:
    """Returns a good quality except for this size."""
    return replace(GOOD, size_px=size_px)


def track(times: Sequence[float], qualities: Sequence[Quality] = (GOOD,), number: int = 1) -> Track:
    """Returns a track of someone who stays in place; the qualities repeat."""
    seen = [
        sighting(t, quality=qualities[i % len(qualities)], person=number)
        for i, t in enumerate(times)
    ]
    return Track(number, tuple(seen))


def frame(time: float, *sightings: Sighting, shot: int = 0) -> SeenFrame:
    """Returns a frame as the watcher leaves it; frames of one ``shot`` have the same colours."""
    return SeenFrame(time, np.eye(8, dtype=np.float32)[shot], sightings)


def media(kind: Kind = Kind.VIDEO, frames: int = 250) -> MediaFacts:
    """Returns the facts of a file of 640 x 360 px at 25 frames a second, or of a photo."""
    facts = MediaFacts("clip.mp4", kind, "0" * 64, 1000, "mp4", "h264", 640, 360, frames=frames)
    return facts if kind is Kind.PHOTO else replace(facts, duration=frames / 25, frame_rate=25.0)


def case(*tracks: Track) -> Case:
    """Returns the case that a line of evidence gets beside the track that it examines."""
    return Case(media(), tracks)


def examine(line: LineOfEvidence, *sightings: Sighting) -> TrackEvidence:
    """Returns the evidence of a line on the only person in a video."""
    alone = Track(1, sightings)
    return line.examine(alone, case(alone))
