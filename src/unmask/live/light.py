"""Test whether the face answered this sequence of light, and no other.

The response is the likelihood that the nine series of the frames' light, see `signals`, follow the
symbols rather than noise, at the delay that fits best. It is ranked among those of decoys: other
challenges of the same generator, at the delays that fit them best.

False accepts are bounded by construction. If the frames and their times do not depend on the
secret, the secret and its `RANKED_DECOYS` decoys are exchangeable, so that each of the
`RANKED_DECOYS` + 1 is first with the same probability, whatever the camera, face, light,
compression or trick: at most 1 in 10,000 is fresh, ties refused. This holds without any knowledge
of the noise. It says nothing about frames that do depend on the secret, such as a flat picture that
the screen lights, or a picture tinted as the symbols come in: see `relief` and `shading`. Nor does
it bound a recording of other symbols that is slowed down and sped up to fit: such a recording comes
first, but leaves many of its own symbols unexplained, see `unexplained_share`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.live.challenge import SYMBOLS, LightChallenge
from unmask.live.reading import FrameReading
from unmask.live.signals import (
    Series,
    cells_of,
    codes,
    decoys,
    drifts,
    face_cells,
    fit_illumination,
    left_over,
    one_symbol_at,
    reduction,
    settled,
    symbol_at,
    times_of,
    whole_of,
)

RANKED_DECOYS = 9_999
"""Other challenges among which the response must come first: at most 1 in 10,000 false accepts."""

FIRST_DECOYS = 500
"""Decoys that are tried first; a response that is not first among these is not tested further."""

DELAYS: NDArray[np.float64] = np.arange(0, 0.5001, 0.05)
"""Delays from a symbol's sending to its frame that are tried, s.

They cover a round trip, a picture of the screen, and a camera of 0.2 s. With
`unmask.live.signals.CHANGING`, a symbol's own time and `unmask.live.protocol.LATEST` they bound the
time that software has to answer to 1.24 s.
"""

PAINTED = 0.12
"""Time after a change of symbols in which a frame may still show the one before, s.

The network delays some symbols more than others. Frames in that time are left out of
`unexplained_share`.
"""

NOISIEST = 30.0
"""Largest noise variance of a series, as a multiple of what single cells' noise gives.

See `unexplained_share`. The median simulated person has 1.6 times, nine in ten have 9 times at
most, one in a hundred 100 times (seed 101).
"""

CLEAR = 16.0
"""Standard errors by which the changes of hue must exceed noise, see `unexplained_share`.

An unexplained share of 0.18 would then be seen. The changes of simulated persons up to 300 lux
exceed noise by at least 16, those of one in fifty at 600 lux by less (seed 101).
"""

STEADY = 0.25
"""Most seconds by which the delays of the two halves of a challenge may differ."""

ANSWERS = ((0, 0), (0, 1), (0, 2), (1, 1), (2, 2))
"""Pairs of a series and the part of `codes` that it follows.

