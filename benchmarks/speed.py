"""Speed and memory, measured side by side in one run: median and spread.

Run it on an otherwise idle machine.

    python -m benchmarks.speed [--long SECONDS]

Each part runs in its own process, so that its peak memory is its own. CPU time is the user and
system time of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

RUNS = 7


def moving_scene(
    seconds: float, fps: int = 25, width: int = 1920, height: int = 1080
) -> Iterator[np.ndarray]:
    """Yields frames of a hand-held camera over a portrait, 1080p, with sensor noise: rgb uint8."""
    import cv2
    from skimage.data import astronaut

    portrait, rng = astronaut(), np.random.default_rng(0)
    noise = rng.normal(0, 3, (4, height, width, 1)).astype(np.float32)
    for i in range(int(seconds * fps)):
        t = i / fps
        matrix = cv2.getRotationMatrix2D(
            (225, 140), 2 * np.sin(0.6 * t), 2.6 + 0.3 * np.sin(0.5 * t)
        )
        matrix[:, 2] += (
            width / 2 - 225 + 60 * np.sin(0.9 * t),
            height / 2 - 140 + 30 * np.cos(0.7 * t),
        )
        frame = cv2.warpAffine(
            portrait, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        yield np.clip(frame + noise[i % 4], 0, 255).astype(np.uint8)


def write_clip(path: Path, seconds: float, repeat: int = 1, gop: int = 250) -> None:
    """Encodes a scene once as H.264 and repeats its packets to any length.

    A key frame every ``gop`` frames, with B-frames.
    """
    import av

    once = path.with_suffix(".once.mp4")
    with av.open(once, "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"crf": "23", "preset": "veryfast", "g": str(gop)}
        )
        stream.width, stream.height, stream.pix_fmt, stream.time_base = (
            1920,
            1080,
            "yuv420p",
            Fraction(1, 25),
        )
        for rgb in moving_scene(seconds):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(path, "w") as out:
        target = None
        for k in range(repeat):
            with av.open(once) as source:
                stream = source.streams.video[0]
                target = target or out.add_stream_from_template(stream)
                for packet in source.demux(stream):
                    if packet.dts is None:
                        continue
                    shift = round(k * seconds / stream.time_base)
                    packet.pts, packet.dts, packet.stream = (
                        packet.pts + shift,
                        packet.dts + shift,
                        target,
                    )
                    out.mux(packet)


def in_turn(*tasks: Callable[[], object], runs: int = 30) -> list[list[float]]:
    """Returns CPU milliseconds of each task.

    Tasks alternate, so that a drift of the machine affects all equally.
    """
    spent: list[list[float]] = [[] for _ in tasks]
    for _ in range(runs):
        for k, task in enumerate(tasks):
            before = time.process_time()
            task()
            spent[k].append((time.process_time() - before) * 1000)
    return spent


def faces_part(_folder: Path) -> dict[str, object]:
    """Measures, on one thread, the learned line, the strong look and EfficientNet-B4 at 380 px.

    The learned line also takes several faces at a time.
    """
    import onnxruntime as ort

    from benchmarks.efficientnet_b4 import SIDE, model
    from unmask import models

    one = ort.SessionOptions()
    one.intra_op_num_threads = 1
    learned = ort.InferenceSession(models.WEIGHTS / "learned.onnx", one)
    strong = ort.InferenceSession(
        models.with_values(models.content("strong"), models.content("strong.npz")), one
    )
    b4 = ort.InferenceSession(model(), one)
    rng = np.random.default_rng(0)
    close_up = rng.integers(0, 256, (1, 224, 224, 3)).astype(np.uint8)
    picture = rng.normal(size=(1, 3, SIDE, SIDE)).astype(np.float32)
    batches = {count: np.repeat(close_up, count, axis=0) for count in (1, 4, 16)}
    tasks: list[Callable[[], object]] = [
        lambda rgb=rgb: learned.run(None, {"rgb": rgb}) for rgb in batches.values()
    ]
    tasks += [lambda: strong.run(None, {"rgb": close_up}), lambda: b4.run(None, {"rgb": picture})]
    in_turn(*tasks, runs=5)
    ours, *together, strongest, theirs = in_turn(*tasks)
    each = {n: (np.array(ms) / n).tolist() for n, ms in zip([4, 16], together, strict=True)}
    ratio, strong_ratio = (
        [b / a for a, b in zip(ms, theirs, strict=True)] for ms in (ours, strongest)
    )
    return {
        "learned, CPU ms per face": ours,
        **{f"learned, {n} faces at a time, CPU ms per face": ms for n, ms in each.items()},
        "strong, CPU ms per face": strongest,
        "EfficientNet-B4 at 380 px, CPU ms per face": theirs,
        "B4 / learned": ratio,
        "B4 / strong": strong_ratio,
    }


def lines_part(_folder: Path) -> dict[str, object]:
    """Measures the named lines of evidence on ten looks at one face, one thread.

    Their pictures are drawn once per track.
    """
    import cv2

    from unmask import faces
    from unmask.evidence import LINES
    from unmask.types import Case, Kind, MediaFacts, Sighting, Track

    cv2.setNumThreads(1)
    seen = []
    for i, rgb in enumerate(moving_scene(10 / 25)):
        face = faces.find(rgb)[0]
        crop = faces.align(rgb, face.points)
        eyes = faces.eyes(rgb, face.points)
        seen.append(Sighting(i / 10, face, faces.measure(rgb, face, crop), crop, eyes))
    track = Track(1, tuple(seen))
    case = Case(MediaFacts("", Kind.VIDEO, "", 0, "", "", 1920, 1080), (track,))
    named = {name: make for name, make in LINES.items() if name != "learned"}
    tasks = [lambda make=make: make().examine(track, case) for make in named.values()]
    in_turn(*tasks, runs=3)
    spent = np.array(in_turn(*tasks)) / len(seen)
    each = {f"{name}, CPU ms per face": ms.tolist() for name, ms in zip(named, spent, strict=True)}
    return {
        **each,
        "texture, skin, reflection and motion together, CPU ms per face": spent.sum(
            axis=0
        ).tolist(),
    }


def photo_part(folder: Path) -> dict[str, object]:
    """Measures a 1080p photo with one face, in a process that has checked one before."""
    from PIL import Image

    import unmask

    path = folder / "photo.jpg"
    Image.fromarray(next(moving_scene(1))).save(path, quality=92)
    unmask.check(path)
    return {"1080p photo, ms": [1000 * _wall(lambda: unmask.check(path)) for _ in range(RUNS)]}


def clip_part(folder: Path) -> dict[str, object]:
    """Measures a 10-second 1080p clip; the first run, which loads the models, is not counted."""
    import unmask

    unmask.check(folder / "short.mp4")
    return {
        "10 s of 1080p, s": [_wall(lambda: unmask.check(folder / "short.mp4")) for _ in range(RUNS)]
    }


def long_part(folder: Path) -> dict[str, object]:
    """Measures a long 1080p clip, including the loading of models."""
    import unmask

    spent = _wall(lambda: unmask.check(folder / "long.mp4"))
    return {
        "long clip, times real time": [float(os.environ["UNMASK_LONG"]) / spent],
        "long clip, peak MB": [_peak_mb()],
    }


def start_part(_folder: Path) -> dict[str, object]:
    """Measures import and help as whole processes, beside a bare interpreter."""
    python, script = sys.executable, str(Path(sys.executable).with_name("unmask"))
    commands = {
        "python -c pass, s": [python, "-c", "pass"],
        "import unmask, s": [python, "-c", "import unmask"],
    }
    commands["unmask --help, s"] = [script, "--help"]
    run = {
        name: lambda c=command: subprocess.run(c, check=True, capture_output=True)
        for name, command in commands.items()
    }
    return {name: [_wall(task) for _ in range(RUNS + 1)][1:] for name, task in run.items()}


def _wall(task: Callable[[], object]) -> float:
    before = time.perf_counter()
    task()
    return time.perf_counter() - before


def _peak_mb() -> float:
    """Returns this process's peak resident memory, MB; `getrusage` would include the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


PARTS = {
    "faces": faces_part,
    "lines": lines_part,
    "photo": photo_part,
    "clip": clip_part,
    "long": long_part,
    "start": start_part,
}


def main() -> None:
    """Runs every part and prints a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--long", type=int, default=600, help="length of the long clip, s (default 600)"
    )
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        measured = PARTS[options.part](options.folder)
        print(json.dumps({**measured, f"{options.part}: peak MB": [_peak_mb()]}))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clip(folder / "short.mp4", 10)
        write_clip(folder / "long.mp4", 20, repeat=options.long // 20)
        print("| measured | median | least to most | runs |\n| --- | --- | --- | --- |")
        for part in PARTS:
            command = [sys.executable, "-m", "benchmarks.speed", "--part", part, "--folder", name]
            environment = {**os.environ, "UNMASK_LONG": str(options.long)}
            done = subprocess.run(
                command, check=True, capture_output=True, text=True, env=environment
            )
            for label, values in json.loads(done.stdout).items():
                print(
                    f"| {label} | {np.median(values):.3g} | "
                    f"{min(values):.3g} to {max(values):.3g} | {len(values)} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
