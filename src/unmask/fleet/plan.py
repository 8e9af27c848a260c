"""What a scan would take, before it is begun: a few of its files are judged, and the rest is reckoned from them."""

from __future__ import annotations

import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unmask.errors import encodable
from unmask.fleet import configuration, rows
from unmask.fleet.source import Item, listing
from unmask.fleet.tables import Tables
from unmask.fleet.worker import Unreadable, Worker
from unmask.messages import Message
from unmask.pipeline import Settings

SAMPLE = 12
"""Files that are judged for an estimate."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scan would take.

    Attributes:
        files, bytes: that are left to be read.
        done: files that earlier scans dealt with.
        sampled: files that were judged for this; 0 leaves the times 0.
        seconds: of one worker for all that is left, and the ends of the 95 % interval of that (normal approximation of the mean
            over the sample, not below the sample itself).
        left_out: what of the source is not looked at, a clause each.
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
) -> Plan:
    """Lists a source, and judges a sample of what is left in this process; nothing is written.

    Copies of one content cannot be told before they are read, so a source with many takes less than this says.

    Args:
        source: a folder, or ``s3://bucket/prefix``.
        out: folder of earlier scans, if any.
        settings: of each check.
        sample: how many files are judged at most.
        seed: of their choice.
        tell: told how much of the sample is done, 0 to 1.

    Raises:
        UsageError, OriginalsError, LicenceError, WeightsError, StorageAway: as `unmask.fleet.scan.scan` does.
    """
    name = configuration.digest(configuration.configuration(settings))
    with tempfile.TemporaryDirectory(prefix="unmask-") as folder:
        found = listing(source, Path(folder))
        left = found.items if out is None else _left(found.items, Tables(out, name))
        chosen = random.Random(seed).sample(left, min(sample, len(left)))  # noqa: S311 - no secret
        worker, taken = Worker(source, settings, Path(folder)), []
        for number, item in enumerate(chosen, start=1):
            taken.append(_seconds(worker, item))
            tell(number / len(chosen))
        worker.drop()
    size = sum(item.size for item in left)
    return Plan(len(left), size, len(found.items) - len(left), len(taken), _all(taken, len(left)), found.left_out)


def _left(items: Sequence[Item], tables: Tables) -> tuple[Item, ...]:
    """Those that a scan would read: whose content is not known, or has no result."""
    done, seen = tables.done(), {row["path"]: row for row in tables.files()}

    def is_done(item: Item) -> bool:
        row = seen.get(encodable(item.path))
        same = row and (row["size_bytes"], row["written"]) == (item.size, rows.moment(item.written))
        return bool(row and same and row["sha256"] in done)

    return tuple(item for item in items if not is_done(item))


def _seconds(worker: Worker, item: Item) -> float:
    begun = time.monotonic()
    try:
        worker.identify(item.path)
        worker.judge()
    except Unreadable:
        pass  # that it cannot be read takes its time, too
    return time.monotonic() - begun


def _all(taken: Sequence[float], files: int) -> tuple[float, float, float]:
    """Seconds for so many files, and the ends of their 95 % interval."""
    if not taken:
        return 0.0, 0.0, 0.0
    mean = statistics.fmean(taken)
    error = 1.96 * statistics.stdev(taken) / math.sqrt(len(taken)) if len(taken) > 1 else mean
    spread = 0.0 if len(taken) == files else error
    return files * mean, max(sum(taken), files * (mean - spread)), files * (mean + spread)
