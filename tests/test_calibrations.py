"""The calibrations that this package ships."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from unmask import calibrations
from unmask.types import Quality


def test_the_shipped_calibrations_rise_with_each_score_at_every_quality() -> None:
    """Slopes are linear in the limits, so testing the ends is enough."""
    qualities = [
        Quality(size, sharp, 0.0, blocks)
        for size in (1, 9999)
        for sharp in (1e-6, 99)
        for blocks in (1, 99)
    ]
    for fitted in calibrations.load():
        assert 0 <= fitted.missed < 1, fitted.lines
        assert 0 <= fitted.shared < 1, fitted.lines
        assert fitted.separation > 0, fitted.lines
        free, nothing = replace(fitted, bound=1e9), dict.fromkeys(fitted.lines, 0.0)
        for quality, line in product(qualities, fitted.lines):
            risen = free.known({**nothing, line: 1.0}, quality) - free.known(nothing, quality)
            assert risen > -1e-12, (line, quality)  # a slope held at 0 leaves rounding
