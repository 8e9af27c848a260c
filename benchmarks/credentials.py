"""Time of signing a film of 40 MB with content credentials and of reading it, beside hashing it.

    python -m benchmarks.credentials

The film is made here. Signing, reading and hashing (SHA-256) are
timed in turn. Their ratio means the same on a machine that does other work too; seconds do not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests import clips
from tests.support.authority import Authority
from unmask.licences import files, manifest
from unmask.types import Seal

BYTES = 40_000_000


def write_film(path: Path) -> None:
    """Writes a short film, filled up to `BYTES` with random bytes in a box of media data."""
    random = np.random.default_rng(1)
    frames = (random.integers(0, 256, (360, 640, 3), np.uint8) for _ in range(5))
    clips.write_video(path, frames, options={"preset": "ultrafast"})
    with path.open("ab") as film:
        film.write(clips.box(b"mdat", random.bytes(BYTES - film.tell() - 8)))


def seconds(do: Callable[[], object]) -> float:
    """Returns the wall time of a call."""
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun


def main() -> None:
    """Makes the film, times the three in turn and prints a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    authority = Authority.called("An authority")
    studio = authority.vouches("The studio")
    with tempfile.TemporaryDirectory() as folder:
        plain, signed = Path(folder) / "plain.mp4", Path(folder) / "signed.mp4"
        write_film(plain)
        steps: dict[str, Callable[[], object]] = {
            "hash": lambda: files.sha256(plain),
            "sign": lambda: manifest.write(plain, signed, studio, []),
            "read": lambda: manifest.of(signed, authority.pem),
        }
        spent = [{name: seconds(do) for name, do in steps.items()} for _ in range(options.runs)]
        found = manifest.of(signed, authority.pem)
        if (found.seal, found.trusted) != (Seal.INTACT, True):
            sys.exit(f"the signed film was read wrong: {found}")
        size = plain.stat().st_size
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    print(f"{size / 1e6:.1f} MB, {options.runs} runs, load {load:.1f} per core\n")
    print("| | median, s | least, s | median ratio to hashing |\n| --- | --- | --- | --- |")
    for name in steps:
        took = [run[name] for run in spent]
        ratio = statistics.median(run[name] / run["hash"] for run in spent)
        print(f"| {name} | {statistics.median(took):.2f} | {min(took):.2f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
