"""Fits the small models of the named lines: ``weights/texture.json`` and ``weights/skin.json``.

These lines weigh several measurements. The model is a logistic regression with weights that are
nowhere negative, on bona fide portraits and forgeries of them by every family, degraded the same
way. Its score is one number of the line; the joint calibration decides what it is worth.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmask.evidence.skin import Skin
from unmask.evidence.texture import Texture
from unmask.feature_models import MOST, WeighingLine
from unmask.measuring import Measurement, Unmeasured
from unmask.models import WEIGHTS
from unmask_lab import metrics
from unmask_lab.calibrate import logistic
from unmask_lab.data import BONA_FIDE, DataError, Row
from unmask_lab.degrade import as_it_comes
from unmask_lab.examples import Example, as_seen, with_forgeries
from unmask_lab.forge import FAMILIES
from unmask_lab.samples import shapes

COMMAND = "unmask-lab fit-lines"
NOTABLE = 0.99
"""Part of the bona fide faces below the score from which a line's sentence reports a difference."""


Look = Measurement[Mapping[str, float]] | Unmeasured
"""Measurement of a face by such a line, or the reason why it could not."""


def fit_lines(
    rows: Sequence[Row], at_most: int, weights: Path = WEIGHTS, *, seed: int
) -> dict[str, Any]:
    """Measures, fits and writes the model of every such line; returns the models by line.

    Args:
        rows: of people that nothing is measured on; only bona fide ones are used.
        at_most: faces, drawn at random.
        weights: folder to write to.
        seed: of the draw, of forgeries and of their ways.

    Raises:
        DataError: there are too few faces that a line can read.
    """
    rows = [row for row in rows if row.label == BONA_FIDE]
    drawn = np.sort(np.random.default_rng(seed).permutation(len(rows))[:at_most])
    lines: tuple[WeighingLine, ...] = (Texture(), Skin())
    about: list[Example] = []
    seen: dict[str, list[Look]] = {line.name: [] for line in lines}
    for example in _examples([rows[i] for i in drawn], seed):
        about.append(example)
        for line in lines:
            seen[line.name].append(line.look(example.sighting()))
    return {
        name: _write(
            name, _fitted(name, about, looks, f"{COMMAND} --faces {at_most} --seed {seed}"), weights
        )
        for name, looks in seen.items()
    }


def _examples(rows: Sequence[Row], seed: int) -> Iterator[Example]:
    points = shapes(rows)
    for i, row in enumerate(rows):
        rng = np.random.default_rng((seed, i))
        pictures = with_forgeries(row, rows, points, tuple(FAMILIES), rng)
        degradation, scale = as_it_comes(rng)
        for rgb, mask, family in pictures:
            yield as_seen(row, rgb, mask, family, "", degradation, scale, rng)
        if i % 100 == 99:
            print(f"measured {i + 1} of {len(rows)}", file=sys.stderr, flush=True)


def _fitted(
    name: str, about: Sequence[Example], looks: Sequence[Look], command: str
) -> dict[str, Any]:
    read = [
        (e, look.value)
        for e, look in zip(about, looks, strict=True)
        if isinstance(look, Measurement)
    ]
    label = np.array([e.label for e, _ in read])
    if min((label == 0).sum(), (label == 1).sum()) < 20:
        raise DataError(
            f"{name}: fewer than 20 bona fide or changed faces could be read; add portraits"
        )
    names = list(read[0][1])
    values = np.array([[measured[key] for key in names] for _, measured in read])
    mean, spread = values[label == 0].mean(axis=0), np.maximum(values[label == 0].std(axis=0), 1e-6)
    design = np.column_stack([np.ones(len(values)), np.clip((values - mean) / spread, -MOST, MOST)])
    weight = metrics.balanced(label, np.array([e.family for e, _ in read]))
    theta = logistic(design, label, weight, _rising(len(names)))
    terms = {
        key: {"mean": float(m), "spread": float(s), "weight": max(0.0, float(w))}
        for key, m, s, w in zip(names, mean, spread, theta[1:], strict=True)
    }
    fitted_on = {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "people": len({e.identity for e, _ in read}),
        "bona_fide": int((label == 0).sum()),
        "changed": int(label.sum()),
        "forgeries": list(FAMILIES),
    }
    notable = float(np.quantile((design @ theta)[label == 0], NOTABLE))
    return {
        "intercept": float(theta[0]),
        "terms": terms,
        "notable": notable,
        "fitted_on": fitted_on,
    }


def _rising(terms: int) -> NDArray[np.float64]:
    """Returns the slopes of every term but the intercept, ``(terms, terms + 1)``."""
    return np.column_stack([np.zeros(terms), np.eye(terms)])


def _write(name: str, model: dict[str, Any], weights: Path) -> dict[str, Any]:
    text = json.dumps(model, indent=2) + "\n"
    (weights / f"{name}.json").write_text(text)
    listed = weights / "weights.json"
    known = json.loads(listed.read_text()) if listed.is_file() else {}
    known[f"{name}.json"] = hashlib.sha256(text.encode()).hexdigest()
    listed.write_text(json.dumps(known, indent=2) + "\n")
    return model
