"""PySceneDetect's detectors on the same file, at their defaults.

`scenedetect` on PyPI; only benchmarks need it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

RIVALS = ("AdaptiveDetector", "ContentDetector", "HistogramDetector")


def cuts(path: Path, detector: str) -> tuple[list[float], float]:
    """Returns the times, s, of the cuts that one of `RIVALS` finds, and the CPU seconds it took."""
    import scenedetect

    made: Any = getattr(scenedetect, detector)()
    begun = time.process_time()
    scenes = scenedetect.detect(str(path), made)
    return [round(start.seconds, 3) for start, _ in scenes[1:]], time.process_time() - begun
