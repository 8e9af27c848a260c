from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from unmask_lab import metrics
from unmask_lab.calibrate import _cllr, _ece, _logistic
from unmask_lab.export import export
from unmask_lab.train import Config, train


def test_auc_by_hand() -> None:
    assert metrics.auc([1, 2, 3], [4, 5]) == 1
    assert metrics.auc([1, 2, 3], [2]) == pytest.approx(0.5)
    assert metrics.auc([4, 5], [1, 2, 3]) == 0


def test_the_interval_resamples_people_and_holds_the_truth() -> None:
    rng = np.random.default_rng(0)
    values, people = rng.normal(size=400), [str(i // 2) for i in range(400)]
    low, high = metrics.interval(lambda drawn: float(values[drawn].mean()), people)
    assert low < values.mean() < high
    assert 0.1 < high - low < 0.3


def test_logistic_regression_finds_the_likelihood_ratio_of_two_normals() -> None:
    """Of scores N(-1, 1) and N(1, 1), the ln LR is exactly twice the score."""
    rng = np.random.default_rng(1)
    label = np.repeat([0, 1], 4000)
    score = rng.normal(size=8000) + np.where(label == 1, 1, -1)
    design = np.column_stack([np.ones(8000), score])
    intercept, slope = _logistic(design, label, np.ones(8000))
    assert abs(intercept) < 0.15
    assert slope == pytest.approx(2, abs=0.15)
    llr = design @ [0, 2]
    assert _ece(llr, label, np.ones(8000)) < 0.03
    assert _cllr(llr, label, np.ones(8000)) < _cllr(3 * llr, label, np.ones(8000)) < 1


def test_saying_nothing_costs_one_bit() -> None:
    assert _cllr(np.zeros(10), np.repeat([0, 1], 5), np.ones(10)) == pytest.approx(1)


def test_export_serves_what_was_trained(collected: tuple[Path, Path], tmp_path: Path) -> None:
    config = Config(train=(str(collected[0]),), dev=(str(collected[1]),), families=("regenerate",), pairs=2, batch=2)
    train(config, tmp_path / "run", every=1, workers=0)
    weights = tmp_path / "weights"
    weights.mkdir()
    path = export(tmp_path / "run", weights)
    session = ort.InferenceSession(path)
    for n in (1, 5):
        logit, where = session.run(["logit", "where"], {"rgb": np.zeros((n, 192, 192, 3), np.uint8)})
        assert logit.shape == (n,)
        assert where.shape == (n, 12, 12)
        assert 0 <= where.min() <= where.max() <= 1
    card = json.loads((weights / "learned.json").read_text())
    assert card["training"]["config"]["train"] == ["train.parquet"]
    assert str(tmp_path) not in json.dumps(card)
