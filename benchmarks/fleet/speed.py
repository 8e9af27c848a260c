"""A fleet compared with a bare loop of `unmask.check`, and two workers with one."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path

from benchmarks.fleet import commands
from benchmarks.fleet.clips import write_clips, write_portraits


def speed(folder: Path, clips: int, runs: int, seconds: float) -> None:
    """Prints the median seconds of each way to judge the clips, and their ratios.

    Times are wall times of whole processes, with their start; ways take turns.

    Args:
        folder: clips and scans are kept here.
        clips: number of clips.
        runs: number of runs of each way.
        seconds: length of clips that show a portrait; 0 for tiny ones.
    """
    source = (
        write_portraits(folder / "portraits", clips, seconds)
        if seconds
        else write_clips(folder / "clips", clips)
    )
    taken: dict[str, list[float]] = {"loop": [], "1 worker": [], "2 workers": []}
    for run in range(runs):
        taken["loop"].append(_timed(commands.loop(source)))
        for workers, name in ((1, "1 worker"), (2, "2 workers")):
            out = folder / f"scan-{time.time_ns()}-{run}-{workers}"
            taken[name].append(_timed(commands.scan(source, out, workers)))
    print(f"n = {clips} clips, {runs} runs of each, {commands.load()}")
    for name, times in taken.items():
        least, most = min(times), max(times)
        print(f"{name:10} {statistics.median(times):8.1f} s, {least:.1f} to {most:.1f}")
    _print_ratio("one worker / loop", taken["1 worker"], taken["loop"])
    _print_ratio("one worker / two workers", taken["1 worker"], taken["2 workers"])


def _print_ratio(name: str, above: list[float], below: list[float]) -> None:
    """Prints the median of the runs' ratios, and the least and the most."""
    each = [one / other for one, other in zip(above, below, strict=True)]
    middle, least, most = statistics.median(each), min(each), max(each)
    print(f"{name}: {middle:.3f} ({least:.3f} to {most:.3f}), n = {len(each)}")


def _timed(command: list[str]) -> float:
    environment = os.environ | commands.ONE_THREAD
    begun = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.monotonic() - begun
