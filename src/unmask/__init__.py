"""Unmask tells whether a person's face in a photo or a video was changed by software.

It shows why, and says so when it cannot tell.

>>> import unmask
>>> result = unmask.check("clip.mp4")
>>> result.verdict, result.log10_lr, [span for person in result.people for span in person.spans]
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from unmask.errors import MediaError, UnmaskError

if TYPE_CHECKING:
    from unmask.types import CheckResult, Person, Span, Verdict

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
"""Keeps ONNX Runtime, from 1.29 on, from reporting to its maker; it is read when that is loaded."""

__all__ = ["CheckResult", "MediaError", "Person", "Span", "UnmaskError", "Verdict", "check"]


def __getattr__(name: str) -> object:
    """Imports the values of `unmask.types` on first use.

    They need NumPy, whose import takes longer than everything else here.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("unmask.types"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def check(
    path: str | os.PathLike[str],
    *,
    every: float = 0.5,
    lines: Sequence[str] = (),
    models: str | os.PathLike[str] | None = None,
    originals: str | os.PathLike[str] | None = None,
    licences: str | os.PathLike[str] | None = None,
    prior: float | None = None,
    debug: bool = False,
) -> CheckResult:
    """Tells whether faces in a photo or video were changed by software, per person, with reasons.

    Args:
        path: a photo (JPEG, PNG, WebP, HEIC, AVIF, TIFF ...) or a video (MP4, MOV, MKV, WebM, AVI,
            MXF, MPEG, WMV ...).
        every: seconds between the frames looked at; suspicious stretches are looked at more
            closely.
        lines: lines of evidence to ask, by name; all of them if empty.
        models: folder of ONNX classifiers to add as lines, each with a card; see
            docs/lines/your-model.md.
        originals: folder or ``postgresql://`` address of an index of known originals; see
            docs/originals.md.
        licences: folder of licences, keys and trusted authorities; see docs/licences.md.
        prior: base rate of changed faces among such files, 0 to 1 exclusive; adds what the LR comes
            to at that rate.
        debug: raise whatever a line of evidence raises, instead of reporting it as failed.

    Returns:
        The result, which shows itself in a notebook; `unmask.report` turns it into HTML, JSON and
            CSV.

    Raises:
        MediaError: the file cannot be judged: missing, unsupported, broken or too large.
        OriginalsError: the index of known originals cannot be read.
        LicenceError: a key or authority in the folder of licences cannot be read.
        UsageError: settings out of range, an unknown line, or a model or folder that cannot be
            used.
    """
    from pathlib import Path

    from unmask.pipeline import Settings, check

    folder = None if models is None else Path(models)
    index = None if originals is None else os.fspath(originals)
    desk = None if licences is None else Path(licences)
    settings = Settings(
        every=every,
        lines=tuple(lines),
        models=folder,
        originals=index,
        licences=desk,
        prior=prior,
        debug=debug,
    )
    return check(path, settings)
