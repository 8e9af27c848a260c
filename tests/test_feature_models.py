"""Small models of named measurements: weights, monotone scores, refusal of changed files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask import feature_models, models
from unmask.errors import WeightsError
from unmask.feature_models import MOST, FeatureModel, Term

MODEL = FeatureModel(
    -0.5,
    {"soft": Term(1.0, 0.5, 0.4), "noisy": Term(0.0, 1.0, 0.1), "idle": Term(0.0, 1.0, 0.0)},
    0.5,
)
VALUES = st.fixed_dictionaries({name: st.floats(-1e6, 1e6) for name in MODEL.terms})


def test_the_mean_bona_fide_face_has_the_intercept_for_a_score() -> None:
    assert MODEL.score({"soft": 1.0, "noisy": 0.0, "idle": 9.0}) == -0.5


@given(VALUES, st.sampled_from(sorted(MODEL.terms)), st.floats(0, 1e6))
def test_a_larger_measurement_never_lowers_the_score(
    values: dict[str, float], name: str, more: float
) -> None:
    assert MODEL.score({**values, name: values[name] + more}) >= MODEL.score(values)


@given(VALUES)
def test_no_measurement_adds_more_than_its_bound(values: dict[str, float]) -> None:
    parts = MODEL.parts(values)
    assert all(abs(parts[name]) <= MOST * term.weight for name, term in MODEL.terms.items())


def test_a_reason_is_what_adds_most_and_is_given_only_where_the_score_is_notable() -> None:
    assert MODEL.reason({"soft": 2.0, "noisy": 1.9, "idle": 9.0}) is None
    assert MODEL.reason({"soft": 2.25, "noisy": 0.0, "idle": 9.0}) == "soft"
    assert MODEL.reason({"soft": 2.0, "noisy": 4.0, "idle": 9.0}) == "soft"


@pytest.mark.parametrize("name", ["texture", "skin"])
def test_the_shipped_models_weigh_nothing_against_themselves(name: str) -> None:
    assert all(
        term.weight >= 0 and term.spread > 0 for term in feature_models.load(name).terms.values()
    )


def test_a_changed_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(models.WEIGHTS, tmp_path / "weights")
    monkeypatch.setattr(models, "WEIGHTS", tmp_path / "weights")
    feature_models.load.cache_clear()
    changed = tmp_path / "weights" / "skin.json"
    changed.write_text(changed.read_text().replace('"weight": 0.', '"weight": 9.'))
    with pytest.raises(WeightsError, match=r"skin\.json: its sha256"):
        feature_models.load("skin")
    assert feature_models.load("texture").terms
    feature_models.load.cache_clear()
