from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
from unmask_lab.export import export
from unmask_lab.train import Config, train


def test_export_serves_what_was_trained(collected: tuple[Path, Path], tmp_path: Path) -> None:
    config = Config(
        train=(str(collected[0]),),
        dev=(str(collected[1]),),
        families=("regenerate",),
        pairs=2,
        batch=2,
    )
    train(config, tmp_path / "run", every=1, workers=0)
    weights = tmp_path / "weights"
    weights.mkdir()
    path = export(tmp_path / "run", weights)
    session = ort.InferenceSession(path)
    for n in (1, 5):
        logit, where = session.run(
            ["logit", "where"], {"rgb": np.zeros((n, 192, 192, 3), np.uint8)}
        )
        assert logit.shape == (n,)
        assert where.shape == (n, 12, 12)
        assert 0 <= where.min() <= where.max() <= 1
    card = json.loads((weights / "learned.json").read_text())
    assert card["training"]["config"]["train"] == ["train.parquet"]
    assert str(tmp_path) not in json.dumps(card)


def test_the_card_names_what_a_training_went_on_from(
    collected: tuple[Path, Path], tmp_path: Path
) -> None:
    first = Config(train=(str(collected[0]),), dev=(), families=("regenerate",), pairs=2, batch=2)
    train(first, tmp_path / "first", every=1, workers=0)
    train(
        replace(first, start=str(tmp_path / "first"), seed=2),
        tmp_path / "second",
        every=1,
        workers=0,
    )
    weights = tmp_path / "weights"
    weights.mkdir()
    export(tmp_path / "second", weights)
    card = json.loads((weights / "learned.json").read_text())
    assert card["training"]["config"]["start"] == "first"
    assert card["training"]["start"]["config"]["seed"] == 1
    assert "ImageNet" in card["training"]["start"]["start"]
    assert str(tmp_path) not in json.dumps(card)
