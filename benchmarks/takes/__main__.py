"""One unbroken take: how many cuts are found, and how many false alarms; beside PySceneDetect.

    python -m benchmarks.takes run --count 7
        a file per seed and kind of edit; with 7 seeds each edit meets every camera once
    python -m benchmarks.takes report
        docs/benchmark/take.md
    python -m benchmarks.takes broadcast --hours 18 --folder DIR
        hours of one broadcast, and the command on it; its section of the page
    python -m benchmarks.takes parts --seconds 60 --folder DIR
        CPU time of each part of the command on 1920 x 1080; rendering takes some CPU minutes

All media is made here and encoded with real encoders: every figure is simulated. Results are
appended to out/takes/run.jsonl, so that a run can be split (--first, --edit) and continues where it
was interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.takes import hours
from benchmarks.takes.cases import EDITS, Case
from benchmarks.takes.parts import parts
from benchmarks.takes.rivals import RIVALS, cuts
from benchmarks.takes.tables import OUT, measured, report
from unmask.take import TakeSettings, take


def main() -> None:
    """Runs one part, or writes the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["run", "report", "broadcast", "parts"])
    parser.add_argument(
        "--count", type=int, default=7, help="seeds; each is one file of every kind of edit"
    )
    parser.add_argument(
        "--first",
        type=int,
        default=0,
        help="the first seed; 1000000 and on are for choosing thresholds",
    )
    parser.add_argument("--edit", choices=list(EDITS), action="append", help="only these")
    parser.add_argument("--hours", type=float, default=18.0, help="of the broadcast")
    parser.add_argument(
        "--folder", type=Path, default=OUT, help="of the broadcast; 18 hours take some 15 GB"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the broadcast")
    parser.add_argument("--processes", type=int, default=1, help="that render and encode it")
    parser.add_argument(
        "--thorough", action="store_true", help="judge the uncut broadcast thoroughly as well"
    )
    parser.add_argument("--seconds", type=int, default=60, help="of the film for its parts")
    options = parser.parse_args()
    if options.part == "report":
        report()
        return
    if options.part == "broadcast":
        hours.run(options.folder, options.hours, options.seed, options.processes, options.thorough)
        return
    if options.part == "parts":
        parts(options.folder, options.seconds)
        return
    OUT.mkdir(parents=True, exist_ok=True)
    left = _left(range(options.first, options.first + options.count), options.edit or list(EDITS))
    begun = time.monotonic()
    with (OUT / "run.jsonl").open("a") as out:
        for number, (seed, edit) in enumerate(left, start=1):
            out.write(json.dumps(_tried(Case.of(seed, edit))) + "\n")
            out.flush()
            each = (time.monotonic() - begun) / number
            print(f"\r{number} of {len(left)}, {each:.1f} s each", end="", file=sys.stderr)


def _left(seeds: range, edits: list[str]) -> list[tuple[int, str]]:
    """Returns what has not been measured yet.

    Cameras and kinds of edit take turns, so that a run that is cut short has met all of them.
    """
    done = {(row["seed"], row["edit"]) for row in measured()}
    turns = sorted(
        ((number - seed) % len(edits), seed, edit)
        for seed in seeds
        for number, edit in enumerate(edits)
    )
    return [(seed, edit) for _, seed, edit in turns if (seed, edit) not in done]


def _tried(case: Case) -> dict[str, Any]:
    """Returns what each detector finds in one file."""
    with tempfile.TemporaryDirectory() as folder:
        path = case.write(Path(folder))
        begun = time.process_time()
        result = take(path, TakeSettings(power=False))
        spent = {"unmask take": time.process_time() - begun}
        found = {"unmask take": [[str(one.kind), one.start, one.end] for one in result.breaks]}
        for rival in RIVALS:
            times, spent[rival] = cuts(path, rival)
            found[rival] = [["cut", at, at] for at in times]
    told = {
        name: getattr(case, name)
        for name in ("seed", "edit", "camera", "event", "codec", "fps", "sound", "seconds")
    }
    answer = {
        "answer": result.answer and str(result.answer),
        "error": result.error and str(result.error),
    }
    unseen = {"unseen": [[one.start, one.end] for one in result.unseen], "decoded": result.decoded}
    return told | {"breaks": case.breaks, "found": found, "spent": spent} | answer | unseen


if __name__ == "__main__":
    main()
