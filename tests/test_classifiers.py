"""Models of the user's own: read as their card says, or refused with the reason.

In a check they are shown, weighed and named.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import external_data_helper, numpy_helper
from PIL import Image
from typer.testing import CliRunner, Result

import unmask
from tests import added, scenes
from unmask import calibrations, classifiers, doctor, models
from unmask.cli import app
from unmask.errors import ModelError, WeightsError
from unmask.messages import Message
from unmask.report import document, html
from unmask.types import Rgb

pytestmark = pytest.mark.slow

RED = np.zeros((1, 192, 192, 3), np.uint8) + np.uint8([255, 0, 0])
HALF = np.zeros((1, 192, 192, 3), np.uint8) + np.uint8([51, 102, 204])
"""0.2, 0.4 and 0.8 of full red, green and blue."""


def load(folder: Path, name: str = "mine") -> classifiers.Classifier:
    return classifiers.load(folder / f"{name}.onnx")


def answer(folder: Path, crops: Rgb = HALF, **made: Any) -> float:
    return float(load(added.write(folder, **made)).log_odds(crops)[0])


# ---------------------------------------------------------------- its input, and its answer


def test_it_is_given_what_its_card_asks_for(tmp_path: Path) -> None:
    assert answer(tmp_path) == pytest.approx(0.2)
    assert answer(tmp_path, input_colour="bgr") == pytest.approx(0.8)
    assert answer(tmp_path, input_mean=[0.1, 0, 0], input_std=[0.5, 1, 1]) == pytest.approx(0.2)
    assert answer(tmp_path, input_std=[1 / 255] * 3) == pytest.approx(51)
    last = added.brightness(("n", added.SIZE, added.SIZE, 3))
    assert answer(tmp_path, model=last, input_layout="nhwc") == pytest.approx(0.2, abs=1e-4)


def test_a_face_is_scaled_to_the_model_s_size(tmp_path: Path) -> None:
    """Half of the face is red, wherever the pixels come to lie."""
    face = np.zeros((1, 192, 192, 3), np.uint8)
    face[:, :, :96, 0] = 255
    for size in (16, 192, 300):
        model = added.brightness(("n", 3, size, size))
        assert answer(tmp_path, face, model=model, input_size=size) == pytest.approx(0.5, abs=0.02)


def test_each_sort_of_output_becomes_log_odds(tmp_path: Path) -> None:
    two = ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0))
    logits = added.brightness(weights=two)
    assert answer(tmp_path, model=logits, output_changed=1) == pytest.approx(0.4)
    assert answer(tmp_path, model=logits, output_changed=1, output_is="softmax") == pytest.approx(
        0.4 - 0.2
    )
    three = added.brightness(weights=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    rest = np.logaddexp(0.2, 0.4)
    assert answer(tmp_path, model=three, output_changed=2, output_is="softmax") == pytest.approx(
        0.8 - rest, abs=1e-6
    )
    assert answer(tmp_path, output_is="probability") == pytest.approx(np.log(0.2 / 0.8))
    assert answer(tmp_path, RED, output_is="probability") == pytest.approx(np.log(1e6), abs=1e-3)


def test_many_faces_are_read_in_order_whatever_the_batch(tmp_path: Path) -> None:
    levels = np.arange(40, dtype=np.uint8) * 5
    faces = np.broadcast_to(levels[:, None, None, None], (40, 192, 192, 3))
    for shape in (("n", 3, 32, 32), (1, 3, 32, 32)):
        model = load(added.write(tmp_path, model=added.brightness(shape)))
        assert model.log_odds(faces) == pytest.approx(levels / 255, abs=1e-4)


# ---------------------------------------------------------------- refusals


def without_weights() -> onnx.ModelProto:
    """Returns a model whose weights are declared to be in another file."""
    model = added.brightness()
    external_data_helper.convert_model_to_external_data(
        model, location="../secret", size_threshold=0
    )
    for tensor in model.graph.initializer:
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
    return model


def hidden() -> onnx.ModelProto:
    """Returns a model with the same declaration in the attribute of a node."""
    model = added.brightness()
    value = numpy_helper.from_array(np.zeros(1, np.float32), "value")
    external_data_helper.set_external_data(value, "/etc/hostname")
    value.ClearField("raw_data")
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["unused"], value=value))
    return model


REFUSED = {
    "weights elsewhere": (
        {"model": without_weights()},
        r"mine\.onnx: keeps weights in other files; export it as one",
    ),
    "hidden weights elsewhere": ({"model": hidden()}, r"mine\.onnx: keeps weights in other files"),
    "a new opset": (
        {"model": added.brightness(opset=99)},
        r"mine\.onnx: ONNX Runtime .* cannot load it .*; export it",
    ),
    "an unknown operator": (
        {"model": added.brightness(operator="Palm")},
        r"cannot load it .*without custom operators",
    ),
    "another size": (
        {"input_size": 64},
        r"takes tensor\(float\) .*32, 32\], but by its card .*64, 64\]",
    ),
    "another layout": (
        {"input_layout": "nhwc"},
        r"by its card one tensor\(float\) \[1, 32, 32, 3\]",
    ),
    "a fixed batch": ({"model": added.brightness((4, 3, 32, 32))}, r"takes tensor\(float\) \[4, 3"),
    "no such output": (
        {"output_name": "fake"},
        r"mine\.onnx: has no output 'fake', but logit; correct its card",
    ),
    "no such class": (
        {"output_changed": 1},
        r"fails a trial run \(the output has 1 values per face",
    ),
    "softmax of one": (
        {"output_is": "softmax"},
        r"fails a trial run \(the output has 1 values per face",
    ),
    "no probability": (
        {"output_is": "probability", "input_std": [0.01] * 3},
        r"fails a trial run \(the output, .* is no probability\); correct the model or its card",
    ),
    "not finite": (
        {"model": added.brightness(weights=((np.nan,),) * 3)},
        r"the output is not finite",
    ),
    "a field missing": (
        {"input_std": None},
        r"mine\.json: lacks input\.std, three numbers above 0; docs/lines/your-m",
    ),
    "no licence": ({"licence": None}, r"mine\.json: lacks licence, a text; docs"),
    "a field too many": (
        {"input_margin": 1.3},
        r"mine\.json: has 'input\.margin', which no card has; docs",
    ),
    "a wrong value": (
        {"output_is": "guess"},
        r'output\.is must be "logit", "probability" or "softmax", not "guess"',
    ),
    "a wrong type": (
        {"input_size": "32"},
        r'input\.size must be a whole number of px from 16 to 1024, not "32"',
    ),
    "a part that is none": ({"input": 3}, r"mine\.json: lacks input\.size"),
    "a zero spread": (
        {"input_std": [1, 1, 0]},
        r"input\.std must be three numbers above 0, not \[1, 1, 0\]",
    ),
    "a taken name": (
        {"name": "learned"},
        r"learned\.onnx: this name cannot be a line's; use lower-case",
    ),
    "a bad name": ({"name": "Mine-2"}, r"Mine-2\.onnx: this name cannot be a line's"),
}


@pytest.mark.parametrize(("made", "why"), REFUSED.values(), ids=REFUSED)
def test_a_model_that_cannot_be_used_is_refused_on_one_line(
    tmp_path: Path, made: dict[str, Any], why: str
) -> None:
    with pytest.raises(ModelError, match=why) as refusal:
        classifiers.in_folder(added.write(tmp_path, **made))
    assert str(refusal.value).startswith(str(tmp_path))
    assert "\n" not in str(refusal.value)


def test_files_that_are_not_what_they_should_be(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder; name a folder with models"):
        classifiers.in_folder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="holds no model; put"):
        classifiers.in_folder(tmp_path / "empty")
    for name, content, why in (
        ("mine.json", b"[1, 2]", r"mine\.json: not a JSON object"),
        ("mine.json", b"\xff{", r"mine\.json: not a JSON object"),
        ("mine.json", b" " * 70_000, r"mine\.json: larger than 64 KiB"),
        ("mine.onnx", b"no protobuf", r"mine\.onnx: (not an ONNX file|ONNX Runtime)"),
        ("other.json", b"{}", r"other\.json: there is no other\.onnx beside it"),
    ):
        folder = added.write(tmp_path / f"{len(content)}-{name}")
        (folder / name).write_bytes(content)
        with pytest.raises(ModelError, match=why):
            classifiers.in_folder(folder)
    folder = added.write(tmp_path / "no card")
    (folder / "mine.json").unlink()
    with pytest.raises(ModelError, match=r"mine\.onnx: its card mine\.json is missing; docs"):
        classifiers.in_folder(folder)


def test_a_model_beyond_the_bound_is_not_even_read(tmp_path: Path) -> None:
    with (added.write(tmp_path) / "mine.onnx").open("wb") as file:
        file.truncate(classifiers.MOST_BYTES + 1)  # sparse: takes no room
    with pytest.raises(ModelError, match=r"mine\.onnx: larger than 524,288 KiB; use a smaller one"):
        load(tmp_path)


# ---------------------------------------------------------------- in a check


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "portrait.png"
    Image.fromarray(scenes.portrait()).resize((800, 800)).save(path)
    return path


def calibrated(folder: Path, **replaced: Any) -> Path:
    """Writes calibrations beside the model, of each line and of both.

    ``replaced`` are fields of the weights to which both were fitted.
    """
    shipped = json.loads((models.WEIGHTS / "calibration.json").read_text())["lines"]["learned"]
    custody = classifiers.known(folder)
    mine = {
        **shipped,
        "weights": custody,
        "terms": {"score of mine": 0.1},
        "separation": 0.5,
        "knees": {},
    }
    terms = {**shipped["terms"], "score of mine": 9.0}
    both = {
        **shipped,
        "weights": {**shipped["weights"], **custody, **replaced},
        "terms": terms,
        "missed": 0.05,
    }
    written = {"lines": {"learned": shipped, "mine": mine, "learned+mine": both}}
    (folder / "calibration.json").write_text(json.dumps(written))
    return folder


def test_a_model_without_a_calibration_is_shown_and_weighs_nothing(
    photo: Path, tmp_path: Path
) -> None:
    folder = added.write(tmp_path / "models", origin="my own training")
    plain, result = unmask.check(photo), unmask.check(photo, models=folder)
    line = result.people[0].lines["mine"]
    assert line.score is not None
    assert line.log10_lr is None
    assert result.log10_lr == plain.log10_lr
    added_model = Message("limit.added_model", {"name": "mine", "origin": "my own training"})
    assert added_model in result.limits
    assert set(result.limits) - set(plain.limits) == {added_model}


def test_a_calibrated_model_weighs_with_the_learned_line(photo: Path, tmp_path: Path) -> None:
    folder = calibrated(added.write(tmp_path / "models"))
    person = unmask.check(photo, models=folder).people[0]
    assert list(person.lines)[:2] == ["learned", "mine"]
    learned, mine = (person.lines[name].log10_lr for name in ("learned", "mine"))
    assert learned is not None
    assert mine is not None
    assert mine > 0
    alone = unmask.check(photo, models=folder, lines=["learned"]).people[0]
    assert alone.lines["learned"].log10_lr == learned
    only = unmask.check(photo, models=folder, lines=["mine"]).people[0]
    assert only.lines["mine"].log10_lr is not None


def test_custody_names_the_model_its_card_and_the_calibration(photo: Path, tmp_path: Path) -> None:
    folder = calibrated(added.write(tmp_path / "models"))
    result = unmask.check(photo, models=folder)
    assert result.custody is not None
    for name, file in (
        ("mine", "mine.onnx"),
        ("mine.json", "mine.json"),
        ("calibration", "calibration.json"),
    ):
        sha256 = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        assert result.custody.weights[name] == sha256
        assert sha256 in html.page(result)
    assert document.document(result)["custody"]["settings"]["models"] == str(folder)
    assert "The lines were weighed together" in html.page(result)


@pytest.mark.parametrize("changed", ["mine", "mine.json", "learned"])
def test_a_model_that_changed_since_it_was_calibrated_is_refused(
    photo: Path, tmp_path: Path, changed: str
) -> None:
    folder = calibrated(added.write(tmp_path / "models"), **{changed: "0" * 64})
    with pytest.raises(
        WeightsError,
        match=(
            rf"calibration\.json: fitted to another .* run unmask-lab calibrate --models {folder}"
        ),
    ):
        unmask.check(photo, models=folder)


def test_a_calibration_outlives_a_model_that_was_taken_away(tmp_path: Path) -> None:
    both = calibrated(added.write(tmp_path / "both"))
    rest = added.write(tmp_path / "rest", "another")
    shutil.copy(both / "calibration.json", rest)
    assert {c.lines for c in calibrations.load(rest)} == {("learned",), ("originals",)}


@pytest.mark.parametrize(
    "content", ["", "[]", '{"lines": {"mine": 3}}', '{"lines": {"mine": {"weights": {}}}}']
)
def test_a_broken_calibration_is_refused(tmp_path: Path, content: str) -> None:
    folder = added.write(tmp_path / "models")
    (folder / "calibration.json").write_text(content)
    with pytest.raises(
        WeightsError,
        match=r"calibration\.json: no calibration that this version .*; run unmask-lab",
    ):
        calibrations.load(folder)


# ---------------------------------------------------------------- on the command line


def run(*args: str, **env: str) -> Result:
    return CliRunner(env=env).invoke(app, args)


def test_the_folder_is_an_option_and_an_environment_variable(photo: Path, tmp_path: Path) -> None:
    folder = str(added.write(tmp_path / "models"))
    by_option = run("check", str(photo), "--json", "--models", folder)
    by_variable = run("check", str(photo), "--json", UNMASK_MODELS=folder)
    for shown in (by_option, by_variable):
        assert shown.exit_code == 0
        assert "mine" in json.loads(shown.stdout)["people"][0]["lines"]
    assert json.loads(
        run("check", str(photo), "--json", "--models", folder, "--lines", "mine").stdout
    )["people"][0]["lines"].keys() == {"mine"}


def test_a_refused_model_is_wrong_usage(photo: Path, tmp_path: Path) -> None:
    folder = added.write(tmp_path / "models", input_size=None)
    shown = run("check", str(photo), "--models", str(folder))
    assert shown.exit_code == 2
    assert shown.stderr.startswith(f"unmask: {folder / 'mine.json'}: lacks input.size")
    assert shown.stderr.count("\n") == 1
    assert "Traceback" not in shown.stderr


def test_doctor_looks_at_added_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_speed", dict)
    folder = calibrated(added.write(tmp_path / "good"))
    found = json.loads(run("doctor", "--json", "--models", str(folder)).stdout)
    assert found["weights"]["mine"]["sha256"] == classifiers.known(folder)["mine"]
    assert found["calibrated"] == ["learned", "mine", "originals"]
    bad = added.write(tmp_path / "bad", licence=None)
    shown = run("doctor", "--models", str(bad))
    assert shown.exit_code == 1
    assert (
        f"- {bad / 'mine.json'}: lacks licence, a text\n  docs/lines/your-model.md explains cards"
        in shown.stdout
    )
    assert shown.stdout.count("lacks licence") == 1
