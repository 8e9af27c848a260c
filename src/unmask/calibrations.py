"""Calibrations fitted by the lab, read from ``weights/`` or the folder of the user's models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from unmask import classifiers, models
from unmask.errors import WeightsError
from unmask.likelihood import Calibration
from unmask.types import Rate, TrackRecord


@cache
def load(folder: Path | None = None) -> tuple[Calibration, ...]:
    """Loads every calibration there is, one per set of lines.

    A line without a calibration is shown but has no weight.

    The line `originals` has a calibration of its own, ``weights/originals.json``. Its benchmark
    fits it alone, because the line needs an index. It separates the classes best, so no other line
    has weight where it runs.

    Args:
        folder: folder of the user's models; its own calibration, if it has one, replaces the
            shipped one.

    Raises:
        WeightsError: the file is missing or broken, or was fitted to another network than the
            installed one.
    """
    path = _file_in_use(folder)
    originals = models.WEIGHTS / "originals.json"
    here = {**models.known(), **classifiers.known(folder)}
    again = "run unmask-lab calibrate" + (f" --models {folder}" if path.parent == folder else "")
    try:
        both = [json.loads(file.read_bytes())["lines"] for file in (originals, path)]
        sets: dict[str, Any] = {key: fit for lines in both for key, fit in lines.items()}
        there = {key: fit for key, fit in sets.items() if fit["weights"].keys() <= here.keys()}
        changed = [
            name
            for fit in there.values()
            for name, sha256 in fit["weights"].items()
            if here[name] != sha256
        ]
        fields = ("intercept", "terms", "bound", "missed", "shared", "separation")
        fitted = tuple(
            Calibration(
                tuple(key.split("+")),
                **{f: fit[f] for f in fields},
                knees=fit.get("knees", {}),
                record=_record(fit),
            )
            for key, fit in there.items()
        )
    except FileNotFoundError:
        raise WeightsError(f"{path.name}: the file is missing; reinstall Unmask") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{path}: no calibration that this version of Unmask reads; {again}"
        ) from error
    if changed:
        raise WeightsError(
            f"{path}: fitted to another {models.file_name(changed[0])} than the one that is "
            f"here; {again}"
        )
    return fitted


def _record(fit: Mapping[str, Any]) -> TrackRecord | None:
    """Reads the lab's results on kinds of forgery never trained on; None where it has none."""
    answers = fit.get("never_trained_on", {}).get("answers")
    if answers is None:
        return None
    bona_fide, changed = answers["bona fide"], answers["changed"]
    return TrackRecord(
        bona_fide["faces"],
        changed["faces"],
        _rate(bona_fide["changed"]),
        _rate(changed["no change found"]),
    )


def _rate(measured: Mapping[str, Any]) -> Rate:
    return Rate(measured["part"], *measured["interval"])


def _file_in_use(folder: Path | None = None) -> Path:
    """Finds the calibration in use: that of the user's models if any, else the shipped one."""
    own = folder / "calibration.json" if folder else None
    return own if own and own.is_file() else models.WEIGHTS / "calibration.json"


def digests(folder: Path | None = None) -> dict[str, str]:
    """Returns the sha256 of every file that decides a score or its weight, by name.

    These are the weights, the user's models and their cards, and the calibrations.
    """
    files = {"calibration": _file_in_use(folder), "originals": models.WEIGHTS / "originals.json"}
    fitted = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    return {**models.known(), **classifiers.known(folder), **fitted}
