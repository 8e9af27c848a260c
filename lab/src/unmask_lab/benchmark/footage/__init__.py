"""Benchmark of footage on simulated clips: ``docs/benchmark/footage.md``.

Broken, joined, blended, interlaced and enlarged clips go through the whole check. Each is made from
a portrait, as in `unmask_lab.clips`. The benchmark tells whether such defects cause false alarms,
and whether a change is still found; it does not tell how often real footage is judged rightly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmask import models
from unmask_lab import records
from unmask_lab.benchmark import kept
from unmask_lab.benchmark.footage.figures import figures
from unmask_lab.benchmark.footage.page import page
from unmask_lab.benchmark.footage.trials import Studio
from unmask_lab.benchmark.unseen.judged import NETWORKS
from unmask_lab.data import BONA_FIDE, DataError, Row
from unmask_lab.forge import FAMILIES
from unmask_lab.tables import plain

COMMAND = "make lab-footage"


def footage(
    portraits: Sequence[Row],
    target: Path,
    out: Path,
    people: int,
    each: int,
) -> dict[str, Any]:
    """Films, breaks and checks; writes ``footage.md`` and ``footage.json`` to ``target``.

    Resumes where it stopped.

    Args:
        portraits: of people never trained on.
        target: a folder.
        out: a folder for the answers.
        people: filmed, fewer if the portraits show fewer.
        each: versions of each person, 1 to 6.

    Raises:
        DataError: there are fewer than two people.
    """
    portraits = [row for row in portraits if row.label == BONA_FIDE]
    if len({row.identity for row in portraits}) < 2:
        raise DataError(
            "the portraits hold bona fide faces of fewer than two people; "
            "collect more, with label 0"
        )
    studio = Studio(portraits, people, each)
    trials = list(studio.trials)
    answers = kept.kept(trials, studio.named, studio.judged, out / f"{_version(portraits)}.jsonl")
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": COMMAND,
        "weights": {
            name: sha256 for name, sha256 in models.known().items() if name.startswith(NETWORKS)
        },
        "people": studio.people,
        "families": list(FAMILIES),
        "versions": list(figures(trials, answers)),
    }
    target.mkdir(parents=True, exist_ok=True)
    (target / "footage.md").write_text(page(result))
    (target / "footage.json").write_text(records.dumps(plain(result)) + "\n")
    return result


def _version(portraits: Sequence[Row]) -> str:
    """Returns a name for the check, the code that makes the clips, and the portraits."""
    shown = hashlib.sha256(
        b"".join(hashlib.sha256(row.jpeg).digest() for row in portraits)
    ).hexdigest()[:8]
    return f"{kept.version(*sorted(Path(__file__).parent.glob('*.py')))}-{shown}"
