"""Limits of the learned lines as messages for the model card, which every report repeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unmask.messages import Message, plain

WHOLE_PICTURES = Message("limit.pictures_made_anew")


def limits(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Says from ``unseen.json`` how many swaps never trained on are missed, and how many bona fide faces are called changed."""
    measured = [row for row in result["sets"] if row["whole"] and row["set"] in result["mean"]["sets"]]
    changed = sum(row["changed_with_lr"] for row in measured)
    found = sum(row["changed_with_lr"] * row["found"]["value"] for row in measured)
    alarms = result["alarms"]
    values = {
        "swaps": changed,
        "found": 100 * found / changed,
        "bona_fide": alarms["bona_fide_with_lr"],
        "false_alarms": 100 * alarms["false_alarms"]["value"],
    }
    return [plain(Message("limit.other_software", values)), plain(WHOLE_PICTURES)]
