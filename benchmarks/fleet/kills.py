"""A scan whose workers and driver are killed at random: is every content judged exactly once?

Everything is kept in a folder, so a run that was interrupted goes on: the clips, the scan, a line
per kill in ``kills.jsonl``, a line per sample of memory in ``memory.jsonl``.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.fleet import commands
from benchmarks.fleet.clips import CORRUPT, write_clips
from tests.support.workers import children

SAMPLE = 5.0
"""Seconds between two samples of memory."""

OF_WORKERS = 0.7
"""Share of the kills that hit a worker; the others hit the driver."""


def kills(folder: Path, clips: int, count: int, apart: float, workers: int, seed: int) -> None:
    """Scans under kills until a scan ends by itself, then compares the results with the clips.

    Args:
        folder: everything is kept here.
        clips: number of clips.
        count: number of kills.
        apart: mean seconds between two kills.
        workers: processes that judge.
        seed: seed of the kills' times and victims.
    """
    source, out = write_clips(folder / "clips", clips), folder / "scan"
    begun = time.monotonic()
    while _life(folder, commands.scan(source, out, workers), count, apart, seed) != 0:
        pass
    taken = time.monotonic() - begun
    print(f"{clips} clips, {taken:.0f} s in this run, {commands.load()}")
    _compare(source, out, clips)
    _print_memory(_lines(folder / "memory.jsonl"), _lines(folder / "kills.jsonl"))


def _life(folder: Path, command: list[str], count: int, apart: float, seed: int) -> int:
    """Runs one driver until it ends or is killed; returns its exit status."""
    killed = len(_lines(folder / "kills.jsonl"))
    life = 1 + max((line["life"] for line in _lines(folder / "memory.jsonl")), default=0)
    chance = random.Random(f"{seed} {life} {killed}")  # noqa: S311 - no secret
    with (folder / "scan.log").open("a") as log:
        driver = subprocess.Popen(command, stdout=log, stderr=log)
    begun = time.monotonic()
    due = begun + chance.uniform(0, 2 * apart)
    _note(folder / "memory.jsonl", {"life": life, "second": 0, "driver_mb": 0.0, "worker_mb": 0.0})
    while driver.poll() is None:
        second = time.monotonic() - begun
        if held := _held(driver.pid):
            _note(folder / "memory.jsonl", {"life": life, "second": round(second), **held})
        until = min(due, time.monotonic() + SAMPLE) if killed < count else SAMPLE + begun + second
        _wait(driver, until)
        if killed < count and time.monotonic() >= due and driver.poll() is None:
            victim = _kill(driver.pid, chance)
            _note(folder / "kills.jsonl", {"life": life, "second": round(second), "victim": victim})
            killed, due = killed + 1, time.monotonic() + chance.uniform(0, 2 * apart)
    return driver.wait()


def _wait(driver: subprocess.Popen[bytes], until: float) -> None:
    try:
        driver.wait(max(0.01, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return


def _kill(driver: int, chance: random.Random) -> str:
    workers = children(driver)
    worker = bool(workers) and chance.random() < OF_WORKERS
    os.kill(chance.choice(workers) if worker else driver, signal.SIGKILL)
    return "worker" if worker else "driver"


def _held(driver: int) -> dict[str, float]:
    """Returns the memory of the driver, and of its largest worker; nothing once it has gone."""
    workers = [commands.resident_mb(pid) for pid in children(driver)]
    mine = commands.resident_mb(driver)
    return {"driver_mb": mine, "worker_mb": max(workers, default=0.0)} if mine else {}


def _compare(source: Path, out: Path, clips: int) -> None:
    """Prints whether each content of the clips has exactly one result."""
    from unmask.fleet import query

    paths = sorted(source.iterdir())
    contents = Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    with query.open_results(out) as tables:
        results = Counter(row["sha256"] for row in tables.stream("SELECT sha256 FROM results"))
        files = tables.row("SELECT count(DISTINCT path) AS n FROM files")["n"]
        failed = tables.rows("SELECT error_code, count(*) AS n FROM results GROUP BY 1 ORDER BY 2")
    print(
        f"{len(paths)} files, {len(contents)} contents, of which {clips // CORRUPT} are corrupt; "
        f"results: {sum(results.values())} of {len(results)} contents, files read: {files}"
    )
    print({row["error_code"] or "judged": row["n"] for row in failed})
    assert files == len(paths) == clips
    assert set(results) == set(contents), "a content has no result, or a result no content"
    assert set(results.values()) == {1}, "a content has several results"
    print("every content has exactly one result")


def _print_memory(samples: list[dict[str, Any]], killed: list[dict[str, Any]]) -> None:
    """Prints, for each driver, its resident memory over its life, and its workers' most."""
    print(f"{len(killed)} kills: {dict(Counter(line['victim'] for line in killed))}")
    print("| driver | s | its MB after 15 s | half way | last | most | a worker's most, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for life in sorted({line["life"] for line in samples}):
        mine = [line for line in samples if line["life"] == life]
        settled = [line["driver_mb"] for line in mine if line["second"] >= 15] or [0.0]
        most = max(line["driver_mb"] for line in mine), max(line["worker_mb"] for line in mine)
        middle = settled[len(settled) // 2]
        held = " | ".join(f"{mb:.0f}" for mb in (settled[0], middle, settled[-1], *most))
        print(f"| {life} | {mine[-1]['second']} | {held} |")


def _note(path: Path, line: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
