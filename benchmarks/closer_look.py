"""Time of a check of a 12-second clip, changed from 4 to 6 s: this checkout against an earlier one.

    git worktree add ../before COMMIT
    python -m benchmarks.closer_look ../before/src

Both are timed in turn. Each run is a process that has checked the clip once before it is timed. CPU
time is the user and system time of the process; on a machine that does other work too, it is
steadier than wall time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests import clips, scenes

SECONDS, CHANGED_FROM, CHANGED_UNTIL = 12, 4, 6

TIMED = """
import sys, time, unmask
unmask.check(sys.argv[1])
wall, cpu = time.perf_counter(), time.process_time()
unmask.check(sys.argv[1])
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def timed(clip: Path, source: Path) -> list[float]:
    """Returns the wall and CPU seconds of one check by the package in a ``src`` folder."""
    command = [sys.executable, "-c", TIMED, str(clip)]
    environment = {**os.environ, "PYTHONPATH": str(source.resolve())}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return [float(seconds) for seconds in done.stdout.split()]


def main() -> None:
    """Times both checkouts in turn and prints a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path, help="src folder of the other checkout")
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    after = Path(__file__).parents[1] / "src"
    with tempfile.TemporaryDirectory() as folder:
        frames = scenes.two_people(
            SECONDS, lambda person, t: person == 1 and CHANGED_FROM <= t < CHANGED_UNTIL
        )
        clip = clips.write_video(Path(folder) / "changed.mp4", frames, options={"crf": "20"})
        spent = np.array(
            [
                [timed(clip, source) for source in (options.before, after)]
                for _ in range(options.runs)
            ]
        )
    print(
        "| s, median (least to most) | before | after | before / after |\n| --- | --- | --- | --- |"
    )
    for k, name in enumerate(("wall", "CPU")):
        each = [f"{np.median(of):.2f} ({of.min():.2f} to {of.max():.2f})" for of in spent[..., k].T]
        ratio = spent[:, 0, k] / spent[:, 1, k]
        print(
            f"| {name} | {' | '.join(each)} | "
            f"{np.median(ratio):.2f} ({ratio.min():.2f} to {ratio.max():.2f}) |"
        )


if __name__ == "__main__":
    main()
