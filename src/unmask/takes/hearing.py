"""Evidence on a take from its sound: stops, jumps in the phase of a steady tone, and clicks.

Sound goes on when pictures do not change. Mains hum, a fan or an engine is a tone whose phase
survives a cut only by chance. A click is no break, since doors make clicks too; it marks pictures
that are worth a look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from unmask.messages import Message
from unmask.takes.findings import BreakKind, Confidence, Finding
from unmask.takes.pitch import Tones
from unmask.types import SOUND_RATE, Sound

_GAP_S = 0.1
"""Least gap in the sound that counts as a break, s.

Containers and encoders leave up to 0.06 at the ends.
"""
_QUIET = 3e-4
"""Root mean square, of 1, below which nothing can be heard: 10 steps of 16 bits."""
_ORDER = 16
"""Number of samples from which the next one is predicted."""
_CLICK = 14.0
"""Least error of a click, in units of the usual prediction error around it; vowels reach 8."""
BLOCK_S, MARGIN_S = 6.0, 1.0
"""Seconds of a block of sound, and of its ends, where no jumps are sought."""
_HOP = 160
"""Samples, 10 ms, between the phases of a tone."""
_SIDE, _SKIP = 30, 3
"""Phases on either side of a jump from which the tone is predicted, 0.3 s; phases passed over."""
_LOWEST_HZ, _HIGHEST_HZ = 45.0, 1200.0
_TONE = 30.0
"""Least power of a steady tone, in units of its neighbours in the spectrum."""
_STEADY = 0.25
"""Most that a steady tone's phase may deviate on either side, rad, root mean square."""
_LASTING = 0.85
"""Least share of some seconds in which a tone must be present; music and vowels are shorter."""
_MOSTLY = 0.5
"""Least share of a block in which the phase of a steady tone is straight."""
_BENT = 0.03
"""Most that the slope of a steady tone's phase may differ between both sides, rad in 10 ms."""
_JUMP = 0.6
"""Least jump, rad; a fifth of random jumps is smaller."""
_STANDS_OUT = 8.0
"""Least robust z of a jump among what the phase does in the same block."""
_AUDIBLE = 0.5
"""Least share of random jumps that would be found where a tone counts as followed."""


@dataclass(slots=True)
class Heard:
    """Results from the sound.

    Attributes:
        findings: breaks.
        marks: times, s, of clicks.
        steady: stretches, s, with a steady tone, in which most cuts would have been heard.
    """

    findings: list[Finding] = field(default_factory=list)
    marks: list[float] = field(default_factory=list)
    steady: list[tuple[float, float]] = field(default_factory=list)


def listen(sound: Iterable[Sound]) -> Heard:
    """Listens to the whole of a film's sound, block by block."""
    heard, tones = Heard(), Tones()
    last = None
    for block in _blocks(sound, heard):
        begin = block.time if last is None or block.time > last + 0.05 else last
        end = block.time + block.samples.size / SOUND_RATE
        tones.add(_after(block, begin))
        last = end - MARGIN_S
        heard.marks += [t for t in _clicks(block) if begin <= t < last]
        jumps, steady = phase_jumps(block)
        heard.findings += [
            Finding(
                BreakKind.SOUND,
                t,
                t,
                Confidence.HIGH if abs(by) > 2 * _JUMP else Confidence.MEDIUM,
                Message("take.phase"),
            )
            for t, by in jumps
            if begin <= t < last
        ]
        if steady:
            heard.steady.append((begin, last))
    heard.findings += tones.speed_changes()
    return heard


def _after(block: Sound, time: float) -> Sound:
    """Returns a block without what lies before a time, s, and without its margin."""
    first = max(0, round((time - block.time) * SOUND_RATE))
    return Sound(time, block.samples[first : block.samples.size - round(MARGIN_S * SOUND_RATE)])


def _blocks(sound: Iterable[Sound], heard: Heard) -> Iterator[Sound]:
    """Yields overlapping blocks, none over a gap in the sound; a gap is added as a finding."""
    kept: Sound | None = None
    for part in sound:
        if (
            kept is not None
            and abs(gap := part.time - (end := kept.time + kept.samples.size / SOUND_RATE)) > _GAP_S
        ):
            length = {"length": abs(gap)}
            stops = (
                Message("take.sound_gap", length) if gap > 0 else Message("take.sound_back", length)
            )
            heard.findings.append(
                Finding(
                    BreakKind.SOUND,
                    min(end, part.time),
                    max(end, part.time),
                    Confidence.MEDIUM,
                    stops,
                )
            )
            kept = None
        if kept is not None:
            tail = kept.samples[-round(2 * MARGIN_S * SOUND_RATE) :]
            kept = Sound(part.time - tail.size / SOUND_RATE, np.concatenate([tail, part.samples]))
        else:
            kept = part
        yield kept


