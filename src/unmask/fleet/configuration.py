"""Configuration of a result: everything besides the content that it depends on.

Everything is judged anew if any of it changes, and only then.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from unmask import calibrations, evidence, limits, originals
from unmask.errors import UsageError, printable
from unmask.pipeline import Settings


def configuration(settings: Settings) -> dict[str, Any]:
    """Returns the configuration as JSON values.

    It has version, weights, the codes of the limits that their cards state, settings, known
    originals and licences; folders are identified by their content.

    Raises:
        UsageError: a line or model that does not exist, or no such folder of licences.
        OriginalsError: the index of known originals cannot be read.
        WeightsError: this installation is damaged.
    """
    lines = evidence.chosen(settings.lines, settings.models)
    by_content = ("models", "originals", "licences", "debug")
    return {
        "version": version("unmask"),
        "weights": calibrations.digests(settings.models),
        "limits": [limit.code for limit in limits.of_models(lines, settings.models)],
        "settings": {
            name: value for name, value in asdict(settings).items() if name not in by_content
        },
        "originals": None if settings.originals is None else of_originals(settings.originals),
        "licences": None if settings.licences is None else _licences(settings.licences),
    }


def digest(facts: dict[str, Any]) -> str:
    """Names a configuration by 16 hexadecimal digits of its sha256.

    A letter in front keeps the name from being read as a number.
    """
    return f"c{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]}"


def of_originals(where: str) -> str:
    """Returns the sha256 of what is registered as originals, the same for a copy of it.

    Raises:
        OriginalsError: the index cannot be read.
    """
    with originals.opened_store(where) as store:
        known = [
            (one.sha256, one.owner, one.title, one.frames, one.complete)
            for one in store.originals()
        ]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def _licences(folder: Path) -> str:
    if not folder.is_dir():
        raise UsageError(
            f"{printable(str(folder))}: no such folder of licences; make it, or name another one"
        )
    files = sorted(path for path in folder.iterdir() if path.is_file())
    known = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()
