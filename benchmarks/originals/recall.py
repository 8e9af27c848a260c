"""Clips of known films through every attack, faces changed: are they found, and how exactly?"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.originals.media import SECONDS, encode, small
from benchmarks.originals.tables import OUT
from tests.support import films
from tests.support.films import FPS, Portrait, Rgb
from unmask import originals, pipeline
from unmask.types import Match

SPEED = 1.05


ATTACKS: dict[str, Callable[[Rgb, Rgb], Rgb]] = {
    "240p, quality 30": lambda rgb, _other: small(rgb),
    "crop 5 %": lambda rgb, _other: films.cropped(rgb),
    "bars": lambda rgb, _other: films.barred(rgb),
    "mirror": lambda rgb, _other: films.mirrored(rgb),
    "subtitles": lambda rgb, _other: films.subtitled(rgb),
    "logo": lambda rgb, _other: films.with_logo(rgb),
    "colour grade": lambda rgb, _other: films.graded(rgb),
    "speed 5 %": lambda rgb, _other: rgb,
    "cut out of the middle": lambda rgb, _other: rgb,
    "shown in a corner of another": films.inset,
    "another in its corner": films.behind,
    "all: 240p, crop, grade, subtitles, logo": lambda rgb, _other: small(
        films.with_logo(films.subtitled(films.graded(films.cropped(rgb))))
    ),
}
"""Edits of each frame of a clip, given a frame of another film as well; all encoded at CRF 30."""


def original_time(attack: str, start: float, t: float) -> float:
    """Returns the time in the original of what the attacked clip shows at ``t`` seconds."""
    if attack == "speed 5 %":
        return start + round(SPEED * t * FPS) / FPS
    if attack == "cut out of the middle":
        return start + t + (3.0 if t >= SECONDS / 2 else 0.0)
    return start + t


def recall(people: list[Portrait], seeds: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yields, per film and attack, whether it was found, the time code error and whole-frame PDQ.

    Films take their people from one set of portraits, so some films show the same photograph; those
    are named, too.
    """
    for seed in seeds:
        with tempfile.TemporaryDirectory() as name:
            made = Attacked.of(seed, people, Path(name))
            with originals.opened_store(OUT / "index", writing=True) as store:
                pipeline.register(made.film, store, f"film {seed}", "benchmark")
            with originals.open_index(OUT / "index") as known:
                yield from [
                    _attacked(seed, made, attack, known) for attack in ATTACKS
                ]  # all attacks of a film or none


def _attacked(seed: int, made: Attacked, attack: str, known: originals.Known) -> dict[str, Any]:
    path, pdq = made.clip(attack)
    begun = time.perf_counter()
    found = pipeline.match(path, known)
    told = _told(found, f"film {seed}", attack, made.start)
    seconds = round(time.perf_counter() - begun, 2)
    return {
        "seed": seed,
        "attack": attack,
        "face": made.face,
        "pdq": pdq,
        "seconds": seconds,
        **told,
    }


def _told(found: Sequence[Match], title: str, attack: str, start: float) -> dict[str, Any]:
    """Returns whether the film was found, each pair's error in frames, and wrong films named."""
    right = [match for match in found if match.originals[0].title == title]
    pairs = [pair for match in right for pair in match.pairs]
    off = [
        round(abs(p.original_time - original_time(attack, start, p.time)) * FPS, 2) for p in pairs
    ]
    return {"found": bool(right), "frames_off": off, "wrong": len(found) - len(right)}


@dataclass(frozen=True)
class Attacked:
    """A film, and a clip of ten seconds of it in which the face is another person's in all frames.

    Attributes:
        film: the file.
        start: where in the film the clip begins, s.
        face: area of the largest face, share of the frame.
        changed: the film's frames with the face changed.
        other: frames of another film, to be shown beside it.
        pdq: of frames of the film two seconds apart.
    """

    film: Path
    start: float
    face: float
    changed: list[Rgb]
    other: list[Rgb]
    pdq: list[Any]

    @classmethod
    def of(cls, seed: int, people: list[Portrait], folder: Path) -> Attacked:
        film = films.film(seed, people, SECONDS + 6)
        start = round(np.random.default_rng(seed).uniform(0.2, 2.5) * FPS) / FPS
        swap = films.another_face(people[(seed * 37 + 5) % len(people)])
        both = [film.both(i / FPS, swap) for i in range(round(film.seconds * FPS))]
        pdq = [pdq_hash(both[round(t * FPS)][0]) for t in np.arange(0, film.seconds - 0.1, 2.0)]
        path = encode(folder / "film.mp4", (plain for plain, _ in both), 20, gop=100)
        another = films.film(seed + 10**6, people, SECONDS)
        other = [another.frame(i / FPS) for i in range(SECONDS * FPS)]
        return cls(
            path, start, max(shot.face for _, shot in film.shots), [c for _, c in both], other, pdq
        )

    def clip(self, attack: str) -> tuple[Path, int | None]:
        """Returns the attacked clip, beside the film, and its least PDQ distance to the film.

        The distance is None where no PDQ is available.
        """
        at = [original_time(attack, self.start, i / FPS) for i in range(SECONDS * FPS)]
        frames = [
            ATTACKS[attack](self.changed[round(t * FPS)], other)
            for t, other in zip(at, self.other, strict=True)
        ]
        pdq = [pdq_hash(frame) for frame in frames[::12]]
        apart = [int((a != b).sum()) for a in pdq for b in self.pdq if a is not None]
        return encode(self.film.with_name("clip.mp4"), frames, 30), min(apart, default=None)


def pdq_hash(rgb: Rgb) -> Any:
    """Returns Facebook's PDQ of a whole frame, 256 bits; None if the package pdqhash is missing."""
    with suppress(ImportError):
        import pdqhash

        return pdqhash.compute(rgb)[0]
    return None
