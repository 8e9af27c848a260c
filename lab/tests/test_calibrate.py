"""Joint calibration over lines, and a detector from PyTorch added, calibrated and served."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import cv2
import faces_for_tests
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from unmask_lab.calibrate import (
    FEWEST,
    Measured,
    calibrate,
    holds,
    improves_cllr,
    logistic,
    slopes,
    weakened,
)
from unmask_lab.cli import main
from unmask_lab.collect import collect
from unmask_lab.data import DataError, Row, read
from unmask_lab.degrade import as_it_comes
from unmask_lab.examples import Example, forged
from unmask_lab.forge import FAMILIES

from unmask import calibrations, likelihood, models
from unmask.classifiers import known
from unmask.evidence import LINES, available, examine
from unmask.faces import CLOSE_UP_PX, TEMPLATE
from unmask.likelihood import LN10, features
from unmask.types import Case, Face, Kind, MediaFacts, Quality, Sighting, Track
from unmask.verdict import judge

QUALITY = Quality(size_px=128.0, sharpness=0.05, yaw=0.1, blockiness=1.0)


CARD = {
    "input": {
        "size": 96,
        "layout": "nchw",
        "colour": "rgb",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.25, 0.25, 0.25],
    },
    "output": {"name": "classes", "changed": 1, "is": "softmax"},
    "licence": "Apache-2.0",
    "origin": "this test",
}


@pytest.fixture(scope="session")
def detector(collected: tuple[Path, Path]) -> nn.Module:
    """Trains a small detector of bona fide and changed faces, for some seconds on six people."""
    examples = [
        e
        for k in range(3)
        for e in forged(read([collected[1]]), tuple(FAMILIES), as_it_comes, seed=k)
    ]
    faces, label = (
        prepared(np.stack([e.crop for e in examples])),
        torch.tensor([e.label for e in examples]),
    )
    torch.manual_seed(0)
    net = nn.Sequential(
        *(
            nn.Conv2d(3, 8, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
        ),
        *(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 2)),
    )
    steps = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(120):
        steps.zero_grad()
        nn.functional.cross_entropy(
            net(faces), label, weight=torch.tensor([float(len(FAMILIES)), 1.0])
        ).backward()
        steps.step()
    return net.eval()


def prepared(crops: np.ndarray) -> Tensor:
    """Prepares crops as `CARD` says, ``(n, 3, 96, 96)``."""
    small = nn.functional.interpolate(
        torch.from_numpy(crops).permute(0, 3, 1, 2).float(), (96, 96), mode="area"
    )
    return (small / 255 - 0.5) / 0.25


@pytest.fixture(scope="session")
def folder(detector: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes a folder with the detector, exported from PyTorch, and its card."""
    folder = tmp_path_factory.mktemp("models")
    torch.onnx.export(
        detector,
        (torch.zeros(2, 3, 96, 96),),
        folder / "mine.onnx",
        input_names=["face"],
        output_names=["classes"],
        dynamic_shapes=({0: torch.export.Dim("faces", min=1, max=4096)},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    (folder / "mine.json").write_text(json.dumps(CARD))
    return folder


@pytest.fixture(scope="session")
def fits(collected: tuple[Path, Path], folder: Path, others: Path) -> dict[str, dict[str, object]]:
    """Calibrates the learned line and the added one.

    There are twelve people: the content is checked, not its accuracy.
    """
    shipped = (models.WEIGHTS / "calibration.json").read_bytes()
    portraits, trained_on = map(str, collected)
    sets = ["--portraits", portraits, "--others", str(others), "--trained-on", trained_on]
    with redirect_stdout(io.StringIO()) as shown:
        main(["calibrate", *sets, "--models", str(folder)])
    assert (models.WEIGHTS / "calibration.json").read_bytes() == shipped
    written = json.loads((folder / "calibration.json").read_text())
    assert json.loads(shown.getvalue()) == written
    return written["lines"]


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Collects a file of twelve more people with labels of their own, which mean nothing here."""
    folder, n = tmp_path_factory.mktemp("others"), 24
    identities: list[object] = [f"other{i // 2}" for i in range(n)]
    raw = faces_for_tests.write(
        folder / "raw.parquet", range(200, 200 + n), label=[0, 1] * 12, identity=identities
    )
    collect(raw, folder / "others.parquet")
    return folder / "others.parquet"


def test_every_set_of_lines_has_a_calibration_that_names_what_it_was_fitted_to(
    folder: Path, fits: dict[str, dict[str, object]]
) -> None:
    here = {**models.known(), **known(folder)}
    assert fits.keys() >= {"learned", "texture", "mine"}
    assert not [key for key in fits if "motion" in key], "one frame a person does not move"
    for key, fit in fits.items():
        used = {name: here[name] for name in here if Path(name).stem in key.split("+")}
        assert fit["weights"] == used
        assert 10 <= fit["fitted_on"]["people"] <= 12  # type: ignore[index]


def test_the_joint_calibration_rises_with_each_score_at_every_quality(
    folder: Path, fits: dict[str, dict[str, object]]
) -> None:
    for fitted in calibrations.load(folder):
        free, nothing = replace(fitted, bound=1e9), dict.fromkeys(fitted.lines, 0.0)
        for size, sharp, blocks in ((1, 1e-6, 1), (9999, 99, 1), (1, 99, 99), (9999, 1e-6, 99)):
            quality = Quality(size, sharp, 0.0, blocks)
            for line in fitted.lines:
                assert (
                    free.known({**nothing, line: 1.0}, quality)
                    >= free.known(nothing, quality) - 1e-6
                )


def test_the_runtime_weighs_the_added_detector_together_with_its_own(
    detector: nn.Module, folder: Path, fits: dict[str, dict[str, object]], rows: list[Row]
) -> None:
    crop = np.ascontiguousarray(rows[0].rgb[:192, :192])
    close_up = cv2.resize(crop, (CLOSE_UP_PX, CLOSE_UP_PX))
    face = Face((0.0, 0.0, 192.0, 192.0), TEMPLATE, 1.0)
    seen = Sighting(0.0, face, QUALITY, crop, None, close_up)
    case = Case(MediaFacts("", Kind.PHOTO, "", 0, "", "", 192, 192), (Track(1, (seen,)),))
    lines = {name: line for name, line in available(folder).items() if name != "strong"}
    evidence = examine(case, lines, debug=True)[1]
    with torch.inference_mode():
        bona_fide, changed = detector(prepared(crop[None]))[0].tolist()
    assert evidence["mine"].score == pytest.approx(changed - bona_fide, abs=0.02)
    person = judge(case.tracks[0], evidence, case.media, calibrated=calibrations.load(folder))
    scores = {line: said.readings[0].score for line, said in evidence.items() if said.readings}
    weighed = {name for name, line in person.lines.items() if line.log10_lr is not None}
    assert weighed
    joint = {frozenset(c.lines): c for c in calibrations.load(folder)}[frozenset(weighed)]
    total = sum(line.log10_lr or 0 for line in person.lines.values())
    assert total == pytest.approx(
        joint.any_kind(joint.known({n: scores[n] for n in weighed}, QUALITY)), abs=0.002
    )
    assert set(person.lines) == {*LINES, "mine"} - {"strong"}


def test_only_a_forgery_is_weakened_to_any_strength_and_the_same_for_all_lines() -> None:
    nothing = np.empty((0, 0, 3), np.uint8)
    examples = [
        Example(
            nothing, None, nothing, QUALITY, int(k > 0), "made" if k else "", "test", str(i), str(i)
        )
        for i in range(200)
        for k in range(3)
    ]
    bona_fide = np.array([e.label == 0 for e in examples])
    first, second = np.where(bona_fide, -1.0, 3.0), np.where(bona_fide, 0.0, 10.0)
    second[:3] = np.nan
    weaker = weakened(
        Measured(examples, {"first": first, "second": second}), np.random.default_rng(0)
    ).scores
    strength = (weaker["first"][~bona_fide] + 1) / 4
    assert (weaker["first"][bona_fide] == -1).all()
    assert np.histogram(strength, 4, (0, 1))[0] == pytest.approx(100, abs=30)
    assert np.isnan(weaker["second"][:3]).all()
    assert weaker["second"][3:][~bona_fide[3:]] == pytest.approx(10 * strength[2:])


@pytest.mark.parametrize(
    ("second", "helps"), [("sees what the first does not", True), ("noise", False)]
)
def test_a_set_is_fitted_only_where_each_line_helps(second: str, helps: bool) -> None:
    rng = np.random.default_rng(0)
    nothing = np.empty((0, 0, 3), np.uint8)
    label = np.tile([0, 1], 150)
    examples = [
        Example(
            nothing, None, nothing, QUALITY, int(y), "made" if y else "", "test", str(i // 2), ""
        )
        for i, y in enumerate(label)
    ]
    first, other = (
        rng.normal(2 * label - 1, 1.0),
        rng.normal(2 * label - 1 if helps else 0 * label, 1.0),
    )
    assert improves_cllr(Measured(examples, {"first": first}))
    assert improves_cllr(Measured(examples, {"first": first, "second": other})) is helps, second


@pytest.mark.parametrize("second", ["misleads on others' forgeries", "holds"])
def test_a_set_is_kept_only_where_it_costs_no_more_on_others_forgeries(second: str) -> None:
    rng = np.random.default_rng(0)
    label = np.tile([0, 1], 150)
    nothing = np.empty((0, 0, 3), np.uint8)
    examples = [
        Example(nothing, None, nothing, QUALITY, int(y), "", "others", str(i // 2), "")
        for i, y in enumerate(label)
    ]
    sign = 1 if second == "holds" else -1
    scores = {
        "first": rng.normal(2 * label - 1, 1.0),
        "second": sign * rng.normal(2 * label - 1, 1.0),
    }
    alone = likelihood.Calibration(("first",), 0.0, {"score of first": 2.0}, 3.0, 0.1, 0.9, 4.0)
    both = replace(alone, lines=("first", "second"), terms={**alone.terms, "score of second": 2.0})
    assert holds(both, [alone], Measured(examples, scores)) is (second == "holds")


def test_without_added_models_the_runtime_s_own_calibration_is_written(
    rows: list[Row], others: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(models.WEIGHTS, weights)
    monkeypatch.setattr(models, "WEIGHTS", weights)
    line = calibrate(rows, read([others]), weights)["lines"]["learned"]
    assert 0.05 <= line["missed"] <= 0.95
    assert line["bound"] == pytest.approx(np.log10(12))
    assert line["weights"] == {"learned": models.known()["learned"]}
    calibrations.load.cache_clear()
    served = {c.lines: c.terms for c in calibrations.load()}
    calibrations.load.cache_clear()
    assert served[("learned",)] == line["terms"]


# ---------------------------------------------------------------- the regression


def test_logistic_regression_finds_the_likelihood_ratio_of_two_normals() -> None:
    """Checks that scores N(-1, 1) and N(1, 1) get exactly twice the score as ln LR."""
    rng = np.random.default_rng(1)
    label = np.repeat([0, 1], 4000)
    score = rng.normal(size=8000) + np.where(label == 1, 1, -1)
    intercept, slope = logistic(np.column_stack([np.ones(8000), score]), label, np.ones(8000))
    assert abs(intercept) < 0.15
    assert slope == pytest.approx(2, abs=0.15)


def drawn(n: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """Draws scores of two lines that share an error, ``(2 n, 2)``, and labels.

    The second line knows nothing but the first's error.
    """
    rng = np.random.default_rng(1)
    label = np.repeat([0, 1], n)
    error = rng.normal(size=2 * n)
    first = np.where(label == 1, 1, -1) + error
    return np.column_stack([first, error + 0.5 * rng.normal(size=2 * n)]), label


def design(scores: np.ndarray) -> np.ndarray:
    names = ["a", "b", "c"][: scores.shape[1]]
    return np.array(
        [[1.0, *features(dict(zip(names, row, strict=True)), QUALITY).values()] for row in scores]
    )


def test_a_line_that_would_weigh_against_itself_weighs_nothing() -> None:
    """Checks the constraint on slopes.

    Without it the second line would be subtracted to clean the first; a higher score would then
    speak against a change.
    """
    scores, label = drawn()
    x, ones = design(scores), np.ones(label.size)
    free, held = logistic(x, label, ones), logistic(x, label, ones, slopes(x.shape[1]))
    assert free[2] < -1
    assert held[2] == pytest.approx(0, abs=1e-4)
    assert held[1] == pytest.approx(2, abs=0.15)


def test_where_all_weights_rise_anyway_nothing_is_held_back() -> None:
    rng = np.random.default_rng(2)
    label = np.repeat([0, 1], 2000)
    x = design(rng.normal(size=(4000, 3)) + np.where(label == 1, 0.5, -0.5)[:, None])
    free, held = (
        logistic(x, label, np.ones(4000)),
        logistic(x, label, np.ones(4000), slopes(x.shape[1])),
    )
    assert held == pytest.approx(free, abs=1e-3)
    assert held[1:4] == pytest.approx(
        1, abs=0.15
    )  # ln LR of N(-1/2, 1) against N(1/2, 1) is the score itself


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e3])
def test_the_unit_of_a_score_does_not_matter(unit: float) -> None:
    scores, label = drawn()
    x = design(unit * scores[:, :1])
    held = logistic(x, label, np.ones(label.size), slopes(x.shape[1]))
    assert held[1] * unit == pytest.approx(2, abs=0.15)


@pytest.mark.parametrize("knees", [{}, {"a": 0.5, "b": 0.5}], ids=["straight", "bent"])
def test_slopes_are_those_of_the_lr(knees: dict[str, float]) -> None:
    theta = np.random.default_rng(3).normal(size=12 + len(knees))
    terms = dict(zip(features({"a": 0.0, "b": 0.0}, QUALITY, knees), theta[1:], strict=True))
    fitted = likelihood.Calibration(("a", "b"), theta[0], terms, 1e9, 0.0, 0.5, 1.0, knees)
    rises = [
        (fitted.known({"a": at + a, "b": at + 1 - a}, q) - fitted.known({"a": at, "b": at}, q))
        * LN10
        for at in (-1.0, 0.5)[: 1 + bool(knees)]
        for a in (1, 0)
        for q in (Quality(s, h, 0.0, b) for s in (1, 9999) for h in (1e-9, 99) for b in (1, 99))
    ]
    assert slopes(theta.size, len(knees)) @ theta == pytest.approx(rises)


# ---------------------------------------------------------------- refusals


def test_too_few_people_and_a_missing_class_are_refused(
    rows: list[Row], others: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="fewer than 10 people in the portraits"):
        calibrate(rows[: FEWEST - 1], read([others]), tmp_path)
    with pytest.raises(DataError, match="must show both bona fide and changed faces"):
        calibrate(rows[:3], rows, tmp_path)
    assert not list(tmp_path.iterdir())
