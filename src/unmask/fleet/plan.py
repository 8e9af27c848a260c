"""Estimate of a scan before it begins: some of its files are judged, the rest is extrapolated."""

from __future__ import annotations

import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from unmask.errors import UnmaskError
from unmask.fleet import configuration, crew, local, snapshot
from unmask.fleet.judge import FileJudge
from unmask.fleet.left import left
from unmask.fleet.local import LocalWorker
from unmask.fleet.scan import FILE_SECONDS
from unmask.fleet.source import Item, listing
from unmask.fleet.tables import Tables
from unmask.fleet.worker import Died, Worker
from unmask.messages import Message
from unmask.pipeline import Settings

if TYPE_CHECKING:
    from unmask.fleet.judge import Maker

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
    seconds: float = FILE_SECONDS,
    maker: Maker = FileJudge,
) -> ScanPlan:
    """Lists a source, and has a worker judge a sample of what is left; nothing is written.

    Copies of one content are recognised only after they were read once, so a source with many
    copies takes less time than estimated.

    Args:
        source: a folder, or ``s3://bucket/prefix``.
        out: folder of earlier scans, if any.
        settings: settings of each check.
        sample: most files that are judged.
        seed: seed of their choice.
        tell: receives the share of the sample that is done, 0 to 1.
        seconds: most time for one file.
        maker: makes what judges.

    Raises:
        UsageError, OriginalsError, LicenceError, WeightsError, StorageAway, UnmaskError: as
            `unmask.fleet.scan.scan` does.
    """
    facts = configuration.configuration(settings)
    with tempfile.TemporaryDirectory(prefix="unmask-") as folder:
        found = listing(source, Path(folder))
        items = found.items
        if out is not None:
            tables = Tables(out, configuration.digest(facts))
            items = left(source, found, tables, tables.done()).items
        chosen = random.Random(seed).sample(items, min(sample, len(items)))  # noqa: S311 - no secret
        settings = snapshot.here(settings, Path(folder), facts["originals"])
        make = partial(Worker, source, settings, maker)
        taken = []
        for each in _times(partial(LocalWorker, make, Path(folder)), chosen, seconds):
            taken.append(each)
            tell(len(taken) / len(chosen))
    size, count = sum(item.size for item in items), len(items)
    return ScanPlan(
        count, size, len(found.items) - count, len(taken), _all(taken, count), found.left_out
    )


def _times(
    start: Callable[[], LocalWorker], items: Sequence[Item], seconds: float
) -> Iterator[float]:
    """Yields the seconds that a worker takes for each file; one that dies is replaced."""
    worker: LocalWorker | None = None
    try:
        for item in items:
            worker = worker or _started(start)
            begun = time.monotonic()
            try:
                if _answer(worker, seconds, "identify", item.path) == "identified":
                    _answer(worker, seconds, "judge")
            except Died:
                worker.end()
                worker = None
            yield time.monotonic() - begun
    finally:
        if worker is not None:
            worker.end()


def _started(start: Callable[[], LocalWorker]) -> LocalWorker:
    """Returns a worker that is ready; raises `UnmaskError` where it dies."""
    worker = start()
    try:
        _answer(worker, crew.START)
    except Died as died:
        worker.end()
        raise UnmaskError(crew.NO_START.format(how=died)) from None
    return worker


def _answer(worker: LocalWorker, seconds: float, *order: str) -> str:
    """Returns what a worker says to an order; that it cannot read a file takes its time, too.

    Raises:
        Died: it is gone, or says nothing for so many s.
        UnmaskError: no file can be judged in this way.
    """
    if order:
        worker.ask(*order)
    if not local.listen([worker], seconds):
        raise Died(f"it was not done after {seconds:g} s")
    said, value = worker.hear()
    if said == "wrong":
        raise UnmaskError(str(value))
    return said


def _all(taken: Sequence[float], files: int) -> tuple[float, float, float]:
    """Returns the estimated seconds for so many files, and the ends of their 95 % interval."""
    if not taken:
        return 0.0, 0.0, 0.0
    mean = statistics.fmean(taken)
    error = 1.96 * statistics.stdev(taken) / math.sqrt(len(taken)) if len(taken) > 1 else mean
    spread = 0.0 if len(taken) == files else error
    return files * mean, max(sum(taken), files * (mean - spread)), files * (mean + spread)
