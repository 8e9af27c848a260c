"""Makes whole changed clips and photos, to attack detectors with: licensed and labelled.

Another face is put in frame by frame. This needs a licence by the owner of the portrait that is put
in, and only `unmask_lab.label` writes the result.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask import faces
from unmask.faces import PROPORTIONS, Watcher, link, similarity
from unmask.licences import keys
from unmask.licences.licence import AskedUse, Licence, Part, check
from unmask.licences.manifest import Signing
from unmask.licences.status import StatusList
from unmask.media import Clip, open_media
from unmask.types import Frame, Kind, Rgb, Track
from unmask_lab import label
from unmask_lab.data import DataError
from unmask_lab.forge import FAMILIES, flicker
from unmask_lab.forge.face import FaceImage, blend
from unmask_lab.forge.flicker import Change, steady

WITHOUT_DONOR = ("self_blend", "autoencoder")
"""Families that put in no face of a donor."""

MOST_FRAMES = 3000
"""Largest number of frames of a clip: two minutes at 25 per second.

Tracking its faces takes about 110 kB of memory for each face and frame.
"""

HOLE = 0.2
"""Longest gap, s, over which a missed face is put in at an interpolated place.

After a longer gap it counts as hidden.
"""

WINDOW = 5.0
"""Side of the square that is changed, in eye distances.

The middle between the eyes is at ``MIDDLE`` of it.
"""
MIDDLE = (0.5, 0.42)
MOST_EYES_APART = 160.0
"""Largest distance between the eyes at which a face is changed, px.

A larger face is scaled down and back.
"""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Face that is put in.

    Attributes:
        change: how.
        subject: the person's name; may be None if there is a portrait.
        portrait: sha256, hexadecimal, of the photo that shows the face; may be None if there is a
            name.
    """

    change: Change
    subject: str | None = None
    portrait: str | None = None

    def __post_init__(self) -> None:
        if self.subject is None and self.portrait is None:
            raise DataError(
                "nobody said whose face is put in, so no licence can be checked; "
                "give a name or a portrait"
            )


@dataclass(frozen=True, slots=True)
class Permission:
    """Licence file of the portrait's owner, and what is needed to check it.

    Attributes:
        licence: licence by the portrait's owner, made by `unmask licence grant`.
        owners: public keys of the owners that are vouched for, from these owners.
        status_lists: the owners' lists of revocations.
        licensee: name of who uses it, as in the licence.
    """

    licence: Path
    owners: tuple[Path, ...]
    status_lists: tuple[Path, ...]
    licensee: str

    def check(self, likeness: Likeness, footage: str, at: datetime | None) -> Licence:
        """Returns the licence, if it holds at a moment for this face in this footage.

        Args:
            footage: sha256, hexadecimal.

        Raises:
            LicenceError: it does not.
        """
        asked = AskedUse(self.licensee, likeness.subject, Part.PUT_IN, likeness.portrait, footage)
        lists = tuple(StatusList.of(path) for path in self.status_lists)
        return check(self.licence, keys.owners(self.owners), lists, asked, at)


def of_photo(family: str, donor: Path, subject: str | None = None, seed: int = 1) -> Likeness:
    """Puts in the largest face of a photo by a forgery family.

    The random choices are the same in every frame.

    Raises:
        DataError: no such family, or one that uses no donor, or the photo shows no face.
        MediaError: the photo cannot be read.
    """
    if family not in FAMILIES or family in WITHOUT_DONOR:
        usable = ", ".join(name for name in FAMILIES if name not in WITHOUT_DONOR)
        raise DataError(f"the family {family!r} puts no face of a photo in; choose one of {usable}")
    photo = open_media(donor)
    rgb = next(photo.frames([0.0])).rgb
    found = faces.find(rgb)
    if not found:
        raise DataError(f"{donor}: no face was found in the photo; choose a frontal portrait")
    face = FaceImage(rgb, found[0].points)
    return Likeness(steady(FAMILIES[family], face, seed), subject, photo.facts.sha256)


def of_model(folder: Path, person: str, seed: int = 1) -> Likeness:
    """Puts in a person whom an autoencoder of `unmask_lab.autoencoder` was trained on.

    Raises:
        DataError: there is no trained autoencoder, or it does not know the person.
    """
    from unmask_lab.autoencoder import decode_as, load
    from unmask_lab.forge.autoencoder import paste

    net = load(folder)
    if person not in net.people:
        raise DataError(
            f"{folder}: the model knows {', '.join(net.people)}, not {person}; choose one of them"
        )
    index = net.people.index(person)
    return Likeness(
        lambda face, _: paste(face, decode_as(net, face, index), np.random.default_rng(seed)),
        subject=person,
    )


def flickering(likeness: Likeness, seed: int = 1) -> Likeness:
    """Returns the same face with the jitter of frame-wise swappers."""
    return replace(likeness, change=flicker.flickering(likeness.change, seed))


