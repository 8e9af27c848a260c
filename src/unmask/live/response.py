"""Answers of each cell of the face to each part of the light challenge, and the noise left.

Cells are logarithms of light, so an answer is a share: by how much of its light a cell rose.
Whatever is painted on the surface cancels; what remains is how much of the cell's light comes from
the screen, and from which side of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.live import signals
from unmask.live.challenge import SYMBOLS, LightChallenge
from unmask.live.reading import FrameReading
from unmask.live.signals import Series

NOISE_DECOYS = 500
"""Other challenges whose answers measure the noise: its standard error to 3 %."""


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """Response of a face to a light challenge, see the module.

    It has n readings that show one symbol each, and p cells of `signals.face_cells`.

    Attributes:
        answers: of each channel to its own light, ``(3, 3, p)``: to all of the screen from `LOW` to
            `HIGH`, and from its middle to its left and to its top.
        rest: what neither they nor drift explain, ``(n, p, 3)``.
        picture: mean logarithm of light, ``(p, 3)``.
        slips: see `signals.slips`, ``(p, 4)``.
        trust: see `signals.trust`, ``(p,)``.
    """

    answers: Series
    rest: Series
    picture: Series
    slips: Series
    trust: Series
    _symbols: NDArray[np.intp]
    _decoys: NDArray[np.float32]

    @property
    def mean(self) -> Series:
        """Mean of the answers to all of the screen, weighted by trust, ``(3,)``; never 0."""
        return np.asarray(np.maximum(self.answers[:, 0] @ self.trust / self.trust.sum(), 1e-4))

    def noise(self, filters: Series, part: int) -> Series:
        """Computes the variance, ``(h,)``, of what filters, ``(h, 3, p)``, find in noise alone.

        The answers are those to one part of the light.

        Args:
            part: 0 for all of the screen, 1 for across, 2 for down.
        """
        seen = np.einsum("npc,hcp->nhc", self.rest, filters, optimize=True)
        decoys = self._decoys[:, part]
        sums = np.zeros((decoys.shape[2], *seen.shape[1:]))
        np.add.at(sums, self._symbols, seen)
        shown = np.bincount(self._symbols, minlength=decoys.shape[2])
        energy = float((decoys[0] ** 2 @ shown).mean())
        return np.asarray(
            (np.einsum("cdk,khc->dh", decoys, sums, optimize=True) / energy).var(axis=0)
        )


def response(
    challenge: LightChallenge,
    shown: Sequence[float],
    readings: Sequence[FrameReading],
    delay: float,
) -> Response:
    """Measures the response of ``readings``; arguments as of `unmask.live.verification.verify`.

    ``delay`` is in s, from `light.answer`.
    """
    times = signals.times_of(readings)
    symbols = signals.one_symbol_at(challenge, shown, times - delay)
    lit = symbols >= 0
    symbols, code = symbols[lit], signals.codes(challenge)
    seen = signals.cells_of(readings)[lit][:, signals.face_cells()]
    drift = signals.drifts(times[lit])
    answers, rest = np.zeros((3, 3, seen.shape[1])), np.empty_like(seen)
    for channel in range(3):
        basis = np.hstack([code[symbols, channel], drift])
        fit = np.linalg.lstsq(basis, seen[..., channel], rcond=None)[0]
        rest[..., channel] = seen[..., channel] - basis @ fit
        answers[channel] = fit[:3]
    # The fit followed some of the noise, so the rest has too little of it.
    rest *= np.sqrt(SYMBOLS / (SYMBOLS - 3 - drift.shape[1]))
    return Response(
        answers,
        rest,
        seen.mean(axis=0),
        signals.slips(readings),
        signals.trust(readings),
        symbols,
        signals.decoys(code, NOISE_DECOYS),
    )
