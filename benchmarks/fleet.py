"""A fleet compared with a bare loop of `unmask.check`, and a fleet whose processes are killed.

Run it on an otherwise idle machine.

    python -m benchmarks.fleet speed --clips 200
        overhead of one worker over the loop, and the gain from a second worker
    python -m benchmarks.fleet kills --clips 10000 --kills 20
        whether every content is judged exactly once

Clips are small, drawn, and all different: two seconds of a portrait before a moving camera, 320 x
240 px. One in twenty is truncated. Times are wall times of whole processes, including their start;
the runs that are compared alternate.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

CORRUPT = 20
"""One clip in this many is truncated."""

LOOP = """
import sys
from pathlib import Path
import unmask
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        unmask.check(path)
    except unmask.MediaError:
        pass
"""

SCAN = "from unmask.cli import main; main()"
ONE_THREAD = dict.fromkeys(("UNMASK_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def write_clips(folder: Path, count: int) -> None:
    """Writes ``count`` different clips."""
    from tests import clips

    for number in range(count):
        path = clips.write_video(folder / f"{number:05}.mp4", _scene(number))
        if number % CORRUPT == CORRUPT - 1:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def _scene(number: int) -> Iterator[np.ndarray]:
    from skimage.data import astronaut

    portrait, rng = astronaut(), np.random.default_rng(number)
    x, y = rng.integers(40, 120), rng.integers(0, 60)
    tint = rng.uniform(0.8, 1.1, 3)
    for i in range(50):
        frame = portrait[y : y + 240, x + i // 5 : x + i // 5 + 320] * tint + rng.normal(
            0, 2, (240, 320, 1)
        )
        yield np.clip(frame, 0, 255).astype(np.uint8)


def speed(source: Path, out: Path, runs: int) -> None:
    """Prints the median seconds of each way to judge the clips, and their ratios."""
    taken: dict[str, list[float]] = {"loop": [], "1 worker": [], "2 workers": []}
    for run in range(runs):
        taken["loop"].append(_timed([sys.executable, "-c", LOOP, str(source)]))
        for workers in (1, 2):
            name = f"{workers} worker{'s' * (workers > 1)}"
            taken[name].append(_timed(_scan(source, out / f"{run}-{workers}", workers)))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, times in taken.items():
        print(
            f"{name:10} {medians[name]:8.1f} s, {min(times):.1f} to {max(times):.1f}, {runs} runs"
        )
    print(
        "overhead of one worker over the loop: "
        f"{100 * (medians['1 worker'] / medians['loop'] - 1):.1f} %"
    )
    print(f"two workers: {medians['1 worker'] / medians['2 workers']:.2f} times as fast as one")


def kills(source: Path, out: Path, count: int, seed: int) -> None:
    """Kills workers and the driver at random, restarts the driver, and counts results."""
    from unmask.fleet import query

    chance, killed = random.Random(seed), 0  # noqa: S311 - no secret
    while True:
        driver = subprocess.Popen(_scan(source, out, 2), stdout=subprocess.DEVNULL)
        while killed < count and driver.poll() is None:
            time.sleep(chance.uniform(5, 60))
            workers = [int(pid) for pid in _children(driver.pid)]
            os.kill(
                chance.choice(workers) if workers and chance.random() < 0.7 else driver.pid,
                signal.SIGKILL,
            )
            killed += 1
        if driver.wait() == 0:
            break
    with query.open_results(out) as tables:
        row = tables.row(
            "SELECT count(*) AS rows, count(DISTINCT sha256) AS contents, count(error) AS failed "
            "FROM results"
        )
        files = tables.row("SELECT count(DISTINCT path) AS files FROM files")
    print(
        f"{killed} kills: {files['files']} files, {row['contents']} contents, "
        f"{row['rows']} results, {row['failed']} not judged"
    )
    assert row["rows"] == row["contents"] == files["files"] == len(list(source.iterdir()))


def _scan(source: Path, out: Path, workers: int) -> list[str]:
    return [
        sys.executable,
        "-c",
        SCAN,
        "fleet",
        "scan",
        str(source),
        "--out",
        str(out),
        "--workers",
        str(workers),
    ]


def _timed(command: list[str]) -> float:
    begun = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | ONE_THREAD)
    return time.monotonic() - begun


def _children(pid: int) -> list[str]:
    found = subprocess.run(
        ["pgrep", "-P", str(pid), "-f", "spawn_main"], capture_output=True, text=True, check=False
    )
    return found.stdout.split()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("speed", "kills"))
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in"), Path(folder, "out")
        source.mkdir()
        write_clips(source, given.clips)
        if given.what == "speed":
            speed(source, out, given.runs)
        else:
            kills(source, out, given.kills, given.seed)


if __name__ == "__main__":
    main()
