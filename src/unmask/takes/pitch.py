"""Speed changes, by the pitch of steady tones: all change at once, by one ratio.

A fan or a voice changes its own pitch, and all its harmonics with it. Two tones that have nothing
to do with each other, such as mains hum and a fan, change by one ratio only where the recording
runs at another speed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from unmask.messages import Message
from unmask.takes.findings import BreakKind, Confidence, Finding
from unmask.types import SOUND_RATE, Sound

_LOWEST_HZ, _HIGHEST_HZ = 45, 1200
_TONE = 100.0
"""Least power of a tone, in units of its neighbours in the spectrum of a second."""
_MOST = 6
"""Most tones of a second, the strongest."""
_SAME = 0.004
"""Most that two frequencies of one tone differ, relative."""
_CHANGED = 0.02
"""Least change of speed, relative."""
_SIDE = 4
"""Seconds before and after a change in which the tones must be steady."""
_HARMONICS = 8
"""Highest harmonic that relates two tones."""


@dataclass(slots=True)
class Tones:
    """Tones of each second of a sound: the times at which they begin, s, and frequencies, Hz."""

    times: list[float] = field(default_factory=list)
    hertz: list[list[float]] = field(default_factory=list)

    def add(self, sound: Sound) -> None:
        """Adds the whole seconds of a sound that goes on after the last one."""
        for start in range(0, sound.samples.size - SOUND_RATE + 1, SOUND_RATE):
            self.times.append(sound.time + start / SOUND_RATE)
            self.hertz.append(_tones(sound.samples[start : start + SOUND_RATE]))

    def speed_changes(self) -> list[Finding]:
        """Finds where all steady tones change by one ratio."""
        out = []
        for i in range(_SIDE, len(self.times) - _SIDE):
            if self.times[i + _SIDE] - self.times[i - _SIDE] > 2 * _SIDE + 2:
                continue
            before, after = _steady(self.hertz[i - _SIDE : i]), _steady(self.hertz[i + 1 :][:_SIDE])
            if (ratio := _ratio(before, after)) is not None:
                pitch, time = Message("take.pitch", {"speed": ratio}), self.times[i]
                out.append(Finding(BreakKind.SPEED, time, time + 1.0, Confidence.MEDIUM, pitch))
        return out


def _tones(samples: NDArray[np.float32]) -> list[float]:
    """Returns the frequencies, Hz, of the lines in the spectrum of a second, to about 0.1 Hz."""
    windowed = samples.astype(np.float64) * _window(samples.size)
    power = np.abs(np.fft.rfft(windowed)[: _HIGHEST_HZ + 50]) ** 2 + 1e-12
    around = np.median(sliding_window_view(np.pad(power, 20, "reflect"), 41), axis=1)
    peak = (power > np.roll(power, 1)) & (power >= np.roll(power, -1)) & (power > _TONE * around)
    places = np.flatnonzero(peak)
    places = places[(places >= _LOWEST_HZ) & (places <= _HIGHEST_HZ)]
    places = places[np.argsort(-power[places])][:_MOST]
    low, middle, high = (np.log(power[places + by]) for by in (-1, 0, 1))
    return [float(v) for v in places + (low - high) / (2 * (low - 2 * middle + high))]


@cache
def _window(size: int) -> NDArray[np.float64]:
    return np.hanning(size)


def _steady(seconds: Sequence[Sequence[float]]) -> list[float]:
    """Returns the tones that are there in each of some seconds."""
    return [f for f in seconds[0] if all(_is_among(f, others) for others in seconds[1:])]


def _is_among(hertz: float, others: Sequence[float]) -> bool:
    return any(abs(other / hertz - 1) < _SAME for other in others)


def _ratio(before: Sequence[float], after: Sequence[float]) -> float | None:
    """Returns the ratio by which all tones change, of which two at least are unrelated."""
    if len(before) < 2 or any(_is_among(f, after) for f in before):
        return None
    for other in after:
        ratio = other / before[0]
        moved = [f * ratio for f in before]
        if (
            abs(math.log(ratio)) > _CHANGED
            and all(_is_among(f, after) for f in moved)
            and any(not _related(a, b) for a, b in combinations(before, 2))
        ):
            return ratio
    return None


def _related(a: float, b: float) -> bool:
    """Tells whether two tones can be harmonics of one."""
    return any(
        abs(a * m / (b * n) - 1) < _SAME
        for m in range(1, _HARMONICS + 1)
        for n in range(1, _HARMONICS + 1)
    )