def _clicks(block: Sound) -> list[float]:
    """Returns times of samples that the samples before them do not predict."""
    x = block.samples.astype(np.float64)
    if x.size < 100 * _ORDER or np.sqrt((x * x).mean()) < _QUIET:
        return []
    error = np.abs(_unforetold(x))
    frames = error[: error.size // _HOP * _HOP].reshape(-1, _HOP)
    usual = np.sqrt((frames * frames).mean(axis=1))
    around = np.median(sliding_window_view(np.pad(usual, 10, "reflect"), 21), axis=1)
    peaks = frames.max(axis=1) / np.maximum(around, 1e-7)
    return [
        block.time + (i * _HOP + int(frames[i].argmax())) / SOUND_RATE
        for i in np.flatnonzero(peaks > _CLICK)
    ]


def _unforetold(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns errors of linear prediction, fitted to the block (autocorrelation method)."""
    r = np.array([(x[: x.size - lag] * x[lag:]).sum() for lag in range(_ORDER + 1)])
    lags = np.abs(np.subtract.outer(np.arange(_ORDER), np.arange(_ORDER)))
    weights = np.linalg.solve(r[lags] + 1e-6 * r[0] * np.eye(_ORDER), r[1:])
    return np.convolve(x, np.concatenate([[1.0], -weights]))[: x.size]


def phase_jumps(block: Sound) -> tuple[list[tuple[float, float]], bool]:
    """Finds jumps in the phase of a block's steady tones.

    Returns times, s, and sizes, rad; and whether most cuts would have been heard in the block.
    """
    x = block.samples.astype(np.float64)
    if x.size < 2 * SOUND_RATE or np.sqrt((x * x).mean()) < _QUIET:
        return [], False
    found: list[tuple[float, float]] = []
    audible = 0.0
    for hertz in _tones(x):
        phases, there = _phases(x, hertz)
        if there.mean() > _LASTING:
            steps, share = _steps(phases, there)
            found += [(block.time + place * _HOP / SOUND_RATE, by) for place, by in steps]
            audible = max(audible, share)
    return _strongest(found), audible >= _AUDIBLE


def _tones(x: NDArray[np.float64]) -> list[float]:
    """Returns the frequencies, Hz, of up to three lines in the mean spectrum of half seconds."""
    size = SOUND_RATE // 2
    windows = x[: x.size // size * size].reshape(-1, size) * np.hanning(size)
    heard = np.fft.rfft(windows, axis=1)[:, : round(_HIGHEST_HZ * size / SOUND_RATE) + 10]
    power = np.median(np.abs(heard) ** 2, axis=0)
    hertz = np.arange(power.size) * SOUND_RATE / size
    around = np.median(sliding_window_view(np.pad(power, 10, "reflect"), 21), axis=1)
    peak = (power > np.roll(power, 1)) & (power >= np.roll(power, -1)) & (power > _TONE * around)
    places = np.flatnonzero(peak & (hertz >= _LOWEST_HZ) & (hertz <= _HIGHEST_HZ))
    return [float(hertz[place]) for place in places[np.argsort(-power[places])][:3]]


def _phases(x: NDArray[np.float64], hertz: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Returns a tone's phase every 10 ms, rad, unwrapped and without its even rotation.

    Also returns whether the tone is about as loud as usual.
    """
    hops = x[: x.size // _HOP * _HOP].reshape(-1, _HOP)
    turning = np.exp(-2j * np.pi * hertz * np.arange(_HOP) / SOUND_RATE) / _HOP
    turned = (hops * turning).sum(axis=1)
    turned *= np.exp(-2j * np.pi * hertz * _HOP / SOUND_RATE * np.arange(turned.size))
    smooth = np.convolve(turned, np.ones(5) / 5, "same")
    phases = np.unwrap(np.angle(smooth))
    loud = np.abs(smooth)
    return phases, loud > 0.5 * np.median(loud)


def _steps(
    phases: NDArray[np.float64], there: NDArray[np.bool_]
) -> tuple[list[tuple[int, float]], float]:
    """Finds places where a phase that is straight for 0.3 s before and after jumps.

    A jump must stand out of what the phase does elsewhere, since no engine runs evenly, and other
    sounds disturb a tone. Also returns the share of random jumps that would have stood out, 0 to 1.
    """
    apart = _SIDE + 2 * _SKIP
    if phases.size < _SIDE + apart:
        return [], 0.0
    middle, slope, strays = _straight(phases)
    lasting = np.asarray(sliding_window_view(there, _SIDE).all(axis=1), np.bool_)
    uneven = np.maximum(strays[:-apart], strays[apart:])
    even = lasting[:-apart] & lasting[apart:] & (uneven <= _STEADY)
    even &= np.abs(slope[apart:] - slope[:-apart]) <= _BENT
    if even.mean() < _MOSTLY:
        return [], 0.0
    slopes = (slope[apart:] + slope[:-apart]) / 2
    by_sides, by_block = (
        (middle[apart:] - middle[:-apart] - rate * apart + np.pi) % (2 * np.pi) - np.pi
        for rate in (slopes, np.median(slopes[even]))
    )
    turned = np.where(np.abs(by_sides) < np.abs(by_block), by_sides, by_block)
    least = max(_JUMP, _STANDS_OUT * 1.4826 * float(np.median(np.abs(turned[even]))))
    jumps = even & (np.abs(turned) > np.maximum(least, 8 * uneven / np.sqrt(_SIDE)))
    found = [(int(i) + _SIDE + _SKIP, float(turned[i])) for i in np.flatnonzero(jumps)]
    return found, float(even.mean()) * max(0.0, 1 - least / np.pi)


def _straight(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Fits a line to each stretch of 0.3 s: its middle, its slope, and the spread around it."""
    windows = sliding_window_view(values, _SIDE)
    at = np.arange(_SIDE) - (_SIDE - 1) / 2
    middle, slope = windows.mean(axis=1), windows @ at / (at @ at)
    left = windows.var(axis=1) - slope**2 * (at @ at) / _SIDE
    return middle, slope, np.sqrt(left.clip(0))


def _strongest(found: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns the largest jump of each half second."""
    kept: list[tuple[float, float]] = []
    for time, by in sorted(found, key=lambda jump: -abs(jump[1])):
        if all(abs(time - other) > 0.5 for other, _ in kept):
            kept.append((time, by))
    return sorted(kept)
