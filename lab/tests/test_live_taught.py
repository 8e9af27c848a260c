"""Network of the live check: its lessons, what it learns, and its export to the runtime."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from unmask_lab.cli import main
from unmask_lab.live.sessions import HONEST
from unmask_lab.live.taught import (
    ROUND,
    Course,
    Lessons,
    Shape,
    case_of,
    export,
    lessons,
    served,
    taken,
    train,
    validating,
)

from unmask.live import shape, signals
from unmask.models import WEIGHTS

COURSE = Course(sessions=8, members=2, width=8, steps=120, batch=64)
CELLS = int(signals.face_cells().sum())


@pytest.fixture(scope="module")
def made_up() -> Lessons:
    """Makes lessons without simulation.

    Faces have a slope across that is odd from side to side, all else has noise alone.
    """
    random, cases = (
        np.random.default_rng(1),
        [case_of(1, number) for number in range(20 * len(ROUND))],
    )
    maps = random.normal(0, 0.3, (len(cases), 6, CELLS)).astype(np.float32)
    column = np.nonzero(signals.face_cells())[1]
    sides = np.sign(column - column.mean()).astype(np.float32)
    maps[[case.kind == HONEST for case in cases], 1] += sides
    return Lessons(maps, random.normal(0, 1, (len(cases), 9)).astype(np.float32), cases)


@pytest.fixture(scope="module")
def net(made_up: Lessons) -> Shape:
    return train(made_up, ~validating(made_up), COURSE)


def test_it_tells_faces_it_was_not_taught(net: Shape, made_up: Lessons) -> None:
    found = taken(net, made_up, validating(made_up))
    assert found.pop(HONEST)["value"] > 0.95
    assert max(of["value"] for of in found.values()) < 0.05


def test_a_kind_that_never_taught_is_told_by_what_faces_have(made_up: Lessons) -> None:
    never = np.array([case.kind == "flat tint" for case in made_up.cases])
    found = taken(train(made_up, ~never, COURSE), made_up, never)
    assert found["flat tint"]["n"] == never.sum()
    assert found["flat tint"]["value"] < 0.1


def test_the_exported_network_computes_the_same_and_says_nothing_of_this_machine(
    net: Shape, made_up: Lessons, tmp_path: Path
) -> None:
    shutil.copy(WEIGHTS / "weights.json", tmp_path)
    export(net, tmp_path)
    one = ort.InferenceSession(tmp_path / "shape.onnx")
    maps, figures = (
        np.concatenate([made_up.maps, shape.mirrored(made_up.maps)]),
        np.tile(made_up.figures, (2, 1)),
    )
    got = (
        one.run(None, {"maps": maps, "figures": figures})[0]
        .mean(axis=1)
        .reshape(2, -1)
        .mean(axis=0)
    )
    np.testing.assert_allclose(got, served(net, made_up), atol=1e-3)
    assert not any(node.metadata_props for node in onnx.load(tmp_path / "shape.onnx").graph.node)
    assert set(json.loads((tmp_path / "weights.json").read_text())) >= {"shape", "learned"}
    assert json.loads((tmp_path / "shape.json").read_text())["sha256"]


def test_lessons_are_simulated_once(tmp_path: Path) -> None:
    first = lessons([], tmp_path, replace(COURSE, sessions=3), workers=1)
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = lessons([], tmp_path, replace(COURSE, sessions=3), workers=1)
    assert len(kept) == 3
    assert kept == {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert np.array_equal(first.maps, again.maps)
    assert {case.kind for case in first.cases} <= set(ROUND)


def test_without_a_data_set_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        main(["live-shape", "--faces", str(tmp_path / "none.parquet"), "--out", str(tmp_path)])
    assert "none.parquet: no such file" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [HONEST, "mask"])
def test_only_attacks_that_teach_can_be_left_out(kind: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["live-shape", "--faces", str(tmp_path / "none.parquet"), "--without", kind])
