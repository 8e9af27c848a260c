"""Named lines in the lab: their small models fitted and served, their pages written.

There are twelve people, so accuracy is not checked.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from unmask_lab.benchmark.lines import fused, lines, pick
from unmask_lab.benchmark.motion import motion
from unmask_lab.calibrate import Measured, measured
from unmask_lab.data import DataError, Row
from unmask_lab.degrade import Degradation, as_it_comes
from unmask_lab.examples import forged
from unmask_lab.line_models import fit_lines

from unmask import feature_models, models
from unmask.evidence import chosen

ONE = {("texture",): ("texture",)}


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Copies the shipped weights, which may be written to."""
    folder = tmp_path / "weights"
    shutil.copytree(models.WEIGHTS, folder)
    monkeypatch.setattr(models, "WEIGHTS", folder)
    models.known.cache_clear()
    feature_models.load.cache_clear()
    yield folder
    monkeypatch.undo()
    models.known.cache_clear()
    feature_models.load.cache_clear()


@pytest.fixture(scope="module")
def faces(rows: list[Row]) -> Measured:
    examples = [
        e for k in range(2) for e in forged(rows, ("regenerate", "other_face"), as_it_comes, seed=k)
    ]
    return measured([[e] for e in examples], chosen(("texture", "skin")))


def test_models_are_fitted_entered_and_served(rows: list[Row], weights: Path) -> None:
    written = fit_lines([*rows, *rows], 24, weights, seed=1)
    assert written.keys() == {"texture", "skin"}
    models.known.cache_clear()
    for name, model in written.items():
        served = feature_models.load(name)
        assert {key: term.weight for key, term in served.terms.items()} == {
            key: term["weight"] for key, term in model["terms"].items()
        }
        assert min(term.weight for term in served.terms.values()) >= 0
        assert model["fitted_on"]["people"] <= 12
        assert set(json.loads((weights / "weights.json").read_text())) >= {
            "learned",
            f"{name}.json",
        }


def test_too_few_faces_are_refused(rows: list[Row], weights: Path) -> None:
    with pytest.raises(DataError, match="fewer than 20"):
        fit_lines(rows[:6], 6, weights, seed=1)


def test_a_face_is_judged_by_the_lines_that_read_it(faces: Measured) -> None:
    read = faces.scores["texture"].copy()
    read[::4] = np.nan
    gaps = Measured(faces.examples, {**faces.scores, "texture": read})
    neither = np.isnan(read) & np.isnan(faces.scores["skin"])
    assert pick(gaps, ("texture", "skin")).keys() == {("texture",), ("skin",), ("texture", "skin")}
    ours, theirs = fused(gaps, gaps, pick(gaps, ("texture", "skin")))
    assert np.array_equal(np.isnan(ours), neither)
    assert np.array_equal(np.isnan(theirs), neither)


def test_a_family_left_out_is_judged_without_it(faces: Measured) -> None:
    family = np.array([e.family for e in faces.examples])
    (whole, _), (apart, _) = (fused(faces, faces, ONE, name) for name in ("", "regenerate"))
    read = np.isfinite(whole)
    assert not np.allclose(whole[read], apart[read])
    absent = Measured(
        [e for e in faces.examples if e.family != "regenerate"],
        {name: score[family != "regenerate"] for name, score in faces.scores.items()},
    )
    others = read & (family != "regenerate")
    assert fused(absent, absent, ONE)[0][others[family != "regenerate"]] == pytest.approx(
        apart[others], abs=1e-3
    )


def test_the_page_has_every_line_way_and_set(rows: list[Row], tmp_path: Path) -> None:
    swapped = [
        replace(row, label=1, jpeg=rows[i - 1].jpeg, clip=f"swap{i}", made_from=row.clip)
        for i, row in enumerate(rows)
    ]
    others = [replace(row, source="others") for row in (*rows, *swapped)]
    text = lines(rows, others, tmp_path, {"as it is": Degradation()})
    assert text == (tmp_path / "lines.md").read_text()
    assert (
        "| set | way | learned | read | texture | read | skin | read | reflection | read |" in text
    )
    assert text.count("**research set**") == 2
    assert "source others" in text


def test_the_motion_page_says_that_it_is_simulated(rows: list[Row], tmp_path: Path) -> None:
    text = motion(rows, tmp_path, people=3)
    assert "Simulated" in text
    assert [line.split(" | ")[1] for line in text.splitlines() if line.startswith("| 0.1")] == [
        "stretch",
        "flicker",
        "steady",
    ]
