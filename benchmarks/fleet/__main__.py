"""A fleet: is every content judged once whoever is killed, and what does it cost?

    python -m benchmarks.fleet kills --clips 10000 --kills 20
        workers and driver are killed at random; memory over time
    python -m benchmarks.fleet nodes --clips 300
        a Ray cluster of two nodes, one killed half way, against this machine alone
    python -m benchmarks.fleet speed --clips 2000
        overhead of one worker over a bare loop of `unmask.check`, and the gain from a second
        worker; run it on an otherwise idle machine
    python -m benchmarks.fleet speed --clips 40 --seconds 4
        the same with clips of 4 s that show a portrait

Other clips are tiny and drawn, see `benchmarks.fleet.clips`. With --folder everything is kept
there, and a run that was interrupted goes on.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.fleet.kills import kills
from benchmarks.fleet.nodes import nodes
from benchmarks.fleet.speed import speed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("kills", "nodes", "speed"))
    parser.add_argument(
        "--folder", type=Path, help="a folder to keep; a temporary one if not given"
    )
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--apart", type=float, default=30.0, help="mean seconds between two kills")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3, help="runs of each way to judge, for speed")
    parser.add_argument("--seconds", type=float, default=0.0, help="length of clips, for speed")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unmask-") as temporary:
        folder = given.folder or Path(temporary)
        if given.what == "kills":
            kills(folder, given.clips, given.kills, given.apart, given.workers, given.seed)
        elif given.what == "nodes":
            nodes(folder, given.clips)
        else:
            speed(folder, given.clips, given.runs, given.seconds)


if __name__ == "__main__":
    main()
