"""Custody of a check: versions, weights and settings, enough to repeat it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any

from unmask import calibrations
from unmask.types import Custody, Recorded
from unmask.verdict import Rules

PACKAGES = ("unmask", "onnxruntime", "av", "pillow", "numpy")
"""Packages whose versions are recorded beside those of Python and OpenCV."""


def custody(settings: Mapping[str, Any], frames: int, recorded: Recorded) -> Custody:
    """Records the time, versions, weights, settings and rules of a check.

    Also records what the file's metadata say of its recording.

    Args:
        settings: fields of `unmask.pipeline.Settings`.
        frames: how many were examined.
        recorded: what the file's metadata say.

    Raises:
        WeightsError: a weight's file is missing.
    """
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items() if k != "debug"}
    for folder in ("models", "licences"):
        plain[folder] = settings[folder] and str(settings[folder])
    return Custody(
        checked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        weights=calibrations.digests(settings["models"]),
        settings={**plain, "rules": asdict(Rules())},
        frames_examined=frames,
        recorded=recorded,
    )


def versions() -> dict[str, str]:
    """Returns the versions of Python, OpenCV and `PACKAGES`, by name."""
    import cv2

    return {
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        **{name: _version(name) for name in PACKAGES},
    }


@cache  # reading a package's metadata takes half a millisecond, and each check names five
def _version(package: str) -> str:
    return version(package)