def swap(
    source: Path,
    out: Path,
    likeness: Likeness,
    permission: Permission,
    at: datetime | None = None,
    signing: Signing | None = None,
) -> int:
    """Puts the face in wherever the main person of the clip or photo is seen.

    Sound is left out, everything is labelled. The main person is, in each shot, the one whose face
    is seen largest and longest.

    Args:
        out: ``.mp4`` for a clip, ``.jpg`` or ``.png`` for a photo.
        at: the moment at which the licence must hold; now, if None.
        signing: what content credentials are signed with; None writes none.

    Returns:
        In how many frames the face was put in.

    Raises:
        LicenceError: the licence does not allow it.
        DataError: no face is seen, the clip is too long, or ``out`` cannot be written.
        MediaError: the clip cannot be read.
    """
    clip = open_media(source)
    allowed = permission.check(likeness, clip.facts.sha256, at)
    if clip.facts.frames > MOST_FRAMES:
        raise DataError(
            f"{source}: {clip.facts.frames:,} frames, over {MOST_FRAMES:,}; "
            "cut out the part that matters"
        )
    label.refuse_name(out, clip.facts.kind)
    if out.resolve() == source.resolve():
        raise DataError(f"{out}: this is the footage itself; choose another name")
    places = follow(clip)
    if not places:
        raise DataError(f"{source}: no face was found; choose footage with a larger, frontal face")
    changed = _changed(clip, places, likeness.change)
    if clip.facts.kind is Kind.PHOTO:
        label.write_photo(out, next(changed).rgb, allowed, signing)
    else:
        label.write_clip(out, changed, clip.facts.frame_rate or 25.0, allowed, signing)
    return len(places)


# ---------------------------------------------------------------- following


def follow(clip: Clip) -> dict[float, NDArray[np.float32]]:
    """Tracks the main person's five points, float32 ``(5, 2)`` px, by time of the frame, s.

    They are smoothed over about three frames.
    """
    watcher, times = Watcher(at_most=3), _times(clip)
    seen = [watcher.see(frame) for frame in _told(clip.frames(times), "following", len(times))]
    tracks = sorted(link(seen), key=lambda track: -sum(s.quality.size_px for s in track.sightings))
    shown = np.array([frame.time for frame in seen])
    places: dict[float, NDArray[np.float32]] = {}
    for track in tracks:
        if not any(s.time in places for s in track.sightings):
            places |= _steadied(track, shown)
    return places


def _times(clip: Clip) -> list[float]:
    """Returns the time of every frame, s.

    The clip is asked for steps far shorter than a frame, so each frame gets its own time.
    """
    return clip.times(1e-6, clip.facts.frames)


def _steadied(track: Track, shown: NDArray[np.float64]) -> dict[float, NDArray[np.float32]]:
    """Interpolates a track's points in every frame it spans, except gaps longer than `HOLE`."""
    when = np.array([s.time for s in track.sightings])
    points = np.stack([s.face.points.ravel() for s in track.sightings])
    spanned = shown[(shown >= when[0]) & (shown <= when[-1])]
    after = np.searchsorted(when, spanned)
    inside = when[after] - when[np.maximum(after - 1, 0)] <= HOLE
    inside |= when[after] == spanned
    between = np.stack([np.interp(spanned, when, column) for column in points.T], axis=1).astype(
        np.float32
    )
    smooth = cv2.GaussianBlur(between, (1, 7), 1.0, borderType=cv2.BORDER_REPLICATE)
    return {
        float(t): p.reshape(5, 2)
        for t, p, keep in zip(spanned, smooth, inside, strict=True)
        if keep
    }


# ---------------------------------------------------------------- putting in


def _changed(
    clip: Clip, places: dict[float, NDArray[np.float32]], change: Change
) -> Iterator[Frame]:
    """Yields every frame of the clip, with the face put in where there is a place for it."""
    eyes = [
        FaceImage(np.empty((0, 0, 3), np.uint8), points).eyes_apart for points in places.values()
    ]
    eyes_apart, times, number = min(float(np.median(eyes)), MOST_EYES_APART), _times(clip), count()
    for frame in _told(clip.frames(times), "changing", len(times)):
        points = places.get(frame.time)
        changed = (
            frame.rgb
            if points is None
            else put_in(frame.rgb, points, eyes_apart, change, next(number))
        )
        yield Frame(frame.time, changed)


def put_in(
    rgb: Rgb, points: NDArray[np.float32], eyes_apart: float, change: Change, number: int
) -> Rgb:
    """Changes the face of one picture, uint8 ``(h, w, 3)``.

    The change is made in an upright window that has the same size and the same points in every
    frame, so that a steady change stays steady.

    Args:
        points: float32 ``(5, 2)`` px, of the face.
        eyes_apart: px in the window.
        number: of the frame.
    """
    side = round(WINDOW * eyes_apart)
    onto = (PROPORTIONS * eyes_apart + np.array(MIDDLE) * side).astype(np.float32)
    matrix, size = similarity(points, onto), (rgb.shape[1], rgb.shape[0])
    window = np.asarray(
        cv2.warpAffine(
            rgb, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        ),
        np.uint8,
    )
    changed, mask = change(FaceImage(window, onto), number)
    back = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    layer = np.asarray(
        cv2.warpAffine(changed, matrix, size, flags=back, borderMode=cv2.BORDER_REFLECT_101),
        np.uint8,
    )
    # The window is blended already, so it is copied whole wherever the mask is more than a trace.
    where = np.asarray(
        cv2.warpAffine(np.minimum(16 * mask, 1), matrix, size, flags=back), np.float32
    )
    return blend(rgb, layer, where)


def _told(frames: Iterator[Frame], doing: str, total: int) -> Iterator[Frame]:
    for done, frame in enumerate(frames, start=1):
        yield frame
        if done % 100 == 0 or done == total > 1:
            print(f"{doing}: {done}/{total} frames", file=sys.stderr, flush=True)
