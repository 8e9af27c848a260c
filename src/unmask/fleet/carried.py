"""Results that new weights cannot change: of files that cannot be opened, or show no face.

They are carried over to the new configuration instead of being judged again. The first depend on
the content alone; the second on the weight that finds faces, and on the limits that they state.
"""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from unmask.fleet import query
from unmask.fleet.tables import Tables
from unmask.models import CENTERFACE

BATCH = 10_000
"""Results that are written at once."""

OF_CONTENT = tuple(
    f"media.{name}"
    for name in (
        "animated",
        "broken_photo",
        "broken_video",
        "codec",
        "cut_off",
        "cut_photo",
        "empty",
        "encrypted",
        "few_pixels",
        "large_photo",
        "long",
        "many_bytes",
        "many_frames",
        "many_pixels",
        "many_scans",
        "much_memory",
        "no_frame",
        "no_picture",
        "not_understood",
        "out_of_order",
        "undecodable",
        "unknown",
    )
)
"""Errors of opening a file that its bytes alone decide.

Others, as ``media.slow`` and ``media.memory``, depend on the machine and what else it does.
"""

CARRIED = """
SELECT DISTINCT ON (r.sha256) r.*, s.times, s.frame, s.hashes, s.places, s.aspect
FROM results r LEFT JOIN sketches s ON r.part = s.part AND r.sha256 = s.sha256
WHERE r.configuration = $earlier AND r.people = 0
AND (list_contains($of_content, r.error_code) OR ($no_face AND r.error_code IS NULL))
"""
"""Such results of one configuration, with their sketches; those without a face if ``$no_face``."""


def carry(out: Path, name: str, tables: Tables) -> None:
    """Copies such results from earlier configurations that differ in other weights only.

    Args:
        out: folder of the scan.
        name: name of the new configuration; its values are in the folder already.
        tables: its tables.

    Raises:
        UnmaskError: a table cannot be read.
    """
    known = _described(out / "configurations")
    limits = {other: facts.pop("limits", None) for other, facts in known.items()}
    earlier = [other for other in known if other != name and known[other] == known[name]]
    if not earlier:
        return
    done = tables.done()
    with query.open_results(out) as opened:
        for other in earlier:
            no_face = limits[other] == limits[name]
            every = opened.stream(CARRIED, earlier=other, of_content=OF_CONTENT, no_face=no_face)
            new = (row for row in every if row["sha256"] not in done)
            while some := list(islice(new, BATCH)):
                sketches = [row for row in some if row["times"] is not None]
                tables.commit({"results": some, "sketches": sketches})
                done.update(row["sha256"] for row in some)


def _described(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns configurations by name, each with the names of its weights and the content of one.

    Nothing is carried from a configuration whose file is damaged: it is not there.
    """
    found = {}
    for path in sorted(folder.glob("*.json")):
        with suppress(ValueError, KeyError, TypeError):
            facts = json.loads(path.read_bytes())
            weights = facts["weights"]
            found[path.stem] = {**facts, "weights": [sorted(weights), weights[CENTERFACE]]}
    return found