The level follows all of the screen, and the side where the face is nearer, whichever that is; a
side follows itself.
"""


@dataclass(frozen=True, slots=True)
class LightResponse:
    """Answer of the face to a light challenge.

    Attributes:
        rank: of the response among the decoys' and itself, 1 for the strongest; among those of
            `FIRST_DECOYS`, if it is not the strongest of them.
        margin: the response as a multiple of the strongest decoy's.
        delay: seconds at which it was strongest.
        steady: whether both halves of the challenge were answered at that delay, within `STEADY`.
        strength: rise of the face's light from all quarters `LOW` to all `HIGH`, as a share of it;
            in the colour channel where it rose most.
        unrest: standard deviation of the face's hue, drift and noise removed, natural logarithm: by
            any light that changes, ours or not.
    """

    rank: int
    margin: float
    delay: float
    steady: bool
    strength: float
    unrest: float

    @property
    def fresh(self) -> bool:
        """Tells whether no decoy responded as strongly."""
        return self.rank == 1


def answer(
    challenge: LightChallenge, sent: Sequence[float], readings: Sequence[FrameReading]
) -> LightResponse:
    """Measures the answer of the face; arguments as of `unmask.live.verification.verify`."""
    times = times_of(readings)
    series = settled(fit_illumination(readings), times)
    code = codes(challenge)
    asked = code.transpose(1, 2, 0)[:, :, None]
    symbols = [symbol_at(challenge, sent, times - delay) for delay in DELAYS]
    own = _fit(series, symbols, asked)[0]
    best = int(own.argmax())
    for some in (FIRST_DECOYS, RANKED_DECOYS):
        responses = _fit(series, symbols, decoys(code, some)).max(axis=1)
        # Decoys are summed in single precision. A response within its rounding counts as a tie, and
        # ties lose.
        rank = 1 + int((responses >= own[best] * (1 - 1e-4)).sum())
        if rank > 1:
            break
    halves = [
        int(_fit(series, [_only(one, half) for one in symbols], asked)[0].argmax())
        for half in (0, 1)
    ]
    return LightResponse(
        rank=rank,
        margin=float(own[best] / max(float(responses.max()), 1e-9)),
        delay=float(DELAYS[best]),
        steady=bool(abs(DELAYS[halves[0]] - DELAYS[halves[1]]) <= STEADY),
        strength=_strength(code, symbols[best], readings),
        unrest=_unrest(readings),
    )


def unexplained_share(
    challenge: LightChallenge, sent: Sequence[float], readings: Sequence[FrameReading], delay: float
) -> float:
    """Computes the share of the changes of the face's hue that the symbols leave unexplained.

    The changes are those of its whole and from side to side. Hue is used because exposure and
    movement hardly change it. Noise, as seen within symbols, is subtracted with two standard errors
    more, so that what is left is no noise; but at most `NOISIEST` times what the noise of single
    cells gives, because a program can mix frames within a symbol. Frames near a change of symbols
    are left out, because they show some of both. A face that answers these symbols leaves next to
    nothing; one that answered others, played so that it fits best, leaves what does not fit.
    Everything counts as unexplained where too few frames are left, or where noise would hide what
    does not fit.

    Args:
        challenge, sent, readings: as of `unmask.live.verification.verify`.
        delay: s, of `answer`; what its neighbours among `DELAYS` explain better counts as
            explained.
    """
    times, hues, grain = times_of(readings), *_hues(readings)
    near = DELAYS[np.abs(DELAYS - delay) < 1.5 * (DELAYS[1] - DELAYS[0])]
    shown = [one_symbol_at(challenge, sent, times - one, PAINTED) for one in near]
    return min(_unexplained(codes(challenge), symbols, hues, grain, times) for symbols in shown)


def _hues(readings: Sequence[FrameReading]) -> tuple[Series, Series]:
    """Measures red and blue over green of each frame.

    Returns the level and the slopes, ``(n, 6)``, and what the noise of each cell adds to them,
    ``(n, 6, p)``.
    """
    basis, filters = reduction(readings)
    cells = cells_of(readings)[:, face_cells()]
    hues = cells[..., ::2] - cells[..., 1:2]
    parts = np.einsum("bp,npc->ncb", filters, hues)
    grain = hues - np.einsum("pb,ncb->npc", basis, parts)
    adds = np.einsum("bp,npc->ncbp", filters[:3], grain)
    return parts[..., :3].reshape(len(hues), 6), adds.reshape(len(hues), 6, -1)


def _unexplained(
    code: Series, symbols: NDArray[np.intp], hues: Series, grain: Series, times: Series
) -> float:
    """Computes `unexplained_share` from `_hues`; ``symbols`` shows each frame's, -1 for none."""
    kept = symbols >= 0
    # From this many frames on, at least SYMBOLS / 4 pairs of neighbours show one symbol.
    if kept.sum() < 5 * SYMBOLS // 4:
        return 1.0
    symbols, hues, grain = symbols[kept], hues[kept], grain[kept]
    drift, lit = drifts(times[kept]), code[symbols].reshape(len(symbols), -1)
    before, after = (left_over(hues, basis) for basis in (drift, np.hstack([drift, lit])))
    free, same = len(symbols) - drift.shape[1] - lit.shape[1], np.diff(symbols) == 0
    steps, grains = np.diff(after, axis=0)[same], np.diff(grain, axis=0)[same]
    most = NOISIEST * (grains**2).mean(axis=0).sum(axis=1)
    noise = np.minimum((steps**2).mean(axis=0), most) / 2 + 1e-12
    unexplained = ((after**2).sum(axis=0) / free / noise - 1).sum()
    changes = ((before**2).sum(axis=0) / (len(symbols) - drift.shape[1]) / noise - 1).sum()
    doubt = np.sqrt(hues.shape[1] * (2 / free + 2 / len(steps)))
    return (
        float(np.clip((unexplained - 2 * doubt) / changes, 0, 1))
        if changes > CLEAR * doubt
        else 1.0
    )


