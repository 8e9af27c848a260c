"""Estimate of a scan before it begins: some of its files are judged, the rest is extrapolated."""

from __future__ import annotations

import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unmask.fleet import configuration
from unmask.fleet.left import left
from unmask.fleet.source import Item, listing
from unmask.fleet.tables import Tables
from unmask.fleet.worker import FileWorker, Unreadable
from unmask.messages import Message
from unmask.pipeline import Settings

SAMPLE = 12
"""Number of files that are judged for an estimate."""


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """Estimate of a scan.

    Attributes:
        files, bytes: number and size of what is left to be read.
        done: files that earlier scans dealt with.
        sampled: files that were judged for this; 0 leaves the times 0.
        seconds: time of one worker for all that is left, and the ends of its 95 % interval (normal
            approximation of the mean over the sample, not below the sample itself).
        left_out: parts of the source that are not looked at, a clause each.
    """

    files: int
    bytes: int
    done: int
    sampled: int
    seconds: tuple[float, float, float]
    left_out: tuple[Message, ...]


def plan(
    source: str,
    out: Path | None,
    settings: Settings = Settings(),
    sample: int = SAMPLE,
    seed: int = 0,
    tell: Callable[[float], None] = lambda _done: None,
) -> ScanPlan:
    """Lists a source, and judges a sample of what is left in this process; nothing is written.

    Copies of one content are recognised only after they were read once, so a source with many
    copies takes less time than estimated.

    Args:
        source: a folder, or ``s3://bucket/prefix``.
        out: folder of earlier scans, if any.
        settings: settings of each check.
        sample: most files that are judged.
        seed: seed of their choice.
        tell: receives the share of the sample that is done, 0 to 1.

    Raises:
        UsageError, OriginalsError, LicenceError, WeightsError, StorageAway: as
            `unmask.fleet.scan.scan` does.
    """
    name = configuration.digest(configuration.configuration(settings))
    with tempfile.TemporaryDirectory(prefix="unmask-") as folder:
        found = listing(source, Path(folder))
        items = found.items
        if out is not None:
            tables = Tables(out, name)
            items = left(source, found, tables, tables.done()).items
        chosen = random.Random(seed).sample(items, min(sample, len(items)))  # noqa: S311 - no secret
        worker, taken = FileWorker(source, settings, Path(folder)), []
        for number, item in enumerate(chosen, start=1):
            taken.append(_seconds(worker, item))
            tell(number / len(chosen))
        worker.drop()
    size, count = sum(item.size for item in items), len(items)
    return ScanPlan(
        count, size, len(found.items) - count, len(taken), _all(taken, count), found.left_out
    )


def _seconds(worker: FileWorker, item: Item) -> float:
    begun = time.monotonic()
    try:
        worker.identify(item.path)
        worker.judge()
    except Unreadable:
        pass  # that it cannot be read takes its time, too
    return time.monotonic() - begun


def _all(taken: Sequence[float], files: int) -> tuple[float, float, float]:
    """Returns the estimated seconds for so many files, and the ends of their 95 % interval."""
    if not taken:
        return 0.0, 0.0, 0.0
    mean = statistics.fmean(taken)
    error = 1.96 * statistics.stdev(taken) / math.sqrt(len(taken)) if len(taken) > 1 else mean
    spread = 0.0 if len(taken) == files else error
    return files * mean, max(sum(taken), files * (mean - spread)), files * (mean + spread)
