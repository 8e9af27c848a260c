"""Validation during training: AUC per source and family on people never trained on.

The forgeries are the same each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unmask import faces
from unmask_lab import metrics
from unmask_lab.data import BONA_FIDE, CHANGED, Row
from unmask_lab.samples import Pairs


def validate(
    net: Any,
    rows: Sequence[Row],
    families: Sequence[str],
    device: str,
    looks: int = 300,
    close: bool = False,
) -> dict[str, float]:
    """Computes AUC by name, for each family and each source.

    Families are measured on forgeries of the bona fide portraits, sources on their own changed
    faces.

    Args:
        looks: faces per class, source and family, at most.
        close: whether the network takes close-ups.
    """
    net.eval()
    figures = {}
    for name, (bona_fide, changed) in _sets(
        tuple(rows), tuple(dict.fromkeys(families)), looks, close
    ).items():
        figures[name] = metrics.auc(scores(net, bona_fide, device), scores(net, changed, device))
    return figures


def scores(net: Any, crops: NDArray[np.uint8], device: str, batch: int = 64) -> NDArray[np.float32]:
    """Computes the network's logits, float32 ``(n,)``, for crops, uint8 ``(n, px, px, 3)``."""
    with torch.inference_mode():
        parts = [
            net(torch.from_numpy(crops[i : i + batch]).to(device))[0].cpu()
            for i in range(0, len(crops), batch)
        ]
    return np.asarray(torch.cat(parts))


@lru_cache(maxsize=1)
def _sets(
    rows: tuple[Row, ...], families: tuple[str, ...], looks: int, close: bool
) -> dict[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    own = {row.source for row in rows if row.label == CHANGED}
    sets = {}
    portraits = [row for row in rows if row.label == BONA_FIDE and row.source not in own]
    for k, family in enumerate(families):
        pairs = Pairs(
            portraits, [family], 1_000_000 + k, 0, min(looks, len(portraits)), close=close
        )
        both = np.stack([pairs[i][0] for i in range(len(pairs))])
        sets[family] = (both[:, 0], both[:, 1])
    for source in sorted(own):
        of = [row for row in rows if row.source == source]
        sets[source] = (_crops(of, BONA_FIDE, looks, close), _crops(of, CHANGED, looks, close))
    return sets


def _crops(rows: Sequence[Row], label: int, looks: int, close: bool) -> NDArray[np.uint8]:
    of = [row for row in rows if row.label == label][:looks]
    return np.stack([(faces.close_up if close else faces.align)(row.rgb, row.points) for row in of])
