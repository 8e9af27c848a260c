from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import faces_for_tests
import numpy as np
import onnxruntime as ort
import pytest
from unmask_lab import metrics
from unmask_lab.benchmark import benchmark
from unmask_lab.calibrate import _logistic, calibrate
from unmask_lab.clips import clips
from unmask_lab.data import Row, decode, read
from unmask_lab.degrade import Degradation
from unmask_lab.export import export
from unmask_lab.train import Config, train

from unmask import likelihood, models


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
    assert metrics.ece(llr, label, np.ones(8000)) < 0.03
    assert metrics.cllr(llr, label, np.ones(8000)) < metrics.cllr(3 * llr, label, np.ones(8000)) < 1


def test_saying_nothing_costs_one_bit() -> None:
    assert metrics.cllr(np.zeros(10), np.repeat([0, 1], 5), np.ones(10)) == pytest.approx(1)


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


def test_calibrate_and_benchmark_write_what_the_runtime_reads(
    collected: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On twelve people and the shipped network: the figures mean nothing here, their shape does."""
    portraits = read([collected[0]])
    swapped = [replace(row, label=1, jpeg=portraits[i - 1].jpeg, clip=f"swap{i}") for i, row in enumerate(portraits)]
    others = [replace(row, source="others") for row in (*portraits, *swapped)]
    weights = tmp_path / "weights"
    shutil.copytree(models.WEIGHTS, weights)
    monkeypatch.setattr(models, "WEIGHTS", weights)
    monkeypatch.setattr("unmask_lab.benchmark.NAMED", {"as it is": Degradation(), "JPEG 30": Degradation(jpeg=30)})
    line = calibrate(portraits, others, weights)["lines"]["learned"]
    assert 0.05 <= line["missed"] <= 0.95
    assert line["bound"] == pytest.approx(np.log10(12))
    likelihood.calibrations.cache_clear()
    assert likelihood.calibrations()["learned"].bound == line["bound"]
    result = benchmark(portraits, others, tmp_path / "docs", weights)
    sets = [(row["set"], row["way"]) for row in result["rows"]]
    assert ("self_blend", "JPEG 30") in sets
    assert sets[-1] == ("research set (never trained on)", "JPEG 30")
    assert all(0 <= row["interval"][0] <= row["auc"] <= row["interval"][1] <= 1 for row in result["rows"])
    assert "AUC was" in models.card("learned")["limits"][0]
    assert "| self_blend | JPEG 30 | 12 / 12 | 12 |" in (tmp_path / "docs" / "benchmark.md").read_text()
    likelihood.calibrations.cache_clear()


def test_simulated_clips_are_counted_once_each(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unmask_lab.clips.FAMILIES", ("other_face",))
    double = [
        replace(row, points=row.points * 2, jpeg=faces_for_tests.jpeg(cv2.resize(decode(row.jpeg), None, fx=2, fy=2)))
        for row in rows[:2]
    ]
    text = clips(double, tmp_path, people=1)
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")][2:]
    assert [line[0] for line in table] == ["bona fide", "other_face"]
    assert all(sum(map(int, line[1:4])) == 1 for line in table)
    assert (tmp_path / "clips.md").read_text() == text
