from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from unmask_lab.compare import WAYS, compare, cpu_ms, plan
from unmask_lab.data import DataError, Row
from unmask_lab.held_out import RESEARCH, hold_out
from unmask_lab.nets import NETS, SEE_CLOSE_UPS
from unmask_lab.train import Config

FAMILIES = ("self_blend", "regenerate")


@pytest.fixture
def config(collected: tuple[Path, Path]) -> Config:
    return Config((str(collected[0]),), (), families=FAMILIES, pairs=2, batch=2)


@pytest.fixture
def others(rows: list[Row]) -> list[Row]:
    """Returns bona fide faces, and changed ones: the same with the next person's picture."""
    swapped = [
        replace(row, label=1, jpeg=rows[i - 1].jpeg, clip=f"swap{i}", made_from=row.clip)
        for i, row in enumerate(rows)
    ]
    return [*rows, *swapped]


def test_each_run_differs_from_the_reference_in_one_thing(config: Config) -> None:
    runs = plan(config)
    assert runs["without regenerate"] == replace(config, families=("self_blend",))
    assert {run.net for run in runs.values()} == set(NETS) - SEE_CLOSE_UPS, (
        "rivals see what the detector sees"
    )


def test_a_set_pairs_every_forgery_with_its_bona_fide_faces(
    rows: list[Row], others: list[Row]
) -> None:
    faces = hold_out(rows, others, FAMILIES, ("as it is", "JPEG 30"), at_most=4)
    assert set(faces.sets) == {
        (name, way) for name in (*FAMILIES, RESEARCH) for way in ("as it is", "JPEG 30")
    }
    assert faces.counts(("regenerate", "JPEG 30")) == {"bona_fide": 4, "changed": 4, "people": 4}
    plain, encoded = (faces.sets["regenerate", way] for way in ("as it is", "JPEG 30"))
    assert np.array_equal(faces.identities[plain], faces.identities[encoded])
    assert not np.array_equal(faces.crops[plain], faces.crops[encoded])
    assert len(faces.sets[RESEARCH, "as it is"]) == 8


def test_the_same_seed_forges_the_same_faces(rows: list[Row]) -> None:
    first, second, other = (
        hold_out(rows, [], FAMILIES, ("noise 8",), 3, seed).crops for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_figures_of_scores_that_are_known(rows: list[Row]) -> None:
    faces = hold_out(rows, [], FAMILIES, ("as it is",), at_most=12)
    right = faces.label.astype(float)
    half = np.where(
        np.isin(np.arange(right.size), faces.sets["self_blend", "as it is"]), 0.0, right
    )
    both = [(family, "as it is") for family in FAMILIES]
    assert faces.figures(right, both) == {"auc": [1, 1, 1], "found": [1, 1, 1]}
    assert faces.figures(half, both[:1])["auc"][0] == 0.5
    assert faces.figures(half, both)["auc"][0] == 0.75


def test_a_larger_network_takes_longer() -> None:
    meso, detector = (cpu_ms(NETS[name](), faces=2, rounds=2) for name in ("meso4", "detector"))
    assert 0 < meso < detector


def test_compare_trains_every_run_once_and_writes_a_page(
    config: Config, rows: list[Row], others: list[Row], tmp_path: Path
) -> None:
    """Runs on twelve people and one pair: only the shape of the figures is checked."""
    runs = {name: run for name, run in plan(config).items() if "ception" not in name}
    held = [replace(row, identity=f"held out {row.identity}") for row in rows]
    theirs = [replace(row, identity=f"another {row.identity}") for row in others]
    result = compare(runs, held, theirs, tmp_path / "runs", tmp_path / "docs", at_most=3, workers=0)
    assert set(runs) < set(result["runs"])
    for run in result["runs"].values():
        for way in WAYS:
            for name in (*FAMILIES, "mean", RESEARCH):
                value, low, high = run["figures"][way][name]["auc"]
                assert 0 <= low <= value <= high <= 1
    assert result["runs"]["meso4"]["parameters"] == 20_809
    page = (tmp_path / "docs" / "compare.md").read_text()
    assert page.count("### ") == len(WAYS)
    assert json.loads((tmp_path / "docs" / "compare.json").read_text())["pairs"] == 2
    assert (tmp_path / "docs" / "compare.png").stat().st_size > 1000

    checkpoint = tmp_path / "runs" / "without-regenerate" / "checkpoint.pt"
    written = checkpoint.stat().st_mtime_ns
    again = compare(runs, held, theirs, tmp_path / "runs", tmp_path / "docs", at_most=3, workers=0)
    assert checkpoint.stat().st_mtime_ns == written
    for name, run in again["runs"].items():
        assert run["figures"] == result["runs"][name]["figures"]

    finished = {"learned": tmp_path / "runs" / "all-families"}
    beside = compare(
        runs,
        held,
        theirs,
        tmp_path / "runs",
        tmp_path / "docs",
        at_most=3,
        workers=0,
        finished=finished,
    )
    assert beside["runs"]["learned"] == beside["runs"]["all families"]
    assert "## Trained longer" in (tmp_path / "docs" / "compare.md").read_text()
    with pytest.raises(DataError, match="on both sides"):
        compare(runs, held, others, tmp_path / "runs", tmp_path / "docs", at_most=3, workers=0)

    other = {name: replace(run, seed=2) for name, run in runs.items()}
    with pytest.raises(DataError, match="another config"):
        compare(other, held, theirs, tmp_path / "runs", tmp_path / "docs", at_most=3, workers=0)
