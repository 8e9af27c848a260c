"""Formats of figures: Markdown tables, estimates in their cells, and JSON without nan."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

NONE = "–"
"""Sign for a figure that is not defined."""


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Formats a Markdown table, a row a line, without a line break at its end."""
    lines = [f"| {' | '.join(titles)} |", "| --- " * len(titles) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in rows)])


def paragraph(text: str) -> str:
    """Wraps text in lines of at most 120 characters, with a line break at its end."""
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False) + "\n"


def shown(estimate: Mapping[str, float]) -> str:
    """Formats a `metrics.Estimate`, as a mapping: the value, and in brackets its interval."""
    if math.isnan(estimate["value"]):
        return NONE
    if math.isnan(estimate["low"]):
        return f"{estimate['value']:.3f} ({NONE})"
    return interval(estimate["value"], estimate["low"], estimate["high"])


def interval(value: float, low: float, high: float) -> str:
    """Formats a figure, and in brackets its interval."""
    return f"{value:.3f} ({low:.3f}–{high:.3f})"


def percent(estimate: Mapping[str, float], digits: int = 1) -> str:
    """Formats a rate as `shown` formats other figures."""
    if math.isnan(estimate["value"]):
        return NONE
    value, low, high = (100 * estimate[key] for key in ("value", "low", "high"))
    if math.isnan(low):
        return f"{value:.{digits}f} % ({NONE})"
    return f"{value:.{digits}f} % ({low:.{digits}f}–{high:.{digits}f})"


def plain(value: Any) -> Any:
    """Converts to what JSON can hold: floats to five figures, nan as null."""
    if isinstance(value, Mapping):
        return {key: plain(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [plain(of) for of in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.5g}") if np.isfinite(value) else None
    return value
