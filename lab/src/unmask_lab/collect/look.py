"""Faces of one photo or video: found, tracked, aligned, filtered and cut out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.faces import Watcher, link
from unmask.media import Clip
from unmask.types import Box, Face, Quality, Rgb, Sighting, Track
from unmask.verdict import Rules
from unmask_lab.collect import identity
from unmask_lab.collect.alike import unlike
from unmask_lab.data import DataError, decode
from unmask_lab.landmarks import face_mesh

WIDE = 1.7
"""Side of a crop in longer sides of the face box."""

JPEG_QUALITY = 95

MOST_CROPS = 8000
"""Largest number of faces in memory at a time: 0.9 GB of aligned crops.

A frame drops its smallest faces first.
"""

EMBEDDED = 3
"""Number of faces of a track that its embedding is the mean of: the sharpest ones."""

RULES = Rules()


@dataclass(frozen=True, slots=True)
class LookSettings:
    """Settings of collection: how often to look, and which faces to keep.

    Attributes:
        every: seconds between frames looked at; wider where ``at_most`` frames would not suffice.
        at_most: most frames looked at and most faces kept, per file.
        size_px: least width of a face, px. This and the next three are the worst `Quality` that is
            kept; the defaults are what the runtime judges.
        sharpness: least sharpness of a face.
        yaw: largest yaw of a face.
        blockiness: largest blockiness of a face.
        alike: correlation from which two faces of a track count as one; 1 keeps all. On one
            portrait, filmed and altered by program (simulated), a face at rest has 0.976 or more
            whatever the codec and the finder's jitter, a blink 0.924 or less.
        largest: side, px, to which a larger crop is reduced.
    """

    every: float = 0.5
    at_most: int = 2000
    size_px: float = RULES.size_px
    sharpness: float = RULES.sharpness
    yaw: float = RULES.yaw
    blockiness: float = RULES.blockiness
    alike: float = 0.97
    largest: int = 512

    def __post_init__(self) -> None:
        if not (self.every > 0 and self.at_most >= 1):
            raise DataError(
                "every must be above 0 s and at most 1 face or more, "
                f"not {self.every:g} and {self.at_most}"
            )
        if self.largest < 64:
            raise DataError(f"largest must be 64 px or more, not {self.largest}")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One face that was kept.

    Attributes:
        jpeg: the picture around the face.
        points: float32 ``(5, 2)`` px in that picture.
        mesh: float32 ``(468, 2)`` px in that picture, see `unmask_lab.landmarks`; None where it was
            not found.
        box: px in the frame.
        time: seconds.
        quality: in the frame.
        track: id of its track within the file.
        embedding: of its track, float32 ``(128,)``; None where no embedding is installed.
    """

    jpeg: bytes
    points: NDArray[np.float32]
    mesh: NDArray[np.float32] | None
    box: Box
    time: float
    quality: Quality
    track: int
    embedding: NDArray[np.float32] | None


Cut = tuple[bytes, NDArray[np.float32]]
"""JPEG, and the five points, float32 ``(5, 2)`` px, in it."""


def look(
    clip: Clip, settings: LookSettings, progress: Callable[[float], None]
) -> tuple[list[Found], Counter[str]]:
    """Finds the faces of a clip that are worth keeping, and counts those left out by reason.

    Raises:
        MediaError: the file cannot be decoded.
    """
    times = clip.times(settings.every, settings.at_most)
    watcher = Watcher(at_most=max(1, min(12, MOST_CROPS // len(times))))
    cuts: dict[tuple[float, Box], Cut] = {}
    seen = []
    for frame in clip.frames(times):
        seen.append(watcher.see(frame))
        good = [s for s in seen[-1].sightings if poor(s.quality, settings) is None]
        cuts.update({(s.time, s.face.box): cut(frame.rgb, s.face, settings.largest) for s in good})
        progress(len(seen) / len(times))
    left_out = Counter(
        {"smaller than the others in its frame": sum(frame.left_out for frame in seen)}
    )
    kept = [
        (track.id, s)
        for track in link(seen)
        for s in _sifted(track, len(seen) > 1, settings, left_out)
    ]
    if len(kept) > settings.at_most:
        left_out["over the limit of one file"] += len(kept) - settings.at_most
        kept = [kept[i] for i in np.linspace(0, len(kept) - 1, settings.at_most).astype(int)]
    return list(_found(kept, cuts)), +left_out


def poor(quality: Quality, settings: LookSettings) -> str | None:
    """Returns the reason why a face is not worth keeping, or None."""
    if quality.size_px < settings.size_px:
        return "too small"
    if quality.sharpness < settings.sharpness:
        return "blurred"
    if quality.yaw > settings.yaw:
        return "turned aside"
    if quality.blockiness > settings.blockiness:
        return "blocky"
    return None


def cut(rgb: Rgb, face: Face, largest: int) -> Cut:
    """Cuts the square around a face, at most ``largest`` px a side and within the image."""
    x0, y0, x1, y1 = face.box
    half = WIDE / 2 * max(x1 - x0, y1 - y0)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    h, w = rgb.shape[:2]
    left, top = int(np.clip(x - half, 0, w - 1)), int(np.clip(y - half, 0, h - 1))
    right, bottom = (
        int(np.clip(np.ceil(x + half), left + 1, w)),
        int(np.clip(np.ceil(y + half), top + 1, h)),
    )
    part, scale = rgb[top:bottom, left:right], min(1.0, largest / max(right - left, bottom - top))
    if scale < 1:
        size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    per_px = np.array([part.shape[1] / (right - left), part.shape[0] / (bottom - top)], np.float32)
    # When an image shrinks, the corner of its first pixel stays in place, not the middle.
    points = (face.points - np.array([left, top], np.float32) + 0.5) * per_px - 0.5
    return _jpeg(part), points.astype(np.float32)


def _sifted(
    track: Track, follows: bool, settings: LookSettings, left_out: Counter[str]
) -> list[Sighting]:
    """Returns good sightings that are unlike each other.

    Drops single-frame tracks of a clip (usually false detections).
    """
    if follows and len(track.sightings) == 1:
        left_out["seen in one frame only"] += 1
        return []
    reasons = [poor(s.quality, settings) for s in track.sightings]
    left_out.update(reason for reason in reasons if reason)
    good = [s for s, reason in zip(track.sightings, reasons, strict=True) if reason is None]
    if not good:
        return []
    kept = unlike([s.crop for s in good], settings.alike)
    left_out["like another one"] += len(good) - len(kept)
    return [good[i] for i in kept]


def _found(
    kept: Sequence[tuple[int, Sighting]], cuts: dict[tuple[float, Box], Cut]
) -> Iterator[Found]:
    embeddings: dict[int, NDArray[np.float32] | None] = {}
    for track, s in kept:
        if track not in embeddings:
            embeddings[track] = _embedding([s for t, s in kept if t == track], cuts)
        jpeg, points = cuts[s.time, s.face.box]
        mesh = face_mesh(decode(jpeg), points)
        yield Found(jpeg, points, mesh, s.face.box, s.time, s.quality, track, embeddings[track])


def _embedding(
    track: Sequence[Sighting], cuts: dict[tuple[float, Box], Cut]
) -> NDArray[np.float32] | None:
    if not identity.available():
        return None
    sharpest = sorted(track, key=lambda s: -s.quality.sharpness)[:EMBEDDED]
    return identity.embed(
        [(decode(jpeg), points) for jpeg, points in (cuts[s.time, s.face.box] for s in sharpest)]
    )


def _jpeg(rgb: Rgb) -> bytes:
    written, data = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    assert written
    return data.tobytes()
