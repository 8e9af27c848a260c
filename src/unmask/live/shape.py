"""Test whether the surface is shaped as a face is, by a small network.

The network is trained on simulated faces, prints, screens and tints. `unmask.live.relief` and
`unmask.live.shading` answer one physical question each. Their results are interpretable, but no
bound on them separates faces from all surfaces: a face differs from the usual one, and a sheet may
have a little of each. The network sees these results and the answers that they were measured on,
place by place.

It knows nothing but the simulator that trained it (`unmask_lab.live`). So
`unmask.live.verification` accepts no surface as a face that does not show a little of one by relief
and shading together, or that is hollow or glows.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from unmask import models
from unmask.live.relief import Relief
from unmask.live.response import Response
from unmask.live.shading import Shading
from unmask.live.signals import face_cells

WEIGHT = "shape"

Floats = NDArray[np.float32]


def odds(seen: Response, stands: Relief, shaded: Shading, strength: float) -> float:
    """Computes the natural log-odds that the surface is a face's.

    The alternative is a print's, a screen's or a tint's, as often simulated. The face is judged as
    it is and mirrored; the mean of both counts.

    Args:
        seen: the response of the surface.
        stands, shaded: its relief and shading.
        strength: see `unmask.live.light.LightResponse`.

    Raises:
        WeightsError: the weight file is missing or not the released one.
    """
    maps, figures = maps_of(seen), figures_of(stands, shaded, strength)
    both = {"maps": np.stack([maps, mirrored(maps)]), "figures": np.stack([figures, figures])}
    return float(models.session(WEIGHT).run(None, both)[0].mean())


def maps_of(seen: Response) -> Floats:
    """Returns the network's input for each cell, ``(6, p)``.

    It is the share of the screen's light less its mean, the slope across and down that the sides'
    light shows, and the picture's grey, red and blue as logarithms, less their means. Channels are
    weighted by how much of them is answer rather than noise; one that hardly answers does not
    count.
    """
    mean = seen.mean
    weights = np.where(
        mean > 0.1 * mean.max(), mean**2 / (seen.rest.var(axis=0).mean(axis=0) + 1e-6), 0
    )
    share, across, down = np.einsum("c,cmp->mp", weights / weights.sum() / mean, seen.answers)
    usual = np.clip(share, 0.25, 4)
    hues = seen.picture - seen.picture.mean(axis=0)
    grey = hues.mean(axis=1)
    return np.stack(
        [share - 1, across / usual, down / usual, grey, hues[:, 0] - grey, hues[:, 2] - grey]
    ).astype(np.float32)


def figures_of(stands: Relief, shaded: Shading, strength: float) -> Floats:
    """Returns the network's input for the whole face, ``(9,)``."""
    reliefs, doubts = (
        np.array([stands.across, stands.down]),
        np.array([stands.doubt_across, stands.doubt_down]),
    )
    rest = [shaded.facial, np.clip(shaded.glow, -3, 3), np.log(max(strength, 1e-3))]
    return np.concatenate([reliefs, np.log(doubts), np.arcsinh(reliefs / doubts), rest]).astype(
        np.float32
    )


def mirrored(maps: Floats) -> Floats:
    """Returns the maps ``(..., 6, p)`` of the face's mirror image."""
    signs = np.array([1, -1, 1, 1, 1, 1], np.float32)
    return np.asarray(maps[..., _opposite()] * signs[:, None])


@cache
def _opposite() -> NDArray[np.intp]:
    """Index of each cell's mirror image across the midline, ``(p,)``."""
    cells = face_cells()
    number = np.full(cells.shape, -1)
    number[cells] = np.arange(cells.sum())
    opposite: NDArray[np.intp] = number[:, ::-1][cells]
    return opposite
