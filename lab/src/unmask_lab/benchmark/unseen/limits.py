"""Limits of the learned lines, for the model card, which every report repeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unmask.messages import Message


def limits(result: Mapping[str, Any]) -> list[Message]:
    """States the error rates in ``unseen.json``: missed swaps, and bona fide faces called changed.

    None of the swaps was trained on.
    """
    measured = [
        row for row in result["sets"] if row["whole"] and row["set"] in result["mean"]["sets"]
    ]
    swaps = sum(row["changed_with_lr"] for row in measured)
    found = sum(row["changed_with_lr"] * row["found"]["value"] for row in measured)
    alarms = result["alarms"]
    rates = {"found": 100 * found / swaps, "alarms": 100 * alarms["false_alarms"]["value"]}
    counts = {"swaps": swaps, "bona_fide": alarms["bona_fide_with_lr"]}
    return [Message("limit.missed_swaps", {**counts, **rates}), Message("limit.generated")]
