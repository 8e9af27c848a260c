"""Time from the end of an upload to the verdict, on an idle machine."""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.service.clips import Clips
from tests.service.tree import Tree


def answer(service: Tree, options: argparse.Namespace) -> None:
    """Measures how long a verdict takes on an idle machine."""
    clips, spent = Clips(10, 0), []
    with service.client() as client, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        for _ in range(options.runs):
            time.sleep(5)  # people, too, come to a service that is idle
            path.write_bytes(clips.new())
            check = client.upload(path)
            began = time.monotonic()
            assert client.wait(check, every=0.05).state == "done"
            spent.append(time.monotonic() - began)
    ordered, n = sorted(spent), len(spent)
    half = 1.96 * np.std(spent, ddof=1) / math.sqrt(n)
    print(
        f"10 s of 1080p ({len(clips.new()) / 1e6:.1f} MB), "
        f"from the end of the upload to the verdict, {n} runs:"
    )
    print(
        f"mean {np.mean(spent):.2f} s "
        f"(95 %: {np.mean(spent) - half:.2f} to {np.mean(spent) + half:.2f}), ",
        end="",
    )
    print(f"least {ordered[0]:.2f}, most {ordered[-1]:.2f}")
