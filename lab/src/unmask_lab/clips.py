"""Whole check on simulated clips: a camera moves over portraits, some changed for two seconds.

Simulated: one picture per clip, so nobody speaks or turns. It tells whether sampling, tracking,
combining and spans work together, not how often real footage is judged rightly.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

import unmask
from unmask.types import CheckResult, Rgb, Verdict
from unmask_lab.data import Row
from unmask_lab.forge import FAMILIES
from unmask_lab.forge.face import FaceImage
from unmask_lab.samples import forge_visibly, nearest, shapes
from unmask_lab.tables import NONE, table

FPS, SECONDS, START, END = 25, 6.0, 2.0, 4.0
COMMAND = "make lab-clips"
OFF_BY = 0.35
"""Largest error of a span's ends that counts as right, s."""


def clips(portraits: Sequence[Row], target: Path, people: int = 40) -> str:
    """Films, forges and checks; writes a table, ``clips.md``, to ``target`` and returns it."""
    rng = np.random.default_rng(0)
    large = [row for row in portraits if min(row.rgb.shape[:2]) >= 200]
    chosen, points = [large[i] for i in rng.permutation(len(large))[:people]], shapes(large)
    rows = []
    for family in (None, *FAMILIES):
        results = []
        for i, row in enumerate(chosen):
            target_face, donor = (
                FaceImage(row.rgb, row.points, row.mesh),
                nearest(large, points, row, np.random.default_rng(i)),
            )
            seed = np.random.default_rng(i)
            changed = forge_visibly(family, target_face, donor, seed).rgb if family else row.rgb
            results.append(_checked(row.rgb, changed, phase=i))
        rows.append(_cells(family or "bona fide", results, family is not None))
        print(*rows[-1], sep=", ", file=sys.stderr, flush=True)
    about = (
        f"`{COMMAND}`: a camera moves for {SECONDS:.0f} s over the portraits of {len(chosen)} "
        f"people never trained on (H.264,\nCRF 23); the face is changed from {START:.0f} to "
        f"{END:.0f} s. Simulated: nobody speaks or turns.\n"
    )
    titles = (
        "clip",
        "changed",
        "cannot tell",
        "no change found",
        f"span right within {OFF_BY:g} s",
    )
    text = f"# Simulated clips\n\n{about}\n{table(titles, rows)}\n"
    target.mkdir(parents=True, exist_ok=True)
    (target / "clips.md").write_text(text)
    return text


def _cells(name: str, results: Sequence[CheckResult], forged: bool) -> list[str]:
    verdicts = Counter(result.verdict for result in results)
    spans = [[span for person in result.people for span in person.spans] for result in results]
    right = sum(
        len(s) == 1 and abs(s[0].start - START) <= OFF_BY and abs(s[0].end - END) <= OFF_BY
        for s in spans
    )
    counts = [verdicts[v] for v in (Verdict.CHANGED, Verdict.CANNOT_TELL, Verdict.NO_CHANGE_FOUND)]
    return [name, *map(str, counts), str(right) if forged else NONE]


def _checked(before: Rgb, changed: Rgb, phase: int) -> CheckResult:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(path, "w") as container:
            stream = container.add_stream(
                "libx264", rate=FPS, options={"crf": "23", "preset": "veryfast"}
            )
            stream.height, stream.width = (side // 2 * 2 for side in before.shape[:2])
            stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, FPS)
            for rgb in _film(before, changed, stream.width, stream.height, phase):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
            container.mux(stream.encode(None))
        return unmask.check(path)


def _film(before: Rgb, changed: Rgb, width: int, height: int, phase: int) -> Iterator[Rgb]:
    for i in range(round(SECONDS * FPS)):
        t = i / FPS
        shown = changed if START <= t < END else before
        move = cv2.getRotationMatrix2D(
            (width / 2, height / 2), 2 * np.sin(t + phase), 1 + 0.05 * np.sin(0.7 * t)
        )
        move[:, 2] += 4 * np.sin(1.3 * t), 3 * np.cos(t)
        moved = cv2.warpAffine(shown, move, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        noise = np.random.default_rng(i).normal(0, 2, moved.shape)
        yield np.clip(moved + noise, 0, 255).astype(np.uint8)
