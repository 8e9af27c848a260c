"""The command `unmask take`: a document or sentences per file, and an exit code for scripts.

The sentences are in the reader's language.
"""

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
from unmask.take import TakeResult

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Makes a film with a second missing after 4 s."""
    path = tmp_path_factory.mktemp("take") / "cut.mp4"
    return str(made.write(path, map(made.filmed, made.times((0, 4), (5, 8)))))


def asked(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["take", "--no-power", *args])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_answers_a_file_a_line_and_goes_on_after_a_bad_one(
    tmp_path: Path, cut: str
) -> None:
    photo = clips.write_photo(tmp_path / "photo.jpg", made.filmed(0), "JPEG")
    code, out, err = asked("--json", str(photo), cut, str(tmp_path / "missing.mp4"))
    documents = [json.loads(line) for line in out.splitlines()]
    assert (code, [one["answer"] for one in documents]) == (1, [None, "broken", None])
    for one in documents:
        Draft202012Validator(schema()).validate(one)
    assert "holds no moving picture; give a video" in err
    assert asked(cut, "--fail-on", "broken")[0] == 3
    assert asked(cut, "--fail-on", "cannot-tell")[0] == 0


def segments(folder: Path, *stretches: tuple[float, float]) -> list[str]:
    """Writes a film as several files, one per stretch."""
    return [
        str(made.write(folder / f"{number}.ts", map(made.filmed, made.times(stretch))))
        for number, stretch in enumerate(stretches)
    ]


def test_files_that_follow_each_other_are_one_take(tmp_path: Path) -> None:
    files = segments(tmp_path, (0, 3), (3, 6), (7, 10))
    code, out, _ = asked("--json", "--one-take", *files)
    (document,) = map(json.loads, out.splitlines())
    Draft202012Validator(schema()).validate(document)
    assert (code, document["answer"]) == (0, "broken")
    assert [(one["kind"], round(one["end"], 2)) for one in document["findings"]] == [
        ("jump cut", 6.0)
    ]
    assert [(one["path"], round(one["start"], 2)) for one in document["parts"]] == list(
        zip(files, (0, 3, 6), strict=True)
    )
    assert "0.ts to " in asked("--one-take", *files[:2])[1]


def test_what_is_left_of_one_take_without_a_part_that_cannot_be_read_is_not_judged(
    tmp_path: Path,
) -> None:
    files = segments(tmp_path, (0, 2), (2, 4))
    code, out, error = asked(
        "--json", "--one-take", files[0], str(tmp_path / "missing.m3u8"), files[1]
    )
    assert code == 1
    assert "missing.m3u8" in out + error
    assert all(
        "answer" not in json.loads(line) or json.loads(line)["answer"] is None
        for line in out.splitlines()
    )


def test_a_playlist_is_one_take_of_what_it_names_by_now(tmp_path: Path) -> None:
    segments(tmp_path, (0, 3), (3, 6), (7, 10))
    playlist = tmp_path / "live.m3u8"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n0.ts\n#EXTINF:3,\n1.ts\n")
    (document,) = map(json.loads, asked("--json", str(playlist))[1].splitlines())
    assert (document["answer"], len(document["parts"])) == ("no break found", 2)


def test_what_is_followed_gives_a_line_per_finding_and_then_its_document(cut: str) -> None:
    code, out, _ = asked("--json", "--follow", "--patience", "1", cut)
    first, last = map(json.loads, out.splitlines())
    assert (code, first["path"], first["finding"]["kind"]) == (0, cut, "jump cut")
    Draft202012Validator(schema()).validate(last)
    assert last["findings"] == [first["finding"]]


@pytest.mark.parametrize("other", ["second.mp4", "--one-take", "--resume=notes"])
def test_what_cannot_be_followed_together_is_refused(cut: str, other: str) -> None:
    assert asked("--follow", cut, other)[0] == 2


def test_notes_are_kept_in_a_folder_that_is_made(tmp_path: Path, cut: str) -> None:
    first = asked("--json", "--resume", str(tmp_path / "notes"), cut)
    assert len(list((tmp_path / "notes").glob("take-*.npz"))) == 1
    assert asked("--json", "--resume", str(tmp_path / "notes"), cut) == first


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.ts", "no playlist"),
        ("#EXTM3U\n", "names no file"),
        ("#EXTM3U\n../0.ts\n", "does not lie beside it"),
        ("#EXTM3U\nhttp://example.org/0.ts\n", "does not lie beside it"),
        ('#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="k"\n0.ts\n', "are locked"),
        ('#EXTM3U\n#EXT-X-MAP:URI="init.mp4",BYTERANGE="9@0"\n0.m4s\n', "no files of their own"),
        (
            '#EXTM3U\n#EXT-X-MAP:URI="a.mp4"\n0.m4s\n#EXT-X-MAP:URI="b.mp4"\n1.m4s\n',
            "no files of their own",
        ),
        ('#EXTM3U\n#EXT-X-MAP:URI="../init.mp4"\n0.m4s\n', "does not lie beside it"),
    ],
)
def test_a_playlist_of_anything_else_is_refused(tmp_path: Path, text: str, why: str) -> None:
    playlist = tmp_path / "live.m3u8"
    playlist.write_text(text)
    code, out, err = asked(str(playlist))
    assert (code, out) == (1, "")
    assert why in err


def test_the_command_speaks_to_people_in_their_language(cut: str) -> None:
    assert "broken  " in (english := asked(cut)[1])
    assert "Broken at 0:04.0 (jump cut)." in english
    assert "跳切" in asked(cut, "--language", "zh")[1]
    assert asked(cut, "--fail-on", "perhaps")[0] == 2


def test_an_answer_that_could_not_be_given_has_its_document() -> None:
    Draft202012Validator(schema()).validate(
        json.loads(dumps(TakeResult.failed("a", Message("take.jump"))))
    )
