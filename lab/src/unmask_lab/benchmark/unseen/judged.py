"""Answers of the whole check on a file's main face, kept as `unmask_lab.benchmark.kept` does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import unmask
from unmask import faces
from unmask.evidence.learned import Learned
from unmask.types import Kind, Person, Rgb
from unmask_lab.benchmark import subgroups
from unmask_lab.benchmark.kept import Answer, kept, version
from unmask_lab.benchmark.unseen import views
from unmask_lab.benchmark.unseen.media import Medium

Views = Callable[[Rgb, NDArray[np.float32]], list[float]]
"""Function from a picture and the five points of a face to the scores in all `views.VIEWS`."""

NETWORKS = ("strong", "learned")
"""Lines whose score is a network's, the stronger one first."""

VIEWED: Mapping[str, Views] = {
    "learned": partial(
        views.over_views, score=lambda crops: Learned().run(crops)[0], align=faces.close_up
    )
}
"""Networks that are also measured over shifted and scaled views, by the line's name.

The strong one is left out: it would take hours.
"""

FRAMES = "mean over frames"
"""Name of a score beside the lines' own: the mean log10 LR of a clip's frames, each on its own."""


def judged(
    media: Sequence[Medium], folder: Path, judge: Callable[[Medium], Answer] | None = None
) -> list[Answer]:
    """Returns the answer for every file, in order.

    Args:
        media: to check.
        folder: where answers are kept, by what is in the file, the weights and the code; if any of
            these is new, the file is measured again.
        judge: gives an answer; `answer` if not given.
    """
    name = version(Path(subgroups.__file__), Path(views.__file__), Path(__file__))
    return kept(media, _key, judge or answer, folder / f"{name}.jsonl")


def answer(medium: Medium) -> Answer:
    """Calls `unmask.check`, as a user would, and scores the views of a photo's face.

    Returns:
        ``faces`` (how many people), and of the main face ``verdict``, ``lr`` (log10, null where no
        line weighed), ``scores`` by line, ``quality``, ``tone`` (typology angle of the cheeks,
        degrees, or null) and, of a photo, ``views`` by network. Without a face only ``faces``.
    """
    result = unmask.check(medium.path)
    person = main_face(result.people, medium)
    if person is None:
        return {"faces": 0}
    photo = result.media is not None and result.media.kind is Kind.PHOTO
    tone = subgroups.typology_angle(person.thumbnail)
    return {
        "faces": len(result.people),
        "verdict": person.verdict,
        "lr": total(person),
        "scores": _scores(person) if photo else _scores(person) | _over_frames(person),
        "quality": list(astuple(person.quality)),
        "tone": tone if np.isfinite(tone) else None,
        "views": _views(medium) if photo else {},
    }


def main_face(people: Sequence[Person], medium: Medium) -> Person | None:
    """Returns the person with the largest product of face size and number of sightings.

    If the medium has a place, only people at that place count, if there are any.
    """
    at = [person for person in people if medium.place is None or _is_at(person, *medium.place)]
    return max(
        at or people, key=lambda person: person.sightings * person.quality.size_px, default=None
    )


def total(person: Person) -> float | None:
    """Returns log10 LR of a face, even if too weak for a verdict; None if no line weighed."""
    parts = [line.log10_lr for line in person.lines.values() if line.log10_lr is not None]
    return sum(parts) if parts else None


def _is_at(person: Person, x: float, y: float) -> bool:
    x0, y0, x1, y1 = np.median([place.box for place in person.places], axis=0)
    return bool(x0 <= x <= x1 and y0 <= y <= y1)


def _scores(person: Person) -> dict[str, float]:
    return {name: line.score for name, line in person.lines.items() if line.score is not None}


def _over_frames(person: Person) -> dict[str, float]:
    return (
        {FRAMES: float(np.mean([lr.log10_lr for lr in person.timeline]))} if person.timeline else {}
    )


def _views(medium: Medium) -> dict[str, list[float]]:
    rgb = medium.rgb
    points = faces.find(rgb)[0].points
    return {name: scores(rgb, points) for name, scores in VIEWED.items()}


def _key(medium: Medium) -> str:
    with medium.path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return (
        content
        if medium.place is None
        else f"{content} at {medium.place[0]:.0f}, {medium.place[1]:.0f}"
    )
