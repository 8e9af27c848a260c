"""Shots: their ends and beginnings, by a hard cut or a dissolve.

Two pictures that were looked at anyway show cheaply where something changed, and so do glimpses
between them. Only there all pictures are looked at, in small. Movement changes a little from each
picture to the next, a cut changes much at once, and a dissolve is a blend of the pictures before
and after.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise, product
from typing import Protocol

import numpy as np

from unmask.takes.change import Miniature, change, likeness, miniature, mixture
from unmask.takes.glimpses import doubtful
from unmask.types import Frame, Glimpse

SUSPECT = 0.05
"""Least change between two looks for which the pictures between them are looked at."""
_SAME = 0.85
"""Likeness of two looks from which on there is no hard cut between them.

For two people before one wall it is 0.4 to 0.6. Of one person who talks or sways, half a second
later, 1 of 8 looks is below it.
"""
_SOON = 0.6
"""Seconds around two looks in which a dissolve between them may begin and end."""
CUT = 0.12
"""Least change from one picture to the next at a hard cut.

Between portraits that sway before one background it is at least 0.2, and within their shots 0.
"""
_STANDS_OUT = 3.0
"""Least ratio of a cut's change to the largest change around it.

It is for cuts among moving pictures, and among held ones.
"""
_AROUND = 8
_NEAR = 0.32
"""Seconds around a doubt that are looked at, too: as many pictures as a cut is compared with."""
_DISSOLVES = (0.28, 0.6, 1.2)
"""Lengths of the stretches tested for a dissolve, s.

A longer dissolve shows in its middle; one under 0.4 s may be missed.
"""
_UNEXPLAINED = 0.12
"""Most that a blend of both ends may leave unexplained in a dissolve.

Dissolves between swaying portraits leave 0.1 at half a second, movement 0.3, and slow motion 0.15,
which in small pictures is a blend.
"""
_STRETCHES = 3
"""Least number of dissolve-like stretches; they overlap, and chance gives one or two."""
_UNEVEN = 0.12
"""Most that the shares at the quarters of a dissolve may differ from 3/4, 1/2 and 1/4."""
_DISSOLVED = 0.2
"""Least change from one end of a dissolve to the other.

A head that sways before a wall reaches 0.17.
"""
_ALIKE = 0.75
"""Likeness of both ends above which there is no dissolve.

For two people before one wall it is 0.4 to 0.6. For one person who sways, or whose light goes down,
it is 0.88 to 0.92 over 1.2 s.
"""
_MARGIN = 0.05
"""Added to that for looks, as a dissolve may begin and end between them."""
_SPACING = 0.04
"""Seconds between the pictures looked at."""
_SMALL_PX = 192
MOST_PICTURES = 2000
"""Most pictures looked at between looks in one clip; 80 s of film.

