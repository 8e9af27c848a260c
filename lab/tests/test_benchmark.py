from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from unmask_lab.benchmark import benchmark
from unmask_lab.benchmark.coverage import risk_coverage
from unmask_lab.benchmark.detection import figures, paired
from unmask_lab.benchmark.measured import Faces, measure
from unmask_lab.benchmark.subgroups import typology_angle
from unmask_lab.data import DataError, Row
from unmask_lab.degrade import Degradation
from unmask_lab.examples import told_apart
from unmask_lab.forge import FAMILIES as KNOWN

from unmask import models
from unmask.faces import CROP_PX
from unmask.messages import read as read_message
from unmask.verdict import Rules

FAMILIES = tuple(KNOWN)
WAYS = {"as it is": Degradation(), "JPEG 30": Degradation(jpeg=30)}


@pytest.fixture
def others(rows: list[Row]) -> list[Row]:
    """Makes a set as others might: each person, and the same with the next one's face over it."""
    swapped = [
        replace(row, label=1, jpeg=rows[i - 1].jpeg, clip=f"swap{i}", made_from=row.clip)
        for i, row in enumerate(rows)
    ]
    return [replace(row, source="others") for row in (*rows, *swapped)]


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies the shipped weights, whose card may be written to."""
    folder = tmp_path / "weights"
    shutil.copytree(models.WEIGHTS, folder)
    monkeypatch.setattr(models, "WEIGHTS", folder)
    return folder


def faces(**columns: Any) -> Faces:
    """Makes faces of one person each, good enough to be judged unless said otherwise."""
    n = len(columns["label"])
    common = {
        "way": "as it is",
        "family": "",
        "source": "test",
        "original": "",
        "size_px": 200.0,
        "sharpness": 0.1,
    }
    common |= {"yaw": 0.0, "blockiness": 1.0, "typology": np.nan, "agreement": np.nan, "score": 0.0}
    full = {
        **{name: [value] * n for name, value in common.items()},
        "identity": [str(i) for i in range(n)],
        **columns,
    }
    return Faces(**{name: np.array(column) for name, column in full.items()})


def test_every_face_goes_every_way_and_knows_its_original(rows: list[Row]) -> None:
    found = measure(rows[:3], ("self_blend", "local_edit"), WAYS, processes=0)
    assert len(found) == 3 * 3 * 2
    assert list(found.way[:6]) == ["as it is"] * 3 + ["JPEG 30"] * 3
    assert list(found.family[:3]) == ["", "self_blend", "local_edit"]
    assert list(found.original) == ["0"] * 6 + ["1"] * 6 + ["2"] * 6
    assert set(found.identity) == {row.identity for row in rows[:3]}
    assert np.isfinite(found.agreement).sum() > 0
    assert np.isnan(found.agreement[found.label == 0]).all()


def test_sharing_the_work_changes_nothing(rows: list[Row]) -> None:
    alone = measure(rows[:2], ("regenerate",), WAYS, processes=0)
    shared = measure(rows[:2], ("regenerate",), WAYS, processes=1)
    assert list(alone.family) == list(shared.family)
    assert alone.score == pytest.approx(shared.score, abs=1e-4)


def test_a_swap_that_failed_is_left_out(rows: list[Row]) -> None:
    failed = replace(rows[0], label=1, clip="failed", made_from=rows[0].clip)
    swapped = replace(rows[1], label=1, clip="swapped", made_from=rows[0].clip)
    found = measure(
        told_apart([rows[0], failed, swapped]), (), {"as it is": Degradation()}, processes=0
    )
    assert list(found.label) == [0, 1]
    assert list(found.original) == ["0", "0"]


@pytest.mark.parametrize(
    ("lab", "angle"), [((65, 12, 17), 41.4), ((40, 10, 15), -33.7), ((75, 0, 0), np.nan)]
)
def test_the_typology_angle_of_a_plain_colour(
    lab: tuple[float, float, float], angle: float
) -> None:
    rgb = cv2.cvtColor(np.full((CROP_PX, CROP_PX, 3), lab, np.float32), cv2.COLOR_LAB2RGB)
    crop = (np.clip(rgb, 0, 1) * 255).round().astype(np.uint8)
    assert typology_angle(crop) == pytest.approx(angle, abs=2, nan_ok=True)


def test_a_fake_is_compared_with_its_own_original_gone_the_same_way() -> None:
    found = faces(
        label=[0, 1, 0, 1, 1],
        way=["as it is", "as it is", "JPEG 30", "JPEG 30", "as it is"],
        original=["0", "0", "0", "0", "-1"],
        score=[1.0, 2.0, 4.0, 3.0, 9.0],
    )
    pairs, above = paired(found)
    assert list(pairs) == [1, 3]
    assert list(above) == [True, False]


def test_figures_of_scores_that_are_known() -> None:
    found = faces(
        label=[0, 0, 1, 1],
        score=[0.0, 1.0, 2.0, 3.0],
        sharpness=[0.1, 0.3, 0.2, 0.4],
        original=["a", "b", "a", "b"],
    )
    row = figures(
        "family", "a", "as it is", found, np.array([0.0, 1.5, 0.5, 2.0]), np.ones(4, bool)
    )
    values = {
        key: row[key]["value"]
        for key in ("auc", "eer", "tpr_at_1_fpr", "paired", "false_alarms", "found")
    }
    assert values == {
        "auc": 1,
        "eer": 0,
        "tpr_at_1_fpr": 1,
        "paired": 1,
        "false_alarms": 0.5,
        "found": 0.5,
    }
    assert row["blurrier_is_changed"]["value"] == 0.25
    assert (row["bona_fide"], row["changed"], row["people"]) == (2, 2, 4)


def test_the_rule_answers_what_the_verdict_would_answer() -> None:
    """Checks an answer of each sort.

    Bona fide: a false alarm, a right answer, none (weak), none (small). Changed: found, missed,
    none (weak, blurred).
    """
    found = faces(
        label=[0, 0, 0, 0, 1, 1, 1, 1],
        size_px=[200.0, 200.0, 200.0, 20.0, 200.0, 200.0, 200.0, 200.0],
        sharpness=[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.001],
    )
    lr = np.array([2.0, -0.1, 0.5, -0.1, 2.0, -0.1, 0.5, 2.0])
    result = risk_coverage(found, lr)
    expected = {"coverage": 0.5, "risk": 0.5, "false_alarms": 0.25, "found": 0.25, "missed": 0.25}
    assert {key: result["rule"][key] for key in expected} == pytest.approx(expected)
    assert result["every face"][-1]["coverage"] == pytest.approx(1)
    assert result["judged faces"][-1]["coverage"] == pytest.approx(0.75)


def test_the_best_thresholds_cost_no_more_than_the_rule() -> None:
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 300)
    lr = rng.normal(size=600) + np.where(label == 1, 0.7, -0.7)
    result = risk_coverage(faces(label=label), lr, Rules())
    rule, best = result["rule"], result["best"]
    assert best["coverage"] >= rule["coverage"]
    assert best["risk"] <= rule["risk"]
    assert best["false_alarms"] <= rule["false_alarms"]
    assert result["as many"]["coverage"] == pytest.approx(rule["coverage"], abs=0.02)
    risk = [answer["risk"] for answer in result["judged faces"]]
    assert np.mean(risk[:20]) < risk[-1]


def test_benchmark_writes_a_page_figures_plots_and_the_card(
    rows: list[Row], others: list[Row], weights: Path, tmp_path: Path
) -> None:
    """Runs on twelve people and the shipped network: only the shape of the figures is checked."""
    docs = tmp_path / "docs"
    swapped = [replace(row, source="three pairs") for row in others]
    result = benchmark(rows, others, docs, weights, FAMILIES, WAYS, processes=0, swapped=swapped)
    sets = {(row["set"], row["way"]) for row in result["rows"]}
    assert sets == {(name, way) for name in (*FAMILIES, "others", "three pairs") for way in WAYS}
    for row in (*result["rows"], *result["groups"]):
        assert row["auc"]["low"] <= row["auc"]["value"] <= row["auc"]["high"]
        assert 0 <= row["eer"]["value"] <= 1
    assert {row["kind"] for row in result["groups"]} >= {"source", "face width", "sharpness"}
    assert result["cpu_ms"] > 0
    page = (docs / "benchmark.md").read_text()
    assert "| self_blend | JPEG 30 | 12 / 12 | 12 |" in page
    assert "**others set, made by others**" in page
    assert "three pairs, never trained on" in page
    written = json.loads(
        (docs / "benchmark.json").read_text(),
        parse_constant=lambda name: pytest.fail(f"{name} in JSON"),
    )
    assert written["rows"][0]["auc"]["value"] == pytest.approx(
        result["rows"][0]["auc"]["value"], rel=1e-3
    )
    for name in ("accuracy.png", "reliability.png", "coverage.png"):
        assert cv2.imread(str(docs / name)) is not None
        assert (docs / name).stat().st_size < 100_000
    card = models.card("learned")
    assert "AUC was" in str(read_message(card["limits"][0]))
    assert {row["way"] for row in card["figures"]["rows"]} == {"as it is"}


def test_what_cannot_be_measured_is_refused_with_the_reason(
    rows: list[Row], others: list[Row], weights: Path, tmp_path: Path
) -> None:
    fakes = [row for row in others if row.label == 1]
    for portraits, foreign, families, reason in (
        (rows[:1], others, FAMILIES, "fewer than two people"),
        (rows, [], FAMILIES, "made by others is empty"),
        (rows, fakes, FAMILIES, "'others' holds no bona fide face"),
        (
            rows,
            [row for row in others if row.label == 0],
            FAMILIES,
            "'others' holds no changed face",
        ),
        (
            rows,
            [*rows, *(replace(f, jpeg=r.jpeg) for f, r in zip(fakes, rows, strict=True))],
            FAMILIES,
            "no changed face",
        ),
        (rows, others, FAMILIES[1:], "trained on self_blend"),
    ):
        with pytest.raises(DataError, match=reason):
            benchmark(portraits, foreign, tmp_path / "docs", weights, families, WAYS, processes=0)
    assert not (tmp_path / "docs").exists()
