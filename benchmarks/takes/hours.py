"""The command on hours of footage: its answer, its speed and its memory, as a section of the page.

    python -m benchmarks.takes broadcast --hours 18 --folder DIR

writes the files of `broadcast.Broadcast`, judges each by `unmask take`, and goes on where it
stopped. Results are appended to out/takes/broadcast.jsonl.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.takes.broadcast import LOST, VERSIONS, Broadcast
from benchmarks.takes.journey import FPS, Journey

RESULTS = Path("out/takes/broadcast.jsonl")
PAGE = Path("docs/benchmark/take.md")
NEAR_S = 0.3
"""s from the cut within which a finding is right."""
COMMAND = (sys.executable, "-c", "from unmask.cli import main; main()", "take", "--json")
HEADING = "## Hours of one broadcast"

Row = dict[str, Any]


def run(folder: Path, hours: float, seed: int, processes: int, thorough: bool) -> None:
    """Makes what is missing, judges what was not judged, and writes the section of the page."""
    made = Broadcast(folder / f"{hours:g}-hours-{seed}", Journey(seed, hours * 3600))
    done = {_key(row) for row in measured()}
    ways: list[tuple[str, list[str]]] = [(version, []) for version in VERSIONS]
    for version, options in [*ways, *([("uncut", ["--thorough"])] if thorough else [])]:
        about = {"hours": hours, "seed": seed, "version": version, "options": options}
        if _key(about) in done:
            continue
        path = made.write(version, processes)
        row = about | judged(path, options) | {"cuts": made.breaks(version)}
        row |= {"seconds": made.seconds(version), "bytes": path.stat().st_size}
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        with RESULTS.open("a") as out:
            out.write(json.dumps(row) + "\n")
        print(_line(*_cells(row)), flush=True)
    PAGE.write_text(with_section(PAGE.read_text()))


def measured() -> list[Row]:
    """Reads all results."""
    return (
        [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    )


def _key(row: Row) -> tuple[Any, ...]:
    return row["hours"], row["seed"], row["version"], tuple(row["options"])


def judged(path: Path, options: Sequence[str] = ()) -> Row:
    """Returns what the command says of a file, wall and CPU seconds, and its peak memory, MB."""
    begun, before, peak = time.monotonic(), os.times(), 0.0
    with path.with_suffix(".json").open("w+") as out:
        with subprocess.Popen([*COMMAND, str(path), *options], stdout=out) as process:
            while process.poll() is None:
                peak = max(peak, _peak_mb(process.pid))
                time.sleep(0.1)
        spent, after = time.monotonic() - begun, os.times()
        out.seek(0)
        told = json.load(out)
    return {
        "answer": told["answer"],
        "error": told["error"],
        "findings": [
            [one["kind"], one["breaks"], one["start"], one["end"]] for one in told["findings"]
        ],
        "power": told["power"],
        "decoded": told["decoded"],
        "unseen": sum(one["end"] - one["start"] for one in told["unseen"]),
        "wall": spent,
        "cpu": sum(after[2:4]) - sum(before[2:4]),
        "peak_mb": peak,
    }


def _peak_mb(process: int) -> float:
    """Returns the peak resident memory of a process, MB; 0 once it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6 if "VmHWM" in status else 0.0


def right(row: Row) -> list[list[Any]]:
    """Returns the findings at a cut that break the take."""
    return [one for one in _breaks(row) if any(_at(one, cut) for cut in row["cuts"])]


def wrong(row: Row) -> list[list[Any]]:
    """Returns the findings that break the take where nothing was cut."""
    return [one for one in _breaks(row) if not any(_at(one, cut) for cut in row["cuts"])]


def _breaks(row: Row) -> list[list[Any]]:
    return [one for one in row["findings"] if one[1]]


def _at(one: Sequence[Any], cut: float) -> bool:
    return bool(one[2] - NEAR_S <= cut <= one[3] + NEAR_S)


INTRO = """{heading}

**Simulated.** One camera on a journey, with sound: drives, stops and meals, 640 x 360 at 25 a
second, H.264 and AAC in Matroska ([journey.py](../../benchmarks/takes/journey.py)). Nothing is
shown twice. {lost} s were taken out at 11/18 of it: once by copying packets from key frame to key
frame, once encoded again. The files are made in parts that are byte for byte what one encoder would
have written ([broadcast.py](../../benchmarks/takes/broadcast.py)). A hum of the car's inverter goes
through all of it; in the file without sound nothing helps but key frames, ten seconds apart.
Each row is one file of one seed, so it shows that a cut can be found, not how often: while this was
made, the cut by copying packets was missed at one of five lengths (152 s), since the hum happened
not to jump far enough. Since then the numbers of key frames tell it, too, where an odd number of
them is missing, as of the 15 here.

```sh
python -m benchmarks.takes broadcast --hours 18 --folder DIR   # goes on where it stopped
```

Lengths that are not in the table were not measured. Power is the share of {lasting} s cuts that
were found among those tried, by pictures or sound where nothing else is said, with its 95 %
interval (Wilson). Times real time is by the clock, on a machine with 2 cores shared with other
work; in brackets by CPU time on one core.
"""
COLUMNS = (
    *("hours", "file", "`unmask take`", "answer", "found at the cut", "breaks elsewhere"),
    *("unseen", "power", "times real time", "peak memory"),
)
_LASTING = 0.5
"""Seconds of the cuts whose power the table gives."""


def section() -> list[str]:
    """Returns the section of the page; empty where nothing was measured."""
    rows = sorted(measured(), key=lambda row: (row["hours"], VERSIONS.index(row["version"])))
    if not rows:
        return []
    intro = INTRO.format(heading=HEADING, lost=LOST // FPS, lasting=_LASTING)
    table = [_line(*COLUMNS), _line(*["---"] * len(COLUMNS)), *(_line(*_cells(r)) for r in rows)]
    return [*intro.splitlines(), "", *table, ""]


def with_section(page: str) -> str:
    """Returns the page with the section as it is now; the other sections stay."""
    head, *parts = page.split("\n## ")
    kept = [part for part in parts if not HEADING.endswith(part.split("\n", 1)[0])]
    own = "\n".join(section()).removeprefix("## ").rstrip("\n")
    speed = next((i for i, part in enumerate(kept) if part.startswith("Speed")), len(kept))
    parts = [*kept[:speed], *([own + "\n"] if own else []), *kept[speed:]]
    return "\n## ".join([head, *parts])


def _cells(row: Row) -> list[str]:
    found = [f"{kind} {_clock(end)}" for kind, _, _, end in right(row)]
    power = next((one for one in row["power"] if one["lost"] == _LASTING), None)
    share = "" if power is None else _share(power)
    return [
        f"{row['hours']:g}",
        row["version"],
        " ".join(row["options"]) or "default",
        row["answer"] or row["error"],
        ", ".join(found) or ("nothing" if row["cuts"] else "no cut"),
        str(len(wrong(row))),
        f"{row['unseen'] / row['seconds']:.0%}",
        share,
        f"{row['seconds'] / row['wall']:.0f} ({row['seconds'] / row['cpu']:.0f})",
        f"{row['peak_mb']:.0f} MB",
    ]


def _share(power: Row) -> str:
    """Returns the share of cuts that were found; older results know only those by pictures."""
    found, how = (power["either"], "") if power.get("either") else (power, " by pictures")
    share = "{found} of {trials}{how} ({low:.0%} to {high:.0%})"
    return share.format(**power | found | {"how": how})


def _clock(seconds: float) -> str:
    return f"{int(seconds // 3600)}:{int(seconds // 60) % 60:02}:{seconds % 60:05.2f}"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
