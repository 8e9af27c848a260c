"""The line of evidence without an index, without a match, and with a pair.

The comparison itself has its own tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.results import DRAMA
from tests.sightings import case, track
from unmask.evidence.originals import Originals
from unmask.messages import Message
from unmask.originals import Comparison, compare
from unmask.originals.hashing import LONGEST_PX
from unmask.types import Match, Pair, Rgb, Status, Track, TrackEvidence

pytestmark = pytest.mark.slow


def picture(seed: int = 1) -> Rgb:
    return np.random.default_rng(seed).integers(60, 190, (216, LONGEST_PX, 3), np.uint8)


def match(*times: float) -> Match:
    """Returns a match, one pair per time; the original fills a corner of 384 of 640 px."""
    onto = np.diag([LONGEST_PX / 640, LONGEST_PX / 640, 1.0])
    seen = np.ones((216, LONGEST_PX), np.bool_)
    pairs = tuple(Pair(t, t + 10, picture(), picture(), seen, onto) for t in times)
    return Match((DRAMA,), times[0], times[-1], times[0] + 10, times[-1] + 10, False, 99, pairs)


def compared(line: Originals, someone: Track, matches: tuple[Match, ...] | None) -> TrackEvidence:
    """Returns the line's evidence on the only person in a video with these matches."""
    return line.examine(someone, replace(case(someone), matches=matches))


def test_without_an_index_and_without_a_match_it_does_not_apply() -> None:
    for matches, reason in ((None, "no_index"), ((), "no_match"), ((match(9.0),), "not_compared")):
        said = compared(Originals(), track([0.0, 1.0]), matches)
        assert (said.status, said.summary) == (
            Status.NOT_APPLICABLE,
            Message(f"originals.{reason}"),
        )


class Comparing:
    """Fake of `compare` that compares, and counts how often each pair was compared."""

    def __init__(self) -> None:
        self.times: Counter[Pair] = Counter()

    def __call__(self, pair: Pair, faces: Sequence[np.ndarray]) -> tuple[Comparison, ...]:
        self.times[pair] += 1
        return compare(pair, faces)


def test_a_pair_is_compared_once_for_everybody_in_it_however_often_the_line_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    comparing = Comparing()
    monkeypatch.setattr("unmask.evidence.originals.compare", comparing)
    one, other = track([0.0, 1.0, 2.0], number=1), track([1.0, 2.0, 3.0], number=2)
    line, matched = Originals(), match(0.0, 1.0, 2.0, 9.0)
    given = replace(case(one, other), matches=(matched,))
    once, again = (
        [line.examine(someone, given).readings for someone in (one, other)] for _ in range(2)
    )
    assert comparing.times == dict.fromkeys(matched.pairs[:3], 1)
    assert [[(r.time, r.score) for r in of] for of in once] == [
        [(r.time, r.score) for r in of] for of in again
    ]


def test_why_a_face_could_not_be_compared_is_said() -> None:
    one = match(0.0)
    dark = replace(
        one, pairs=tuple(replace(p, rgb=(p.rgb * 0.04).astype(np.uint8)) for p in one.pairs)
    )
    said = compared(Originals(), track([0.0, 1.0]), (dark,))
    assert said.status is Status.NOT_APPLICABLE
    assert said.summary == Message(
        "originals.not_compared_why", {"why": Message("originals.why.too faint")}
    )


def test_a_pair_speaks_for_the_sightings_about_it() -> None:
    times = [i / 2 for i in range(40)]
    said = compared(Originals(hold=2.0), track(times), (match(3.0, 5.0),))
    assert said.status is Status.RAN
    assert [r.time for r in said.readings] == [t for t in times if 1.0 <= t <= 7.0]
    drama = Message("originals.named", {"title": "The drama", "owner": "Us"})
    found = {"originals": (drama,), "time": 13.0, "finding": Message("originals.found.the same")}
    assert said.summary == Message("originals.compared", {"count": 2, **found})
    assert [r.time for r in said.readings if r.heatmap is not None] == [3.0, 5.0]
    assert [p.original is None for p in said.pictures] == [False, True] * 2
