"""Simulated clips of one person each, to estimate what the frames of a clip share.

The head turns and the camera moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask_lab.data import Row
from unmask_lab.degrade import Degradation
from unmask_lab.examples import Example, as_seen
from unmask_lab.forge import FAMILIES
from unmask_lab.forge.face import FaceImage, displaced, moved
from unmask_lab.samples import forge_visibly, nearest, shapes

FRAMES = 6
"""Number of frames of a clip, half a second apart."""

HEAD_PER_EYES = np.array([1.3, 1.8], np.float32)
"""Half the width and height of a head, in distances between the eyes."""

TURN = 0.07
"""Standard deviation of the shift of the face's middle by a turn, in distances between the eyes.

It is about 5 degrees.
"""


def films(portraits: Sequence[Row], most: int = 120) -> list[list[list[Example]]]:
    """Makes clips of bona fide faces, and of forged ones.

    Each clip is `FRAMES` frames of one person. Each clip has one forgery, or none, one scale and
    one encoder setting. From frame to frame the head turns, the camera moves and noise differs; a
    forgery is made anew on every frame in the same manner, as swappers do.
    """
    rng = np.random.default_rng(5)
    chosen = [portraits[i] for i in rng.permutation(len(portraits))[:most]]
    points = shapes(chosen)
    clips: list[list[list[Example]]] = [[], []]
    for i, row in enumerate(chosen):
        donor, family = nearest(chosen, points, row, rng), list(FAMILIES)[i % len(FAMILIES)]
        clips[0].append(_film(row, donor, "", str(i), rng))
        clips[1].append(_film(row, donor, family, str(i), rng))
    return clips


def _film(
    row: Row, donor: FaceImage, family: str, clip: str, rng: np.random.Generator
) -> list[Example]:
    scale, manner = float(rng.uniform(0.6, 1.0)), int(rng.integers(2**31))
    crf, noise = int(rng.integers(18, 34)), float(rng.uniform(0, 4))
    frames = []
    for _ in range(FRAMES):
        face = _shaken(_turned(FaceImage(row.rgb, row.points, row.mesh), rng), rng)
        rgb = (
            forge_visibly(family, face, donor, np.random.default_rng(manner)).rgb
            if family
            else face.rgb
        )
        seen = replace(row, points=face.points, label=int(bool(family)))
        way = Degradation(h264=crf, moving=True, noise=noise)
        frames.append(as_seen(seen, rgb, None, family, clip, way, scale, rng))
    return frames


def _turned(face: FaceImage, rng: np.random.Generator) -> FaceImage:
    """Turns the head a little: the middle of the face, nearer to the camera, moves farther."""
    h, w = face.rgb.shape[:2]
    middle, turn = (
        face.points.mean(axis=0),
        rng.normal(0, TURN * face.eyes_apart, 2).astype(np.float32),
    )

    def shift(at: NDArray[np.float32]) -> NDArray[np.float32]:
        off = (at - middle) / (HEAD_PER_EYES * np.float32(face.eyes_apart))
        near: NDArray[np.float32] = np.maximum(0, 1 - np.square(off).sum(axis=-1, keepdims=True))
        return turn * near

    y, x = np.mgrid[:h, :w].astype(np.float32)
    mesh = None if face.mesh is None else face.mesh - shift(face.mesh)
    return FaceImage(
        displaced(face.rgb, shift(np.stack([x, y], 2))), face.points - shift(face.points), mesh
    )


def _shaken(face: FaceImage, rng: np.random.Generator) -> FaceImage:
    """Moves the camera a little: turned, nearer or farther, and shifted."""
    cx, cy = (float(c) for c in face.points.mean(axis=0))
    move = np.asarray(
        cv2.getRotationMatrix2D((cx, cy), float(rng.normal(0, 2)), float(rng.uniform(0.95, 1.05))),
        np.float64,
    )
    move[:, 2] += rng.uniform(-4, 4, 2)
    rgb = cv2.warpAffine(face.rgb, move, face.rgb.shape[1::-1], borderMode=cv2.BORDER_REFLECT_101)
    mesh = None if face.mesh is None else moved(face.mesh, move)
    return FaceImage(np.asarray(rgb, np.uint8), moved(face.points, move), mesh)
