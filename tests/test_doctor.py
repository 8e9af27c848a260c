"""`unmask doctor`, on this installation and on one that is broken in every way."""

from __future__ import annotations

import json
import sys

import pytest
from typer.testing import CliRunner, Result

from unmask import doctor, models
from unmask.cli import app
from unmask.errors import WeightsError


def unmask(*args: str) -> Result:
    return CliRunner().invoke(app, args)


def test_doctor_finds_this_installation_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "RUNS", 1)
    shown = unmask("doctor", "--json")
    found = json.loads(shown.stdout)
    assert (shown.exit_code, found["ok"], found["problems"]) == (0, True, [])
    assert set(found["decoders"]) == {"H.264", "HEVC", "VP9", "AV1", "HEIC"}
    assert found["weights"]["centerface"]["sha256"] == models.CENTERFACE_SHA256
    assert "CPUExecutionProvider" in found["providers"]
    assert found["calibrated"] == [
        "learned",
        "originals",
        "reflection",
        "skin",
        "strong",
        "texture",
    ]
    assert found["packages"].keys() >= {"unmask", "av", "onnxruntime", "opencv-python"}
    assert all(ms > 0 for ms in found["speed_ms"].values())


def test_doctor_tells_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_speed", lambda: {"search": 12.34, "learned": 5.0})
    shown = unmask("doctor")
    assert "12.3 ms to search a whole frame at 640 px" in shown.stdout
    assert shown.stdout.endswith("Nothing is wrong.\n")


def test_doctor_says_what_is_broken_and_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(name: str) -> None:
        raise WeightsError(f"{name}.onnx: the weight file is missing; reinstall Unmask")

    monkeypatch.setattr(models, "session", damaged)
    monkeypatch.setattr("unmask.media.decoders", lambda: dict.fromkeys(doctor.DECODERS, False))
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr(sys, "meta_path", [WithoutOpenGl(), *sys.meta_path])
    shown = unmask("doctor")
    assert shown.exit_code == 1
    assert "- learned.onnx: the weight file is missing\n  reinstall Unmask\n" in shown.stdout
    assert "- HEIC cannot be decoded\n  install the wheels" in shown.stdout
    assert "- OpenCV cannot be loaded: libGL.so.1: cannot open" in shown.stdout
    assert "\n  apt-get install libgl1\n" in shown.stdout
    assert "ms per face" not in shown.stdout


class WithoutOpenGl:
    """Import hook that makes OpenCV fail as on a bare server."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "cv2":
            raise ImportError(
                "libGL.so.1: cannot open shared object file: No such file or directory"
            )


def test_doctor_names_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "requires", lambda _name: ["no-such-package>=3", "rich>=14"])
    monkeypatch.setattr(doctor, "_speed", dict)
    shown = unmask("doctor")
    assert (
        "- the package no-such-package is missing\n  pip install 'no-such-package>=3'\n"
        in shown.stdout
    )
    assert shown.exit_code == 1


def test_doctor_does_not_ask_for_parts_that_were_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        doctor, "requires", lambda _name: ["no-such-package>=3; extra == 'service'", "rich>=14"]
    )
    monkeypatch.setattr(doctor, "_speed", dict)
    shown = unmask("doctor")
    assert "no-such-package" not in shown.stdout
    assert shown.exit_code == 0
