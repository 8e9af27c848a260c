"""Limits of the learned lines in sentences for the model card, which every report repeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WHOLE_PICTURES = (
    "It looks for faces that were pasted, blended or made anew. Pictures that were generated as a whole are not what it was made "
    "for, and it takes nearly all of them for bona fide."
)


def limits(result: Mapping[str, Any]) -> list[str]:
    """Says from ``unseen.json`` how many swaps never trained on are missed, and how many bona fide faces are called changed."""
    measured = [row for row in result["sets"] if row["whole"] and row["set"] in result["mean"]["sets"]]
    changed = sum(row["changed_with_lr"] for row in measured)
    found = sum(row["changed_with_lr"] * row["found"]["value"] for row in measured)
    alarms = result["alarms"]
    false = 100 * alarms["false_alarms"]["value"]
    return [
        f"Of {changed} swaps made by other people's software, on faces good enough to judge, {100 * found / changed:.0f} % "
        f"reached an LR of 10; of {alarms['bona_fide_with_lr']} bona fide files {false:.1f} % did, too. "
        "That no change was found does not mean that there is none.",
        WHOLE_PICTURES,
    ]
