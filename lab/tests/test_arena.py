from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from unmask_lab.arena import Ground, arena, ground, strongest, worst
from unmask_lab.data import DataError, Row
from unmask_lab.degrade import Degradation
from unmask_lab.train import Config, load, train

FAMILIES = ("self_blend", "regenerate")
WAYS = {"as it is": Degradation(), "JPEG 30": Degradation(jpeg=30)}


@pytest.fixture
def few_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("arena", "held_out", "degrade"):
        monkeypatch.setattr(f"unmask_lab.{module}.NAMED", WAYS)


@pytest.fixture
def on(rows: list[Row], few_ways: None) -> Ground:
    held = [replace(row, identity=f"held out {row.identity}") for row in rows]
    swapped = [
        replace(row, label=1, jpeg=rows[i - 1].jpeg, clip=f"swap{i}") for i, row in enumerate(rows)
    ]
    return ground(held, [*rows, *swapped], FAMILIES, at_most=4)


@pytest.fixture
def config(collected: tuple[Path, Path], tmp_path: Path) -> Config:
    """Returns the config of a round; the detector that enters has been trained on two pairs."""
    enters = Config((str(collected[0]),), (str(collected[1]),), families=FAMILIES, pairs=2, batch=2)
    train(enters, tmp_path / "enters", every=1, workers=0)
    return replace(enters, start=str(tmp_path / "enters"))


def test_attacker_and_league_share_nobody(on: Ground) -> None:
    assert not set(on.attacker.identities) & set(on.league.identities)
    assert (
        set(on.attacker.sets)
        == set(on.league.sets)
        == {(family, way) for family in FAMILIES for way in WAYS}
    )


def test_one_person_is_no_arena(rows: list[Row]) -> None:
    with pytest.raises(DataError, match="at least two people"):
        ground(rows[:1], [], FAMILIES)


class _Blind(torch.nn.Module):
    """Network that knows every crop but those of one attack, whose fakes it takes for bona fide."""

    def __init__(self, on: Ground, blind: tuple[str, str]) -> None:
        super().__init__()
        faces = on.attacker
        known = faces.label.astype(float)
        known[faces.sets[blind]] = 0
        self.logit = {crop.tobytes(): value for crop, value in zip(faces.crops, known, strict=True)}

    def forward(self, rgb: torch.Tensor) -> tuple[torch.Tensor, None]:
        return torch.tensor([self.logit[crop.numpy().tobytes()] for crop in rgb]), None


@pytest.mark.parametrize("blind", [("self_blend", "JPEG 30"), ("regenerate", "as it is")])
def test_the_attacker_finds_the_blind_spot(on: Ground, blind: tuple[str, str]) -> None:
    assert strongest(_Blind(on, blind), on.attacker, close=False) == (blind, 0.5)


def test_rounds_follow_each_other_resume_and_repeat(
    config: Config, on: Ground, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs on twelve people and two pairs a round.

    The figures mean nothing here; the order of events does.
    """
    out, docs = tmp_path / "arena", tmp_path / "docs"
    first = arena(config, on, 1, out, docs, workers=0)
    (tmp_path / "enters" / "checkpoint.pt").unlink()
    record = arena(config, on, 2, out, docs, workers=0)
    assert record["rounds"][:2] == first["rounds"]
    assert len(record["rounds"]) == 3
    _, about = load(out / "round-2")
    assert about["config"]["start"] == str(out / "round-1")
    assert [list(attack) for attack in about["config"]["attacks"]] == [
        one["attack"] for one in record["rounds"][1:]
    ]
    for standing in record["rounds"]:
        attack, (value, low, high) = worst(standing)
        assert attack in on.league.sets
        assert 0 <= low <= value <= high <= 1
        assert value <= standing["mean"]["auc"][0] <= 1

    page = (docs / "arena.md").read_text()
    table = [line for line in page.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in table[2:]] == ["| 0", "| 1", "| 2"]
    assert json.loads((docs / "arena.json").read_text()) == record
    assert (docs / "arena.png").stat().st_size > 1000

    with pytest.raises(DataError, match="another config"):
        arena(replace(config, pairs=4), on, 2, out, docs, workers=0)


def test_the_same_seed_fights_the_same_fight(config: Config, on: Ground, tmp_path: Path) -> None:
    one, two = (
        arena(config, on, 1, tmp_path / name, tmp_path / name, workers=0) for name in ("one", "two")
    )
    assert one["rounds"][1]["attack"] == two["rounds"][1]["attack"]
    values = [
        np.array([figures["auc"] for *_, figures in fight["rounds"][1]["attacks"]])
        for fight in (one, two)
    ]
    assert np.allclose(*values, atol=0.05)


def test_without_a_detector_nobody_enters(config: Config, on: Ground, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no checkpoint"):
        arena(
            replace(config, start=str(tmp_path / "nobody")),
            on,
            1,
            tmp_path / "arena",
            tmp_path / "docs",
        )
