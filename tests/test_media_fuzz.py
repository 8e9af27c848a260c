"""Thousands of damaged photos and clips: each gives frames or a `MediaError`, fast and bounded.

A worker process damages and reads, so that a crash or a hang of a decoder is detected without harm.
``UNMASK_FUZZ=N`` sets the number of damaged files, 1,000 without it; the seeds are fixed, so a
failure repeats.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import clips
from unmask.errors import MediaError
from unmask.media import Bounds, open_media

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("UNMASK_FUZZ", "1000"))
MEMORY = 4 * 2**30
"""Bytes of address space; threads reserve far more than they touch."""
GROWTH = 200 * 2**20
"""Bytes that the worker's resident set may grow after the first tenth of its files.

By then all decoders are loaded.
"""
PATIENCE = 30
"""s for one file of a few kB, before it counts as a hang."""


def test_damaged_files_end_in_frames_or_errors(tmp_path: Path) -> None:
    write_seeds(tmp_path)
    command = [sys.executable, "-m", __spec__.name, str(tmp_path), str(COUNT)]
    root = Path(__file__).parents[1]
    worker = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=60 + COUNT * 2, check=False
    )
    assert worker.returncode == 0, (
        f"exit {worker.returncode} after {worker.stdout[-300:]}\n{worker.stderr[-3000:]}"
    )
    assert worker.stderr == ""


def write_seeds(folder: Path) -> None:
    pictures = [clips.textured(i) for i in range(10)]
    for codec, suffix, b_frames in (
        ("libx264", "mp4", 2),
        ("libx264", "mkv", 0),
        ("libx264", "ts", 0),
        ("libx265", "mov", 2),
        ("libvpx-vp9", "webm", 0),
        ("libsvtav1", "mp4", 0),
        ("mpeg4", "avi", 0),
        ("wmv2", "wmv", 0),
        ("msmpeg4", "asf", 0),
        ("flv", "flv", 0),
        ("mpeg2video", "mpg", 2),
        ("mpeg2video", "mxf", 2),
    ):
        clips.write_video(
            folder / f"{codec}.{suffix}",
            pictures,
            codec=codec,
            b_frames=b_frames,
            gop=5,
            rotation=90,
        )
    clips.write_video(
        folder / "dnxhd.mov",
        [clips.textured(1, 256, 120)] * 2,
        codec="dnxhd",
        pix_fmt="yuv422p",
        options={"profile": "dnxhr_lb"},
    )
    clips.write_video(folder / "dvvideo.dv", [clips.textured(1, 720, 576)] * 2, codec="dvvideo")
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP"):
        clips.write_photo(folder / f"photo.{kind.lower()}", pictures[0], kind)
    clips.write_photo(
        folder / "progressive.jpeg", pictures[0], "JPEG", progressive=True, orientation=6
    )
    clips.write_heic(folder / "photo.heic", pictures[0], crop=(50, 60))


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Makes one to four mutations.

    Bytes are flipped, the end lost, blocks swapped, a length field forged, or a stretch zeroed.
    """
    out = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at, size = dice.randrange(len(out)), dice.randint(1, max(1, len(out) // 8))
        match dice.randrange(5):
            case 0:
                for _ in range(dice.randint(1, 16)):
                    out[dice.randrange(len(out))] = dice.randrange(256)
            case 1:
                del out[max(at, 16) :]
            case 2:
                other = dice.randrange(len(out))
                out[at : at + size], out[other : other + size] = (
                    out[other : other + size],
                    out[at : at + size],
                )
            case 3:
                forged = dice.choice([0, 1, 8, 2**31 - 1, 2**31, 2**32 - 1, dice.randrange(2**32)])
                out[at : at + 4] = forged.to_bytes(4, dice.choice(["big", "little"]))
            case 4:
                out[at : at + size] = bytes(len(out[at : at + size]))
        if not out:
            return b"\0"
    return bytes(out)


def read_damaged(folder: Path, count: int) -> None:
    """Runs in the worker; prints each file's number and seed to stdout before it is read."""
    seeds = sorted(path for path in folder.iterdir() if path.is_file())
    target, bounds = folder / "damaged", Bounds(pixels=2**20, wall_seconds=PATIENCE / 3)
    outcomes = {"frames": 0, "error": 0}
    settled = 0
    for number in range(count):
        seed = seeds[number % len(seeds)]
        print(number, seed.name, flush=True)  # noqa: T201
        target.write_bytes(damaged(seed.read_bytes(), random.Random(number)))  # noqa: S311
        signal.alarm(PATIENCE)
        try:
            clip = open_media(target, bounds)
            times = clip.times(0.04, 12)
            for frame in clip.frames(times):
                assert frame.rgb.shape == (clip.facts.height, clip.facts.width, 3)
            outcomes["frames"] += 1
        except MediaError as error:
            outcomes["error"] += len(str(error).splitlines())
        signal.alarm(0)
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if number < count // 10:
            settled = resident
        assert resident - settled < GROWTH, f"grew by {(resident - settled) >> 20} MiB"
    assert sum(outcomes.values()) == count, "an error of more than one line"
    assert min(outcomes.values()) > count // 20, (
        f"{outcomes}: the damage is too weak or too strong to tell"
    )


@pytest.mark.parametrize("seed", range(3))
def test_damage_repeats_and_changes_the_file(seed: int) -> None:
    data = bytes(range(256)) * 4
    assert damaged(data, random.Random(seed)) == damaged(data, random.Random(seed)) != data  # noqa: S311


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    read_damaged(Path(sys.argv[1]), int(sys.argv[2]))
