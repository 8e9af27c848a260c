"""Originals line: compares each face with a known earlier version of the footage.

The file was matched with an index of originals before; each pair is one of its frames laid over the
same moment of the original, see `unmask.originals`. A face that was put on, or a mouth that was
made to say something else, differs where hair, neck and scenery do not. The score is a decimal
logarithm: how many times more the face differs than compression explains, less the difference of
the head around it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.measuring import recall
from unmask.messages import Message, Value
from unmask.originals import Comparison, FaceFinding, compare
from unmask.types import (
    Case,
    Kind,
    Match,
    Pair,
    Picture,
    Reading,
    Rgb,
    Sighting,
    Status,
    Track,
    TrackEvidence,
    of_highest,
)

Faces = tuple[Sighting, ...]
"""Everybody's sightings in one frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A face in one pair of a match, and the finding about it."""

    match: Match
    pair: Pair
    face: Comparison


class Originals:
    """Compares each face with the original footage.

    Args:
        hold: seconds before and after a pair within which its finding holds for other sightings.
        share: part of a track's comparisons, the highest ones, whose mean is the track's score.
        pictures: pairs that are shown.
    """

    name = "originals"

    def __init__(self, hold: float = 4.5, share: float = 0.1, pictures: int = 3) -> None:
        self.hold, self.share, self.pictures = hold, share, pictures
        self._found: dict[tuple[Pair, Faces], Mapping[Sighting, Comparison]] = {}

    def examine(self, track: Track, case: Case) -> TrackEvidence:
        """Compares a track that is seen in a pair."""
        if not case.matches:
            none = (
                Message("originals.no_index")
                if case.matches is None
                else Message("originals.no_match")
            )
            return TrackEvidence(Status.NOT_APPLICABLE, none)
        compared = self._compared(track, case.tracks, case.matches)
        told = [c for c in compared if np.isfinite(c.face.score)]
        if not told:
            return TrackEvidence(Status.NOT_APPLICABLE, _not_compared(compared))
        times = np.array([c.pair.time for c in told])
        readings = tuple(
            Reading(
                s.time,
                max(told[i].face.score for i in near),
                _on_crop(s, told[near[0]]),
                held=s.time != told[near[0]].pair.time,
            )
            for s in track.sightings
            if (near := _nearest(times, s.time, self.hold))
        )
        score = of_highest([c.face.score for c in told], self.share)
        strongest = sorted(told, key=lambda c: -c.face.score)
        pictures = tuple(picture for c in strongest[: self.pictures] for picture in _pictures(c))
        return TrackEvidence(Status.RAN, _summary(told), score, readings, pictures)

    def _compared(
        self, track: Track, everybody: Sequence[Track], matches: Sequence[Match]
    ) -> list[Compared]:
        """Compares the pairs that show the track.

        All faces of a frame are compared at once, so that no head counts as background.
        """
        mine, faces = {s.time: s for s in track.sightings}, defaultdict[float, list[Sighting]](list)
        for sighting in (s for one in everybody for s in one.sightings):
            faces[sighting.time].append(sighting)
        shown = [(match, pair) for match in matches for pair in match.pairs if pair.time in mine]
        found = recall(
            self._found, [(pair, tuple(faces[pair.time])) for _, pair in shown], _compare
        )
        return [
            Compared(match, pair, of[mine[pair.time]])
            for (match, pair), of in zip(shown, found, strict=True)
        ]


def _compare(frames: Sequence[tuple[Pair, Faces]]) -> Iterator[Mapping[Sighting, Comparison]]:
    for pair, faces in frames:
        yield dict(zip(faces, compare(pair, [s.face.points for s in faces]), strict=True))


def _nearest(times: NDArray[np.float64], time: float, hold: float) -> list[int]:
    """Returns numbers of the comparisons nearest to a moment, and others of the same moment."""
    gaps = np.abs(times - time)
    least = float(gaps.min())
    return [int(i) for i in np.flatnonzero(gaps <= least + 1e-6)] if least <= hold else []


def _on_crop(sighting: Sighting, compared: Compared) -> NDArray[np.float32] | None:
    """Returns where the face differs, float32 ``(48, 48)`` over the aligned crop.

    It is None except at the moment that was compared.
    """
    import cv2

    from unmask.faces import CROP_PX, TEMPLATE, similarity

    if sighting.time != compared.pair.time:
        return None
    to_crop = np.vstack(
        [similarity(sighting.face.points, TEMPLATE * np.float32(48 / CROP_PX)), [0, 0, 1]]
    )
    onto = to_crop @ np.linalg.inv(compared.pair.onto)
    return np.clip(
        cv2.warpPerspective(compared.face.where, onto, (48, 48), flags=cv2.INTER_LINEAR), 0, 1
    ).astype(np.float32)


# ---------------------------------------------------------------- messages and pictures


def _not_compared(compared: Sequence[Compared]) -> Message:
    """Gives the most frequent reason why the face could not be compared."""
    if not compared:
        return Message("originals.not_compared")
    ((finding, _),) = Counter(c.face.finding for c in compared).most_common(1)
    return Message("originals.not_compared_why", {"why": Message(f"originals.why.{finding}")})


def _summary(told: Sequence[Compared]) -> Message:
    """Names the original, and the most frequent finding of a change, or else of all comparisons."""
    changed = [
        c for c in told if c.face.finding in {FaceFinding.CHANGED_FACE, FaceFinding.CHANGED_MOUTH}
    ]
    finding = Counter(c.face.finding for c in changed or told).most_common(1)[0][0]
    highest = max(changed or told, key=lambda c: c.face.score).match
    values: dict[str, Value] = {
        "count": len(told),
        "originals": tuple(original.credit for original in highest.originals),
        "time": highest.original_start,
        "finding": Message(f"originals.found.{finding}"),
    }
    if _is_photo(highest) and len(told) == 1:
        return Message("originals.compared_photo", values)
    if changed and len(changed) < len(told):
        return Message("originals.compared_part", {**values, "part": len(changed)})
    return Message("originals.compared", values)


def _pictures(compared: Compared) -> tuple[Picture, ...]:
    pair, match = compared.pair, compared.match
    when: dict[str, Value] = {"time": pair.time, "original_time": pair.original_time}
    values = {**when, "originals": match.originals[0].credit}
    if _is_photo(match):
        mirrored, plain = (
            Message("originals.pair_photo_mirrored", values),
            Message("originals.pair_photo", values),
        )
    else:
        mirrored, plain = (
            Message("originals.pair_mirrored", values),
            Message("originals.pair", values),
        )
    said = mirrored if match.mirrored else plain
    shown = np.where(pair.seen[..., None], pair.rgb, 0).astype(np.uint8)
    return (
        Picture(said, shown, pair.original),
        Picture(Message("originals.difference"), _difference(pair, compared.face)),
    )


def _is_photo(match: Match) -> bool:
    return all(original.kind is Kind.PHOTO for original in match.originals)


def _difference(pair: Pair, face: Comparison) -> Rgb:
    """Returns the frame in grey, warm where it differs."""
    grey = pair.rgb.astype(np.float32).mean(axis=2, keepdims=True) * 0.6
    heat = np.clip(face.where * 1.4 - 0.2, 0, 1)[..., None]
    return np.asarray(grey * (1 - heat) + heat * np.array([255.0, 150.0, 30.0]), np.uint8)
