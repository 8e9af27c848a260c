"""Benchmark on swaps from other sources: ``docs/benchmark/unseen.md``.

The whole check runs on swaps that nothing here was made from, trained or tuned on. For measuring
only, see `unmask_lab.benchmark.unseen.media`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmask import models
from unmask.messages import plain as message
from unmask_lab import records
from unmask_lab.benchmark import plots
from unmask_lab.benchmark.unseen import figures, limits, page
from unmask_lab.benchmark.unseen.judged import NETWORKS, judged
from unmask_lab.benchmark.unseen.media import Medium, clips, stills
from unmask_lab.examples import told_apart
from unmask_lab.export import STRONG, update_card
from unmask_lab.tables import plain

COMMAND = "make unseen"


def unseen(
    photos: Sequence[Path],
    films: Sequence[Path],
    others: Sequence[Path],
    target: Path,
    out: Path,
    weights: Path | None = models.WEIGHTS,
) -> dict[str, Any] | None:
    """Checks the files of all sets that are here, and writes the page.

    Writes ``unseen.md``, ``unseen.json`` and a plot. Resumes where it stopped.

    Args:
        photos: Parquet files of stills.
        films: folders of clips with ``labels.csv``.
        others: Parquet files of stills, of which changed ones that hardly differ from their
            original are left out.
        target: a folder to write to.
        out: a folder for what is cut and what was answered.
        weights: folder whose card of the strong look gets the figures and the limits; None to leave
            it.

    Returns:
        The content of ``unseen.json``; None, and nothing is written, if no set is here.

    Raises:
        DataError: a set cannot be read.
    """
    media = gathered(photos, films, others, out)
    if not media:
        return None
    of = figures.told(media, judged(media, out / "answers"))
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": COMMAND,
        "networks": list(NETWORKS),
        "weights": {
            name: sha256
            for name, sha256 in models.known().items()
            if name.startswith(tuple(NETWORKS))
        },
        "sets": list(figures.by_method(of)),
        "mean": figures.mean_auc(of),
        "alarms": figures.figures(figures.EVERY_BONA_FIDE, "", of[of.label == 0]),
        "tones": list(figures.by_tone(of)),
        "views": list(figures.by_view(of)),
    }
    target.mkdir(parents=True, exist_ok=True)
    (target / "unseen.md").write_text(page.page(result))
    (target / "unseen.json").write_text(records.dumps(plain(result)) + "\n")
    plots.draw_unseen(result, target / "unseen.png")
    if weights is not None:
        figure = {key: plain(result[key]) for key in ("date", "command", "mean", "alarms")}
        update_card(
            weights,
            STRONG,
            figures=figure,
            limits=[message(limit) for limit in limits.limits(result)],
        )
    return result


def gathered(
    photos: Sequence[Path], films: Sequence[Path], others: Sequence[Path], out: Path
) -> list[Medium]:
    """Returns all files to check, of those sets that are here; the others are named on stderr."""
    media: list[Medium] = []
    for path in (*photos, *films, *others):
        if not path.exists():
            print(f"{path}: is not here, so it is not measured", file=sys.stderr, flush=True)
        elif path in films:
            media += clips(path, out / "clips")
        else:
            read = stills(path, out / "stills")
            media += told_apart(read) if path in others else read
    return media
