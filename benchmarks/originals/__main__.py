"""Known originals: recall after typical uploads, exactness, and changed faces against edits.

    python -m benchmarks.originals recall --count 100 [--faces FACES.parquet]
        clips through every attack, faces changed
    python -m benchmarks.originals unrelated --count 10000 --faces FACES.parquet
        clips of other films, with other people
    python -m benchmarks.originals trials --count 3000 [--faces FACES.parquet]
        changed faces against faces that were only edited
    python -m benchmarks.originals trials --first 1000000 --count 600 --faces OTHERS.parquet
        the same, for fit
    python -m benchmarks.originals scale
        5 million hashes
    python -m benchmarks.originals lookups --hashes 10000000 --seconds 60
        look-ups of single hashes a second, beside faiss's (pip install faiss-cpu)
    python -m benchmarks.originals ingest
        registering a film, against real time
    python -m benchmarks.originals report
        tables of all that was measured
    python -m benchmarks.originals fit
        the line's LR, from the trials for it

All media is made here (see `tests.support.films`) and encoded with real encoders: every accuracy
below is simulated. Results are appended to out/originals/*.jsonl, so that a run can be split
(--first) and continues where it was interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.originals.fit import fit
from benchmarks.originals.lookups import lookups
from benchmarks.originals.recall import recall
from benchmarks.originals.scale import ingest, scale
from benchmarks.originals.tables import OUT, measured, report
from benchmarks.originals.trials import trials
from benchmarks.originals.unrelated import unrelated
from tests.support import films

PARTS = {
    "recall": recall,
    "unrelated": unrelated,
    "trials": trials,
    "scale": scale,
    "ingest": ingest,
}


def main() -> None:
    """Runs one part, or prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=[*PARTS, "lookups", "report", "fit"])
    parser.add_argument("--count", type=int, default=4, help="films, clips or trials")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument(
        "--faces",
        type=Path,
        help="Parquet of portraits; NASA's portrait in twelve looks if not given",
    )
    parser.add_argument("--hashes", type=int, default=1_000_000, help="in the index, for lookups")
    parser.add_argument("--seconds", type=float, default=60.0, help="of single look-ups")
    options = parser.parse_args()
    if options.part in {"report", "fit"}:
        (report if options.part == "report" else fit)()
        return
    if options.part == "lookups":
        for row in lookups(options.hashes, options.seconds):
            print(json.dumps(row), flush=True)
        return
    OUT.mkdir(parents=True, exist_ok=True)
    seeds = range(options.first, options.first + options.count)
    people = films.portraits(options.faces)
    with (OUT / f"{options.part}.jsonl").open("a") as out:
        for row in PARTS[options.part](people, _left(options.part, seeds)):
            out.write(json.dumps(row) + "\n")
            out.flush()


def _left(part: str, seeds: range) -> Iterator[int]:
    """Yields the seeds that have not been measured yet, and shows the progress on stderr."""
    done, begun = {row.get("seed") for row in measured(part)}, time.monotonic()
    left = [seed for seed in seeds if seed not in done]
    for i, seed in enumerate(left, start=1):
        yield seed
        print(
            f"\r{i} of {len(left)}, {(time.monotonic() - begun) / i:.1f} s each",
            end="",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
