"""Trials of one face each: changed, only edited, or acted again. Can they be told apart?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.originals.media import encode, small
from tests.support import films
from tests.support.films import FPS, Portrait, Rgb
from unmask import faces, originals, pipeline
from unmask.media import open_media
from unmask.types import Match

EDITS: dict[str, Callable[[Rgb, float], Rgb]] = {
    "re-encode": lambda rgb, _y: small(rgb),
    "crop": lambda rgb, _y: small(films.cropped(rgb)),
    "grade": lambda rgb, _y: small(films.graded(rgb)),
    "subtitle across the face": lambda rgb, y: small(films.subtitled(rgb, height=y)),
    "logo and subtitle": lambda rgb, _y: small(films.with_logo(films.subtitled(rgb))),
    "mirror and grade": lambda rgb, _y: small(films.graded(films.mirrored(rgb))),
}
"""Edits made to both classes; ``_y`` is the height of the face in the frame, 0 to 1."""


def trials(people: list[Portrait], seeds: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yields one trial per face, from three frames of film.

    The face is changed (face or mouth), only edited, or acted again.
    """
    for seed in seeds:
        rng = np.random.default_rng((seed, 17))
        film = films.film(seed + 3 * 10**6, people, 1.0)
        shot, t = film.at(0.4)
        edit = list(EDITS)[int(rng.integers(len(EDITS)))]
        kind = str(rng.choice(["none", "face", "mouth", "take"], p=[0.4, 0.3, 0.2, 0.1]))
        other = people[int(rng.integers(len(people)))]
        swap = {"face": films.another_face(other), "mouth": films.another_mouth(other)}.get(kind)
        acted = films.Shot(shot.seed, shot.portrait, 1, shot.face) if kind == "take" else shot
        plain = [shot.frame(t + i / FPS)[0] for i in range(3)]
        seen = faces.find(plain[1]) if "across" in edit else ()
        height = float(seen[0].points[:, 1].mean() / films.HEIGHT) if seen else 0.5
        both = [acted.frame(t + i / FPS, swap) for i in range(3)]
        effect = films.changed_by(*both[0])
        shown = [EDITS[edit](frame, height) for _, frame in both]
        yield {
            "seed": seed,
            "edit": edit,
            "kind": kind if swap is None or effect >= films.LEAST_CHANGE else "none",
            "face": shot.face,
            "effect": round(effect, 2),
            **_tried(plain, shown, int(rng.integers(24, 35))),
        }


def _tried(plain: list[Rgb], shown: list[Rgb], crf: int) -> dict[str, Any]:
    """Registers one clip, searches for the other, and compares the largest face.

    The score is None if they could not be compared.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with originals.opened_store(folder / "index", writing=True) as store:
            pipeline.register(encode(folder / "a.mp4", plain, 20), store, "film", "benchmark")
        path = encode(folder / "b.mp4", shown, crf)
        with originals.open_index(folder / "index") as known:
            found: tuple[Match, ...] = pipeline.match(path, known)
        pair = next((p for m in found for p in m.pairs), None)
        frame = next(iter(open_media(path).frames([pair.time] if pair else [0.0])))
        seen = faces.find(frame.rgb)
        if pair is None or not seen:
            return {"crf": crf, "found": pair is not None, "score": None, "finding": None}
        told = originals.compare(pair, [face.points for face in seen])[0]
        score = float(told.score) if np.isfinite(told.score) else None
        return {
            "crf": crf,
            "found": True,
            "score": score,
            "around": float(told.around),
            "finding": str(told.finding),
        }
