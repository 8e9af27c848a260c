"""The command `unmask take`: a document or sentences per file, in the reader's language, and an exit code for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from tests import clips
from tests.support import takes as made
from unmask.cli import app
from unmask.messages import Message
from unmask.report.take import dumps, schema
from unmask.take import Take


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A film of which a second is missing after 4 s."""
    path = tmp_path_factory.mktemp("take") / "cut.mp4"
    return str(made.write(path, map(made.filmed, made.times((0, 4), (5, 8)))))


def asked(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["take", "--no-power", *args])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_answers_a_file_a_line_and_goes_on_after_a_bad_one(tmp_path: Path, cut: str) -> None:
    photo = clips.write_photo(tmp_path / "photo.jpg", made.filmed(0), "JPEG")
    code, out, err = asked("--json", str(photo), cut, str(tmp_path / "missing.mp4"))
    documents = [json.loads(line) for line in out.splitlines()]
    assert (code, [one["answer"] for one in documents]) == (1, [None, "broken", None])
    for one in documents:
        Draft202012Validator(schema()).validate(one)
    assert "holds no moving picture; give a video" in err
    assert asked(cut, "--fail-on", "broken")[0] == 3
    assert asked(cut, "--fail-on", "cannot-tell")[0] == 0


def test_the_command_speaks_to_people_in_their_language(cut: str) -> None:
    assert "broken  " in (english := asked(cut)[1])
    assert "Broken at 0:04.0 (jump cut)." in english
    assert "跳切" in asked(cut, "--language", "zh")[1]
    assert asked(cut, "--fail-on", "perhaps")[0] == 2


def test_an_answer_that_could_not_be_given_has_its_document() -> None:
    Draft202012Validator(schema()).validate(json.loads(dumps(Take.failed("a", Message("take.jump")))))