def _fit(
    series: Series, symbols: Sequence[NDArray[np.intp]], code: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Computes the response to each code at each delay, ``(codes, delays)``.

    It is minus the logarithm of the part of the series' energy that the code leaves unexplained,
    summed over the series; that is the likelihood ratio where gains and noise are unknown.

    Args:
        series: ``(n, 3, 3)``.
        symbols: per delay, each reading's symbol, ``(n,)``; -1 for none.
        code: as of `decoys`.
    """
    count = code.shape[3]
    times_shown = np.stack(
        [np.bincount(one[one >= 0], minlength=count) for one in symbols], axis=1
    ).astype(np.float32)
    sums = np.stack([_sums(series, one, count) for one in symbols], axis=3).astype(np.float32)
    energy = (
        np.stack([(series[one >= 0] ** 2).sum(axis=0) for one in symbols], axis=2).astype(
            np.float32
        )
        + 1e-9
    )
    response = np.zeros((code.shape[2], len(symbols)), np.float32)
    for channel, parts in enumerate(code.astype(np.float32)):
        sizes = [part**2 @ times_shown + 1e-9 for part in parts]
        explained: list[NDArray[np.float32] | float] = [0.0, 0.0, 0.0]
        for measured, part in ANSWERS:
            product = parts[part] @ sums[:, channel, measured]
            product = np.maximum(product, 0) if measured == part else product
            explained[measured] += product**2 / sizes[part] / energy[channel, measured]
        response -= sum(np.log1p(-np.minimum(one, 0.999)) for one in explained)
    return response


def _sums(series: Series, symbols: NDArray[np.intp], count: int) -> Series:
    """Sums each series over the readings of each symbol, ``(symbols, 3, 3)``."""
    sums = np.zeros((count, *series.shape[1:]))
    lit = symbols >= 0
    np.add.at(sums, symbols[lit], series[lit])
    return sums


def _only(symbols: NDArray[np.intp], half: int) -> NDArray[np.intp]:
    """Returns the symbols of the first (0) or second half (1) of a challenge, -1 for the others."""
    return np.where((symbols >= 0) & ((symbols >= SYMBOLS // 2) == half), symbols, -1)


def _strength(code: Series, symbols: NDArray[np.intp], readings: Sequence[FrameReading]) -> float:
    """Computes `LightResponse.strength`; ``symbols`` are the readings'."""
    lit = symbols >= 0
    times = times_of(readings)[lit]
    whole, all_lit = (
        settled(whole_of(readings)[lit], times),
        settled(code[symbols[lit], :, 0], times),
    )
    rises = (whole * all_lit).sum(axis=0) / np.maximum((all_lit**2).sum(axis=0), 1e-9)
    return float(np.expm1(rises.max()))


def _unrest(readings: Sequence[FrameReading]) -> float:
    """Computes `LightResponse.unrest`."""
    whole = whole_of(readings)
    hues = settled(whole[:, :2] - whole[:, 1:], times_of(readings))
    noise = np.diff(hues, axis=0).var(axis=0) / 2
    return float(np.sqrt(np.maximum(hues.var(axis=0) - noise, 0).max()))
