"""The main job on real input: a clip, a copy with a changed face, and a report on each.

The portrait is NASA's of astronaut Eileen Collins, public domain, which scikit-image carries. A
moving camera makes a clip of it. In the copy, from 0:03 to 0:05, the face is replaced with its own
mirror image. The mirror image is regenerated at 96 px, as one-shot face swappers do, and pasted
back with shifted colours. The model was never trained on this portrait; it was trained on changes
of this kind, faces regenerated at a small size (the family `regenerate` of the lab).

    python examples/demo.py [FOLDER]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from skimage.data import astronaut

import unmask
from unmask import faces
from unmask.media import open_media
from unmask.report import html
from unmask.scenes import scenes
from unmask.types import Rgb

FPS, SECONDS, CHANGED_FROM, CHANGED_UNTIL = 25, 8, 3.0, 5.0
WIDTH, HEIGHT = 640, 480


def camera(portrait: Rgb) -> Iterator[tuple[float, Rgb]]:
    """Yields times, s, and frames of a hand-held camera that drifts and moves closer."""
    for i in range(FPS * SECONDS):
        t = i / FPS
        zoom = 1.55 + 0.15 * np.sin(0.5 * t)
        x, y = (
            225 + 14 * np.sin(0.9 * t) + 1.0 * np.sin(7 * t),
            140 + 9 * np.cos(0.7 * t) + 0.8 * np.cos(9 * t),
        )
        matrix = cv2.getRotationMatrix2D((x, y), 2.0 * np.sin(0.6 * t), zoom)
        matrix[:, 2] += WIDTH / 2 - x, HEIGHT / 2 - y
        yield (
            t,
            cv2.warpAffine(
                portrait,
                matrix,
                (WIDTH, HEIGHT),
                flags=cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REFLECT,
            ),
        )


def swapped(rgb: Rgb, side: int = 96) -> Rgb:
    """Replaces the largest face with its mirror image, regenerated at ``side`` px."""
    face = faces.find(rgb)[0]
    matrix = faces.similarity(face.points, faces.TEMPLATE * np.float32(side / faces.CROP_PX))
    small = cv2.warpAffine(rgb, matrix, (side, side), flags=cv2.INTER_AREA)[:, ::-1].astype(
        np.float32
    )
    small = np.clip(cv2.bilateralFilter(small, 5, 20, 2) * [1.04, 0.99, 0.94] + 3, 0, 255).astype(
        np.uint8
    )
    mask = np.zeros((side, side), np.float32)
    cv2.ellipse(
        mask,
        (side // 2, int(side * 0.56)),
        (int(side * 0.25), int(side * 0.33)),
        0,
        0,
        360,
        1.0,
        -1,
    )
    mask = cv2.GaussianBlur(mask, (0, 0), side * 0.02)
    size, back = (rgb.shape[1], rgb.shape[0]), cv2.WARP_INVERSE_MAP
    layer = cv2.warpAffine(
        small, matrix, size, flags=cv2.INTER_LINEAR | back, borderMode=cv2.BORDER_REFLECT
    )
    alpha = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR | back)[..., None]
    return (rgb * (1 - alpha) + layer * alpha + 0.5).astype(np.uint8)


def write(path: Path, frames: Iterator[Rgb]) -> None:
    """Writes frames as H.264 in MP4."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt, stream.time_base = (
            WIDTH,
            HEIGHT,
            "yuv420p",
            Fraction(1, FPS),
        )
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))


def main(folder: Path) -> None:
    """Makes both clips, checks them, prints the verdicts and writes the reports."""
    folder.mkdir(parents=True, exist_ok=True)
    shots = list(camera(astronaut()))
    write(folder / "bona-fide.mp4", (rgb for _, rgb in shots))
    changed = (swapped(rgb) if CHANGED_FROM <= t < CHANGED_UNTIL else rgb for t, rgb in shots)
    write(folder / "changed-from-3-to-5-s.mp4", changed)
    for name in ("bona-fide.mp4", "changed-from-3-to-5-s.mp4"):
        clip, report = folder / name, folder / f"{name}.html"
        result = unmask.check(clip)
        page = html.page(result, scenes=scenes(open_media(clip), result.people))
        report.write_text(page, encoding="utf-8")
        print(f"{name}: {result.verdict}. {result.reason}\n    report: {report}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out/demo"))