The stretches with the largest change come first.
"""


class PictureSource(Protocol):
    """Interface of a clip, such as `unmask.media.Clip`."""

    def times_between(
        self, start: float, end: float, every: float, at_most: int
    ) -> list[float]: ...

    def frames(self, times: Sequence[float], longest_px: int | None = None) -> Iterator[Frame]: ...


def cuts(
    film: PictureSource,
    looks: Sequence[tuple[Miniature, Miniature]],
    glimpses: Sequence[Glimpse] = (),
) -> tuple[float, ...]:
    """Finds shot changes between looks.

    Returns the time, s, of the first picture after a hard cut, or of a dissolve's most even blend.

    Args:
        film: the film.
        looks: pairs of two looks, one soon after the other, in order of time; other gaps are not
            searched.
        glimpses: pictures from between looks, in order of time; where they show that there is no
            cut, no more pictures are looked at.

    Raises:
        MediaError: the film cannot be read.
    """
    suspects = sorted(_doubted(list(_suspects(looks)), glimpses), key=lambda suspect: -suspect[0])
    chosen: list[tuple[Miniature, Miniature]] = []
    left = MOST_PICTURES
    for _, a, b in suspects:
        if (pictures := _count(a, b)) <= left:
            chosen.append((a, b))
            left -= pictures
    if not chosen:
        return ()  # the film need not be opened again
    stretches = _joined(sorted(chosen, key=lambda pair: pair[0].time))
    found: list[float] = []
    for pictures_of in _pictures(film, stretches):
        found += [
            *_hard(pictures_of),
            *(_middle(pictures_of, start, end) for start, end in dissolves(pictures_of)),
        ]
    return tuple(sorted(found))


def _suspects(
    looks: Sequence[tuple[Miniature, Miniature]],
) -> Iterator[tuple[float, Miniature, Miniature]]:
    """Yields those pairs that are unlike, or within reach of a dissolve, after their change."""
    starts, ends = ([pair[side].time for pair in looks] for side in (0, 1))
    for a, b in looks:
        from_ = looks[int(np.searchsorted(ends, a.time - _SOON, "right"))][0]
        to = looks[int(np.searchsorted(starts, b.time + _SOON)) - 1][1]
        if likeness(a, b) < _SAME or likeness(from_, to) < _ALIKE + _MARGIN:
            changed = change(a, b, reach=6)
            if changed > SUSPECT:
                yield changed, a, b


def _doubted(
    suspects: Sequence[tuple[float, Miniature, Miniature]], glimpses: Sequence[Glimpse]
) -> Iterator[tuple[float, Miniature, Miniature]]:
    """Yields those suspects in or near which glimpses do not rule out a cut."""
    times = [glimpse.time for glimpse in glimpses]
    doubts: list[tuple[float, float]] = []
    for looks in _joined([(a, b) for _, a, b in suspects]):
        known = {look.time for look in looks}
        first, end = np.searchsorted(times, [looks[0].time, looks[-1].time]).tolist()
        between = [
            _with_faces(Miniature.of(glimpse), looks)
            for glimpse in glimpses[first:end]
            if glimpse.time not in known
        ]
        doubts += doubtful(sorted([*looks, *between], key=lambda picture: picture.time))
    for changed, a, b in suspects:
        if any(start < b.time + _NEAR and end > a.time - _NEAR for start, end in doubts):
            yield changed, a, b


def _with_faces(picture: Miniature, looks: Sequence[Miniature]) -> Miniature:
    """Gives a picture the faces of the looks before and after it."""
    after = int(
        np.searchsorted([look.time for look in looks], picture.time).clip(1, len(looks) - 1)
    )
    around, inside = (
        np.logical_or(*masks)
        for masks in zip(*((m.around, m.inside) for m in looks[after - 1 : after + 1]), strict=True)
    )
    return replace(picture, around=around, inside=inside)


def _joined(pairs: Sequence[tuple[Miniature, Miniature]]) -> list[list[Miniature]]:
    """Joins the looks of neighbouring pairs, because a dissolve may span several."""
    stretches: list[list[Miniature]] = []
    for a, b in pairs:
        if stretches and stretches[-1][-1] is a:
            stretches[-1].append(b)
        else:
            stretches.append([a, b])
    return stretches


def _pictures(
    film: PictureSource, stretches: Sequence[Sequence[Miniature]]
) -> list[list[Miniature]]:
    """Reads all pictures of each stretch, from its first look to its last, in one pass.

    They have the faces of the looks around them.
    """
    times = [
        film.times_between(
            looks[0].time, looks[-1].time, _SPACING, max(2, _count(looks[0], looks[-1]))
        )
        for looks in stretches
    ]
    ends = [looks[-1].time for looks in stretches]
    pictures: list[list[Miniature]] = [[] for _ in stretches]
    for frame in film.frames(list(chain.from_iterable(times)), _SMALL_PX):
        stretch = min(int(np.searchsorted(ends, frame.time)), len(stretches) - 1)
        pictures[stretch].append(_with_faces(miniature(frame), stretches[stretch]))
    return pictures


def _count(a: Miniature, b: Miniature) -> int:
    """Returns the number of pictures that are looked at from one look to another."""
    return round((b.time - a.time) / _SPACING) + 1


def _hard(pictures: Sequence[Miniature]) -> list[float]:
    changes = np.array([change(a, b, reach=4) for a, b in pairwise(pictures)])
    found = []
    for i, now in enumerate(changes):
        around = np.concatenate(
            [changes[max(0, i - _AROUND) : i], changes[i + 1 : i + 1 + _AROUND]]
        )
        if now < max(CUT, _STANDS_OUT * around.max(initial=0.0)):
            continue
        before, after = pictures[max(0, i - 2)], pictures[min(i + 3, len(pictures) - 1)]
        if change(before, after, reach=4) > now / 2:  # or it was a flash
            found.append(pictures[i + 1].time)
    return found


def dissolves(pictures: Sequence[Miniature]) -> list[tuple[float, float]]:
    """Finds dissolves among consecutive pictures: start and end of each, s."""
    times = np.array([p.time for p in pictures])
    found: list[tuple[float, float]] = []
    for length, first in product(_DISSOLVES, range(len(pictures))):
        quarters = [
            int(np.searchsorted(times, times[first] + length * q / 4 - 1e-6)) for q in (1, 2, 3, 4)
        ]
        if quarters[-1] < len(pictures) and _is_dissolve(
            pictures[first], *(pictures[q] for q in quarters)
        ):
            found.append((float(times[first]), float(times[quarters[-1]])))
    groups: list[list[tuple[float, float]]] = []
    for stretch in sorted(found):
        if groups and stretch[0] - max(end for _, end in groups[-1]) < _DISSOLVES[0]:
            groups[-1].append(stretch)
        else:
            groups.append([stretch])
    ends = [
        (group[0][0], max(end for _, end in group)) for group in groups if len(group) >= _STRETCHES
    ]
    at = dict(zip(times.tolist(), pictures, strict=True))
    return [(start, end) for start, end in ends if likeness(at[start], at[end]) < _ALIKE]


def _middle(pictures: Sequence[Miniature], start: float, end: float) -> float:
    """Returns the time, s, of the picture of a dissolve that is most evenly blended."""
    within = [picture for picture in pictures if start <= picture.time <= end]
    shares = [abs(mixture(within[0], one, within[-1])[0] - 0.5) for one in within]
    return within[int(np.argmin(shares))].time


def _is_dissolve(
    a: Miniature, first: Miniature, second: Miniature, third: Miniature, b: Miniature
) -> bool:
    """Tells whether the pictures at the quarters from ``a`` to ``b`` are blends in even steps."""
    blends = zip((first, second, third), (0.75, 0.5, 0.25), strict=True)
    for picture, wanted in blends:
        share, left = mixture(a, picture, b)
        if left > _UNEXPLAINED or abs(share - wanted) > _UNEVEN:
            return False
    return change(a, b, reach=6) >= _DISSOLVED
