"""The page on a take: names the times, shows the pictures before and after, and stands alone.

It does so whatever the file is called.
"""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from tests import clips
from tests.report.test_html import Page, assert_self_contained
from tests.support import takes as made
from unmask.cli import app
from unmask.errors import BrokenMedia
from unmask.messages import Message
from unmask.moments import moments
from unmask.report.take import schema
from unmask.report.take_page import page
from unmask.take import TakeResult, TakeSettings, one_take, take
from unmask.takes.findings import BreakKind, Confidence, Finding
from unmask.words import english, footage, language

pytestmark = pytest.mark.slow

NAME = "<b>cut</b> & 'x'.mp4"
MUTE = TakeSettings(power=False)


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes a film with sound, with a second missing after 4 s."""
    path = tmp_path_factory.mktemp("take") / "cut.mp4"
    made.write(path, map(made.filmed, made.times((0, 4), (5, 9))), made.heard((0, 4), (5, 9)))
    return path.rename(path.parent / NAME.replace("/", "\N{DIVISION SLASH}"))


@pytest.fixture(scope="module")
def broken(cut: Path) -> TakeResult:
    return take(cut, MUTE)


def images(text: str) -> list[NDArray[np.float32]]:
    found = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"', text)
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(one))).convert("RGB"), np.float32)
        for one in found
    ]


def asked(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["take", *args])
    return result.exit_code, result.stdout, result.stderr


def test_the_page_shows_each_finding_with_its_time_its_pictures_and_its_sound(
    broken: TakeResult,
) -> None:
    text = page(broken, MUTE, moments(broken))
    found = assert_self_contained(text)
    assert {one.kind for one in broken.findings} == {BreakKind.JUMP_CUT, BreakKind.SOUND}
    assert "0:04.000 Jump cut" in found.text
    assert "Before 0:03.960" in found.text
    assert sum(tag == "img" for tag, _ in found.tags) == 2 * len(broken.findings)
    assert found.all("class").count("sound") == len(broken.findings)
    assert broken.parts[0].sha256 in found.text
    assert english().say(footage.size(broken.parts[0].size_bytes)) in found.text


def test_the_pictures_are_those_before_and_after_the_cut(broken: TakeResult) -> None:
    jump = next(i for i, one in enumerate(broken.findings) if one.kind is BreakKind.JUMP_CUT)
    before, after = images(page(broken, MUTE, moments(broken)))[2 * jump : 2 * jump + 2]
    for shown, filmed in ((before, 3.96), (after, 5.0)):
        others = [
            np.abs(shown - made.filmed(t)).mean() for t in (filmed, filmed - 0.2, filmed + 0.2)
        ]
        assert others[0] == min(others)


def test_the_sound_around_a_finding_is_that_of_the_film(broken: TakeResult) -> None:
    waves = {one.finding.kind: one.sound for one in moments(broken)}
    jump, tone = waves[BreakKind.JUMP_CUT], waves[BreakKind.SOUND]
    assert jump is not None
    assert tone is not None
    assert (jump.start, jump.end) == (pytest.approx(1.96), pytest.approx(6.0))
    assert tone.end - tone.start == pytest.approx(0.2)
    assert float(jump.high.mean()) == pytest.approx(0.07, abs=0.03)
    assert float(jump.low.mean()) == pytest.approx(-0.07, abs=0.03)


def test_a_file_without_sound_or_findings_has_a_page_with_its_power(tmp_path: Path) -> None:
    path = made.write(tmp_path / "one.mp4", map(made.filmed, made.times((0, 8))))
    result = take(path)
    found = assert_self_contained(page(result, TakeSettings(), moments(result)))
    assert "Nothing was found that breaks the take" in found.text
    assert str(result.power[1].said) in found.text
    assert (
        sum("power" in attrs.get("class", "").split() for tag, attrs in found.tags if tag == "svg")
        == 1
    )  # type: ignore[union-attr]
    assert sum(tag == "img" for tag, _ in found.tags) == 0


def test_of_several_files_the_pictures_on_either_side_of_a_seam_are_shown(tmp_path: Path) -> None:
    files = [
        made.write(tmp_path / f"{i}.ts", map(made.filmed, made.times(s)))
        for i, s in enumerate(((0, 3), (4, 7)))
    ]
    result = one_take(files, MUTE)
    (moment,) = moments(result)
    assert moment.before is not None
    assert moment.after is not None
    assert (moment.before.time, moment.after.time) == (pytest.approx(2.96), pytest.approx(3.0))
    assert np.abs(moment.after.rgb.astype(float) - made.filmed(4)).mean() < 12
    found = assert_self_contained(page(result, MUTE, (moment,)))
    assert all(part.sha256 in found.text for part in result.parts)


def test_findings_beyond_the_bound_are_listed_without_pictures(broken: TakeResult) -> None:
    shown = moments(broken, most=1)
    found = assert_self_contained(page(broken, MUTE, shown))
    assert len(shown) == 1
    assert "1 more finding, without pictures" in found.text
    assert sum(tag == "img" for tag, _ in found.tags) == 2


def test_a_repeat_shows_the_same_moment_twice(cut: Path, broken: TakeResult) -> None:
    said = Message("take.repeat", {"original_start": 1.0, "original_end": 2.0})
    again = Finding(BreakKind.REPEAT, 6.0, 7.0, Confidence.HIGH, said)
    (moment,) = moments(
        TakeResult(
            str(cut), broken.answer, broken.reason, (again,), media=broken.media, parts=broken.parts
        )
    )
    assert moment.before is not None
    assert moment.after is not None
    assert (moment.before.time, moment.after.time) == (pytest.approx(1.52), pytest.approx(6.52))


def test_a_finding_among_damaged_pictures_shows_none_of_them(tmp_path: Path) -> None:
    whole = made.write(tmp_path / "whole.ts", map(made.filmed, made.times((0, 8))))
    size = whole.stat().st_size // 188
    result = take(
        clips.without_packets(whole, tmp_path / "damaged.ts", range(size // 2, size // 2 + 4)), MUTE
    )
    (damaged,) = [one for one in result.unseen if one.reason.code == "take.damaged"]
    middle = (damaged.start + damaged.end) / 2
    overlay = Finding(BreakKind.OVERLAY, middle, middle, Confidence.MEDIUM, Message("take.overlay"))
    (moment,) = shown = moments(replace(result, findings=(overlay,)))
    assert (moment.before, moment.after, moment.sound) == (None, None, None)
    found = assert_self_contained(page(replace(result, findings=(overlay,)), MUTE, shown))
    assert found.text.count("No intact picture is there.") == 2
    assert "It does not break the take." in found.text


def test_a_file_that_has_changed_since_it_was_judged_shows_nothing(
    tmp_path: Path, broken: TakeResult
) -> None:
    other = made.write(tmp_path / "other.mp4", [made.filmed(0)] * 10)
    parts = (replace(broken.parts[0], path=str(other)),)
    with pytest.raises(BrokenMedia):
        moments(replace(broken, parts=parts))


def test_the_command_writes_the_page_and_says_where(tmp_path: Path, cut: Path) -> None:
    folder = tmp_path / "reports"
    code, out, err = asked("--json", "--no-power", "--report", str(folder), str(cut))
    document = json.loads(out)
    Draft202012Validator(schema()).validate(document)
    (written,) = folder.iterdir()
    assert (code, document["report"]) == (0, str(written))
    assert written.name in err
    text = written.read_text(encoding="utf-8")
    assert "<b>cut" not in text
    assert cut.name in Page(text).text
    assert re.findall(r"https?://", text) == []
    asked("--no-power", "--report", str(folder), str(cut))
    assert list(folder.iterdir()) == [written]


def test_the_command_writes_one_page_under_the_name_that_is_asked_for(
    tmp_path: Path, cut: Path
) -> None:
    out = tmp_path / "page.html"
    assert asked("--no-power", "--language", "zh", "--out", str(out), str(cut))[0] == 0
    assert language("zh")("take.page.findings") in out.read_text(encoding="utf-8")
    assert asked("--out", str(out), str(cut), str(cut))[0] == 2
    assert asked("--out", str(out), "--report", str(tmp_path), str(cut))[0] == 2


def test_what_could_not_be_judged_has_a_page_that_says_why(tmp_path: Path) -> None:
    code, _, err = asked("--report", str(tmp_path / "reports"), str(tmp_path / "missing.mp4"))
    (written,) = (tmp_path / "reports").iterdir()
    assert (code, "missing.mp4" in err) == (1, True)
    assert (
        "Nothing can be said of this file"
        in assert_self_contained(written.read_text(encoding="utf-8")).text
    )
