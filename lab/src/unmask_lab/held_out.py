"""Faces of people never trained on, forged once and kept in memory.

So many networks are measured on exactly the same faces.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from unmask_lab import metrics
from unmask_lab.data import Row
from unmask_lab.degrade import NAMED
from unmask_lab.examples import Example, as_seen, told_apart, with_forgeries
from unmask_lab.samples import shapes
from unmask_lab.validate import scores as logits

RESEARCH = "research"
"""Name of the set of faces that bring their own labels."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Crops, and the sets they form: bona fide faces and the changed ones to tell from them.

    Attributes:
        crops: aligned, uint8 ``(n, CROP_PX, CROP_PX, 3)``.
        close_ups: of the same faces, uint8 ``(n, CLOSE_UP_PX, CLOSE_UP_PX, 3)``.
        label: ``(n,)``, 0 bona fide, 1 changed.
        identities: of whom each crop is, ``(n,)``.
        blur: ``(n,)``, minus the sharpness that the runtime measures: the score of "blurrier is
            changed".
        sets: indices into the crops, by a family's name or `RESEARCH`, and by the name of the way
            that they went.
    """

    crops: NDArray[np.uint8]
    close_ups: NDArray[np.uint8]
    label: NDArray[np.int_]
    identities: NDArray[np.str_]
    blur: NDArray[np.floating]
    sets: dict[tuple[str, str], NDArray[np.intp]]

    def score(self, net: nn.Module, close: bool) -> NDArray[np.float32]:
        """Computes a network's logits in evaluation mode, ``(n,)``.

        Args:
            net: the network.
            close: whether it takes close-ups, see `unmask_lab.nets.SEE_CLOSE_UPS`.
        """
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return logits(net.eval().to(device), self.close_ups if close else self.crops, device)

    def figures(
        self, scores: NDArray[np.floating], names: Sequence[tuple[str, str]]
    ) -> dict[str, list[float]]:
        """Averages ``auc`` and ``found`` (TPR at 1 % FPR) over the named sets.

        Scores are ``(n,)``. Each figure is a value and both ends of its 95 % interval, over people;
        four digits.
        """
        sets = [self.sets[name] for name in names]
        chosen = np.unique(np.concatenate(sets))
        places = [np.searchsorted(chosen, of) for of in sets]

        def rounds(weight: metrics.Floats) -> dict[str, metrics.Floats]:
            rocs = [
                metrics.roc(scores[of], self.label[of], weight[:, at])
                for of, at in zip(sets, places, strict=True)
            ]
            auc, found = (
                [measure(*roc) for roc in rocs] for measure in (metrics.area, metrics.found_at)
            )
            return {"auc": np.mean(auc, axis=0), "found": np.mean(found, axis=0)}

        estimates = metrics.estimates(rounds, self.identities[chosen].tolist())
        return {
            name: [round(value, 4) for value in (of.value, of.low, of.high)]
            for name, of in estimates.items()
        }

    def counts(self, name: tuple[str, str]) -> dict[str, int]:
        """Counts the faces of each class and the people of a set."""
        chosen = self.sets[name]
        changed, people = int(self.label[chosen].sum()), len(set(self.identities[chosen]))
        return {"bona_fide": len(chosen) - changed, "changed": changed, "people": people}


def hold_out(
    portraits: Sequence[Row],
    others: Sequence[Row],
    families: Sequence[str],
    ways: Sequence[str],
    at_most: int,
    seed: int = 500,
) -> HeldOut:
    """Forges portraits with every family once, and degrades all faces in every way.

    Rows that bring their own labels are degraded, too.

    Args:
        portraits: bona fide faces, of which ``at_most`` are drawn; may be none.
        others: rows with labels of their own, of which twice as many are drawn; may be none.
        families, ways: names in `FAMILIES` and `NAMED`.
        at_most: faces.
        seed: of the draw, of the forgeries and of noise.
    """
    portraits = _drawn(portraits, at_most, seed)
    others = _drawn(told_apart(others), 2 * at_most, seed)
    points = shapes(portraits) if portraits else np.empty((0, 5, 2), np.float32)
    faces: list[Example] = []
    sets: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate([*portraits, *others]):
        ours = i < len(portraits)
        forging = np.random.default_rng((seed, i))
        pictures = with_forgeries(row, portraits, points, families if ours else (), forging)
        for k, way in enumerate(ways):
            noise = np.random.default_rng((seed, i, k))
            for rgb, _, family in pictures:
                for name in ((family,) if family else families) if ours else (RESEARCH,):
                    sets.setdefault((name, way), []).append(len(faces))
                faces.append(as_seen(row, rgb, None, family, "", NAMED[way], 1.0, noise))
        if i % 100 == 99:
            print(
                f"held out {i + 1} of {len(portraits) + len(others)}", file=sys.stderr, flush=True
            )
    return HeldOut(
        np.stack([face.crop for face in faces]),
        np.stack([face.close_up for face in faces]),
        np.array([face.label for face in faces]),
        np.array([face.identity for face in faces]),
        -np.array([face.quality.sharpness for face in faces], float),
        {key: np.array(of) for key, of in sets.items()},
    )


def _drawn(rows: Sequence[Row], at_most: int, seed: int) -> list[Row]:
    return [rows[i] for i in np.sort(np.random.default_rng(seed).permutation(len(rows))[:at_most])]
