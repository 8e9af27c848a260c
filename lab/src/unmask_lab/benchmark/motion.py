"""Motion line on simulated clips: ``docs/benchmark/motion.md``.

A camera moves over a portrait; nobody speaks or turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from unmask import faces
from unmask.evidence.motion import NOTABLE, TRAITS, USUAL, Motion
from unmask.types import Case, Face, Kind, MediaFacts, Quality, Rgb, Sighting, Track
from unmask_lab import metrics
from unmask_lab.data import BONA_FIDE, Row
from unmask_lab.degrade import Degradation
from unmask_lab.forge import FAMILIES
from unmask_lab.forge.face import FaceImage, moved
from unmask_lab.forge.flicker import jitter
from unmask_lab.metrics import Floats
from unmask_lab.samples import forge_visibly, nearest, shapes
from unmask_lab.tables import percent, shown, table

COMMAND = "make lab-lines"
FRAMES, STRETCH = 14, slice(5, 9)
"""Number of frames of a clip, and those that a changed stretch takes."""

POINTS = 0.015
"""Standard deviation of the finder's error in the points, in eye distances."""


def motion(portraits: Sequence[Row], target: Path, people: int = 30) -> str:
    """Films, forges and measures; writes ``motion.md`` to a folder and returns its text."""
    rows = [row for row in portraits if row.label == BONA_FIDE]
    chosen = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[:people]]
    points = shapes(rows)
    cells: list[list[str]] = []
    for gap in (0.1, 0.5):
        films: dict[str, list[list[Sighting]]] = {}
        for i, row in enumerate(chosen):
            family = tuple(FAMILIES)[i % len(FAMILIES)]
            for kind, pictures in _pictures(row, rows, points, family, i).items():
                films.setdefault(kind, []).append(
                    film(row, pictures, gap, np.random.default_rng(i))
                )
        cells += _rows(films, gap, [row.identity for row in chosen])
    usual = ", ".join(f"{trait} {value:g}" for trait, value in zip(TRAITS, USUAL, strict=True))
    text = "\n".join(
        [
            "# The motion line on simulated clips\n",
            (
                f"`{COMMAND}`: a camera moves over the portraits of {len(chosen)} people never "
                "trained on (H.264 CRF 26, noise,"
            ),
            (
                f"drifting light, points found with an error of {POINTS:g} eye distances), "
                f"{FRAMES} looks each. Simulated: nobody"
            ),
            (
                "speaks or turns, so real footage will raise more alarms. *Stretch*: "
                "four looks in the middle are changed."
            ),
            (
                "*Flicker*: all are, each a little differently. *Steady*: all are, alike; motion "
                "cannot see that. *Usual*: root mean"
            ),
            f"square of the bona fide changes, in units of {usual}.\n",
            table(
                (
                    "gap, s",
                    "changed",
                    "AUC of clips (95 %)",
                    f"bona fide looks at {NOTABLE:g} or more",
                    "usual",
                ),
                cells,
            ),
        ]
    )
    target.mkdir(parents=True, exist_ok=True)
    (target / "motion.md").write_text(text + "\n")
    return text


def _pictures(
    row: Row, rows: Sequence[Row], points: np.ndarray, family: str, seed: int
) -> Mapping[str, Sequence[Rgb]]:
    face, rng = FaceImage(row.rgb, row.points, row.mesh), np.random.default_rng(seed)
    fake = forge_visibly(family, face, nearest(rows, points, row, rng), rng)
    stretch = [face.rgb] * FRAMES
    stretch[STRETCH] = [fake.rgb] * (STRETCH.stop - STRETCH.start)
    flicker = [
        jitter(face, fake.rgb, fake.mask, np.random.default_rng((seed, k)))[0]
        for k in range(FRAMES)
    ]
    return {
        "bona fide": [face.rgb] * FRAMES,
        "stretch": stretch,
        "flicker": flicker,
        "steady": [fake.rgb] * FRAMES,
    }


def film(row: Row, pictures: Sequence[Rgb], gap: float, rng: np.random.Generator) -> list[Sighting]:
    """Films one face with a hand-held camera, pictures ``gap`` seconds apart.

    Aligns them as the runtime would.
    """
    h, w = row.rgb.shape[:2]
    middle, phase, apart = (
        row.points.mean(axis=0),
        rng.uniform(0, 6),
        np.hypot(*(row.points[1] - row.points[0])),
    )
    seen = []
    for i, picture in enumerate(pictures):
        t = i * gap
        turn = 2 * np.sin(t + phase) + rng.normal(0, 0.3)
        move = np.asarray(
            cv2.getRotationMatrix2D(
                (float(middle[0]), float(middle[1])), turn, 1 + 0.05 * np.sin(0.7 * t)
            ),
            np.float64,
        )
        move[:, 2] += 4 * np.sin(1.3 * t), 3 * np.cos(t)
        shot = np.asarray(
            cv2.warpAffine(
                picture, move, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
            ),
            np.uint8,
        )
        shot = Degradation(exposure=0.15 * float(np.sin(t)), h264=26, noise=2)(shot, rng)
        points = moved(row.points, move) + rng.normal(0, POINTS * apart, (5, 2)).astype(np.float32)
        face = Face((0.0, 0.0, float(w), float(h)), points, 1.0)
        seen.append(
            Sighting(t, face, Quality(2 * float(apart), 0.05, 0.1, 1.0), faces.align(shot, points))
        )
    return seen


def _rows(
    films: Mapping[str, Sequence[Sequence[Sighting]]], gap: float, people: Sequence[str]
) -> list[list[str]]:
    media = MediaFacts("", Kind.VIDEO, "", 0, "", "", 1, 1)
    tracks = {kind: [Track(1, tuple(clip)) for clip in of] for kind, of in films.items()}
    said = {
        kind: [Motion().examine(track, Case(media, (track,))) for track in of]
        for kind, of in tracks.items()
    }
    looks = np.array([r.score for track in said["bona fide"] for r in track.readings])
    alarms = metrics.rate(looks >= NOTABLE, np.repeat(people, FRAMES).tolist())
    change = np.concatenate([Motion().changes(clip) for clip in films["bona fide"]]) / np.array(
        USUAL
    )
    usual = np.sqrt(np.nanmean(change[:, ~np.isnan(change).all(axis=0)] ** 2, axis=0))
    rows = []
    for kind in list(films)[1:]:
        score = np.array([float(t.score or 0) for t in (*said["bona fide"], *said[kind])])
        label = np.repeat([0, 1], len(people))

        def area(
            weight: Floats, score: Floats = score, label: np.ndarray = label
        ) -> dict[str, Floats]:
            return {"auc": metrics.area(*metrics.roc(score, label, weight))}

        found = metrics.estimates(area, [*people, *people])["auc"]
        figures = [
            shown(asdict(found)),
            percent(asdict(alarms)),
            ", ".join(f"{u:.2f}" for u in usual),
        ]
        rows.append([f"{gap:g}", kind, *figures])
    return rows
