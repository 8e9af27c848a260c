"""People in a file that shows a film, as the licences see them; given as measured, not decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tests import results
from tests.sightings import case, track
from tests.support.owner import Owner
from unmask import verdict
from unmask.licences.licence import PortraitMark, Work
from unmask.licences.register import declared
from unmask.types import Basis, Case, Declared, Kind, Labels, Match, Original, Pair, Person, Verdict

FILM, FILE = "ab" * 32, "cd" * 32
"""sha256 of the film, and of the file."""


def of_film(*marks: tuple[float, float, float]) -> list[Work]:
    """Returns the film as a licence names it, with marks: seconds, x, y."""
    return [
        Work(
            title="The film",
            original=FILM,
            marks=[PortraitMark(time=t, x=x, y=y) for t, x, y in marks],
        )
    ]


def film(start: float = 0.0, scale: float = 0.5) -> Match:
    """Returns a match in which the whole file shows the film from ``start`` on.

    Its picture of 600 px is a thumbnail of 300 there.
    """
    original = Original(
        1, "The film", "Us", "film.mp4", FILM, Kind.VIDEO, 100.0, 50, True, "2026-01-01T00:00:00Z"
    )
    grey = np.zeros((300, 300, 3), np.uint8)
    onto = np.diag([scale, scale, 1.0])
    pairs = tuple(
        Pair(t, start + t, grey, grey, np.ones((300, 300), bool), onto) for t in (0.0, 2.0, 4.0)
    )
    return Match((original,), 0.0, 4.0, start, start + 4.0, False, 100, pairs)


def person(number: int = 1, answer: Verdict = Verdict.CHANGED) -> Person:
    """Returns a person with this verdict."""
    lr = {Verdict.CHANGED: 2.5, Verdict.NO_CHANGE_FOUND: -0.5}.get(answer)
    basis = None if answer is Verdict.CANNOT_TELL else Basis.MEASURED
    one = results.changed_video("clip.mp4").people[0]
    return replace(one, id=number, verdict=answer, log10_lr=lr, spans=(), basis=basis)


def given(said: Declared | None, *people: int, matches: Sequence[Match] = (film(10.0),)) -> Case:
    """Returns a case of people whose faces are around (300, 200) px, from 0 to 4 s."""
    tracks = [track([0.0, 2.0, 4.0], number=number) for number in people or (1,)]
    return replace(case(*tracks), matches=tuple(matches), declared=said)


def judged(
    said: Declared | None, *people: Person, matches: Sequence[Match] = (film(10.0),)
) -> tuple[Person, ...]:
    """Applies licences to people."""
    return verdict.under_licences(people, given(said, *(p.id for p in people), matches=matches))


def of(owner: Owner, plain: Path, labels: Labels = Labels(), days: float = 0) -> Declared:
    """Returns what a file declares, and the licences in the owner's folder, ``days`` from now."""
    return declared(
        str(plain), FILE, labels, owner.folder, datetime.now(UTC) + timedelta(days=days)
    )
