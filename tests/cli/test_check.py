"""The command line, mostly with `pretend` as the pipeline; the last tests run the real one."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from tests import clips, results, scenes
from unmask import pipeline, terminal
from unmask.cli import app
from unmask.errors import BrokenMedia, WeightsError
from unmask.messages import Message, verbatim
from unmask.report import document, html
from unmask.types import CheckResult, Verdict

ROOT = Path(__file__).parents[2]
ASKED: list[pipeline.Settings] = []
"""Settings of every pretended check."""


def pretend(path: str, settings: pipeline.Settings, progress: pipeline.Progress) -> CheckResult:
    """Stands in for `unmask.pipeline.check`: reads no file; the file's name decides the answer.

    ``changed``, ``clean``, ``nobody``, ``untold`` and ``crowd`` give those of `tests.results`;
    ``broken``, ``bug``, ``weights`` and ``library`` raise what their names say; ``interrupt`` is
    Ctrl-C.
    """
    ASKED.append(settings)
    progress("looking", 0.5)
    name = Path(path).name
    if name.startswith("interrupt"):
        os.kill(os.getpid(), signal.SIGINT)
    wrong = {
        "broken": BrokenMedia(path, Message("media.undecodable"), verbatim("download it again")),
        "bug": ValueError("two\nlines"),
        "weights": WeightsError(
            "learned.onnx: its sha256 is not the released one; reinstall Unmask"
        ),
        "library": ImportError("libGL.so.1: cannot open shared object file"),
    }
    for kind, error in wrong.items():
        if name.startswith(kind):
            raise error
    answers = {
        "changed": results.changed_video,
        "clean": results.clean_photo,
        "nobody": results.nobody,
    }
    answers["untold"] = results.cannot_tell
    answer = next(
        (answers[kind](path) for kind in answers if name.startswith(kind)), results.crowd(3)
    )
    return replace(answer, path=path)


@pytest.fixture(autouse=True)
def _pretended(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    ASKED.clear()
    if "real" not in request.fixturenames:
        monkeypatch.setattr(pipeline, "check", pretend)


@pytest.fixture
def real() -> None:
    """Uses the real pipeline."""


def unmask(*args: str | Path) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def spawn(*args: str, **environment: str) -> subprocess.Popen[bytes]:
    """Starts the pretended command line as its own process."""
    code = (
        "from tests.cli.test_check import pretend; from unmask import cli, pipeline; "
        "pipeline.check = pretend; cli.main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *args],
        cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


# ---------------------------------------------------------------- help and startup


@pytest.mark.parametrize("args", [["--help"], ["check", "-h"]])
def test_help_shows_examples_and_exit_codes(args: Sequence[str]) -> None:
    shown = unmask(*args)
    assert shown.exit_code == 0
    assert "unmask check clip.mp4" in shown.stdout
    assert "3  --fail-on matched" in shown.stdout


def test_version() -> None:
    shown = unmask("--version")
    assert (shown.exit_code, shown.stdout.split()[0]) == (0, "unmask")


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, unmask.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {
        "numpy",
        "cv2",
        "av",
        "onnxruntime",
        "onnx",
        "PIL",
        "jinja2",
        "rich",
        "unmask.report.document",
    }
    assert not heavy & set(loaded)


def test_the_package_gives_its_values_all_the_same() -> None:
    import unmask

    assert unmask.Verdict is Verdict
    assert set(unmask.__all__) <= set(dir(unmask))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = unmask.nothing  # type: ignore[attr-defined]


# ---------------------------------------------------------------- output for programs


def test_json_is_one_document_per_file_in_order() -> None:
    names = ["clean.jpg", "broken.mp4", "changed.mp4"]
    shown = unmask("check", *names, "--json")
    printed = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [answer["path"] for answer in printed] == names
    assert shown.stdout.splitlines()[0] == document.dumps(results.clean_photo("clean.jpg"))
    assert (printed[1]["verdict"], printed[1]["sha256"], printed[1]["people"]) == (None, None, [])
    assert (
        printed[1]["error"] == "broken.mp4: none of its pictures can be decoded; download it again"
    )
    assert shown.stderr == f"unmask: {printed[1]['error']}\n"
    assert shown.exit_code == 1


def test_csv_is_one_table() -> None:
    shown = unmask("check", "clean.jpg", "broken.mp4", "crowd.mp4", "--csv")
    rows = list(csv.DictReader(io.StringIO(shown.stdout_bytes.decode(), newline="")))
    assert [row["path"] for row in rows] == ["clean.jpg", "broken.mp4", *["crowd.mp4"] * 3]
    assert rows[1]["error"].startswith("broken.mp4: none")
    assert shown.stdout_bytes.count(b"\r\n") == len(rows) + 1
    assert b"\r\r\n" not in shown.stdout_bytes


def test_csv_keeps_names_as_they_are() -> None:
    assert (
        unmask("check", "clean\x1b.jpg", "--csv")
        .stdout.splitlines()[1]
        .startswith("clean\x1b.jpg,")
    )


# ---------------------------------------------------------------- output for people


def test_a_block_says_it_all_on_whole_lines() -> None:
    shown = unmask("check", "changed.mp4", "--prior", "0.001")
    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "changed  changed.mp4",
        f"  {results.changed_video().reason}",
        "  Moderately strong support for a changed face: "
        "what was measured is about 200 times likelier if the face was changed than if it was not.",
        "  At a base rate of 1 in 1,000, about 17 in 100 such alarms would be right.",
        "  Person 1  changed          LR 200        0:03.2 to 0:09.1, 0:12.4 to 0:13.0",
        f"  Limit: {results.changed_video().limits[0]}",
    ]


def test_many_files_are_counted_and_no_limit_is_said_twice() -> None:
    lines = unmask(
        "check", "broken.mp4", "changed.mp4", "nobody.jpg", "crowd.mp4"
    ).stdout.splitlines()
    assert lines[0] == "changed  changed.mp4"
    assert lines[-2:] == ["", "4 files: 2 changed, 1 not judged, 1 no face"]
    assert sum(line.startswith("  Limit:") for line in lines) == 1


def test_a_person_who_cannot_be_judged_gets_the_reason() -> None:
    line = next(
        line for line in unmask("check", "crowd.mp4").stdout.splitlines() if "Person 3" in line
    )
    assert line.startswith("  Person 3  cannot tell      no LR  ")
    assert line.endswith("This face cannot be judged: it is too small (under 64 px wide).")


def test_people_may_read_it_in_another_language(tmp_path: Path) -> None:
    shown = unmask("check", "nobody.jpg", "--language", "zh", "--report", tmp_path)
    assert shown.stdout.splitlines()[:2] == ["没有人脸  nobody.jpg", "  这张照片中没有找到人脸。"]
    assert '<html lang="zh">' in (tmp_path / "nobody.jpg.html").read_text(encoding="utf-8")
    printed = unmask("check", "nobody.jpg", "--language", "zh", "--json").stdout
    assert json.loads(printed)["reason"] == "No face was found in this photo."


def test_a_language_that_there_is_not_is_wrong_usage() -> None:
    shown = unmask("check", "clean.jpg", "--language", "tlh")
    assert shown.exit_code == 2
    assert "no language is called 'tlh'; there are en, zh" in shown.stderr


def test_names_from_strangers_are_harmless() -> None:
    name = "clean\x1b[31m\n[bold]:smile:{x}.jpg"
    assert unmask("check", name).stdout.startswith(
        "no change found  clean\\x1b[31m\\n[bold]:smile:{x}.jpg\n"
    )
    assert unmask("check", f"bug{name}").stderr.count("\n") == 1


def test_no_progress_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "PATIENCE", -1e9)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert unmask("check", "clean.jpg").stderr == ""


# ---------------------------------------------------------------- what is asked


def test_settings_reach_the_pipeline() -> None:
    unmask(
        "check", "clean.jpg", "--every", "0.2", "--lines", "learned", "--prior", "0.01", "--debug"
    )
    assert ASKED.pop() == pipeline.Settings(every=0.2, lines=("learned",), prior=0.01, debug=True)
    unmask("check", "clean.jpg")
    assert ASKED.pop() == pipeline.Settings()
    for start, end, seconds in (
        ("75.5", "1:20", (75.5, 80.0)),
        ("1:02:03.5", "2:00:00", (3723.5, 7200.0)),
    ):
        unmask("check", "clean.jpg", "--from", start, "--to", end)
        assert ASKED.pop() == pipeline.Settings(start=seconds[0], end=seconds[1])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--json", "--csv"], "exclude each other"),
        (["--every", "0"], "above 0 seconds"),
        (["--every", "nan"], "above 0 seconds"),
        (["--prior", "1"], "between 0 and 1"),
        (["--from", "soon"], "'soon' is no time"),
        (["--to", "1:-2"], "'1:-2' is no time"),
        (["--from", "5", "--to", "5"], "ends after it begins"),
        (["--lines", "learned,tarot"], "no line of evidence is called 'tarot'; there are learned"),
        (
            ["--fail-on", "authentic"],
            "no verdict is called 'authentic'; there are changed, licensed-change",
        ),
        (["--report", __file__], "is a file"),
        (["--report", f"{__file__}/below"], "cannot be made"),
        (["-"], "standard input is not supported"),
        (["--nonsense"], "No such option"),
    ],
)
def test_wrong_usage_exits_with_2_and_judges_nothing(args: Sequence[str], said: str) -> None:
    shown = unmask("check", "clean.jpg", *args)
    assert shown.exit_code == 2
    assert said in shown.stderr
    assert (shown.stdout, ASKED) == ("", [])


def test_a_folder_is_searched_for_what_is_media_by_its_content(tmp_path: Path) -> None:
    clip = clips.write_video(
        tmp_path / "clip.mp4", [clips.numbered(i) for i in range(5)]
    ).read_bytes()
    tiff = clips.write_photo(tmp_path / "photo.tiff", clips.numbered(1), "TIFF").read_bytes()
    files = {
        "clean.mp4 without its ending": clip,
        "b/clean.txt": tiff,
        "b/clean.bmp": b"",
        "b/broken.MP4": b"<html>404</html>",
        "code.ts": b"export const answer = 42;\n",
        "code.mts": b"export const answer = 42;\n",
        "notes.txt": b"Just some words.\n",
        "raw": b"FUJIFILMCCD-RAW " + bytes(100),
        ".clean.jpg": tiff,
        ".git/clean.jpg": tiff,
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "again").symlink_to(tmp_path / "b", target_is_directory=True)
    shown = unmask("check", tmp_path, tmp_path / "notes.txt", tmp_path / ".clean.jpg", "--json")
    found = [
        os.path.relpath(json.loads(line)["path"], tmp_path) for line in shown.stdout.splitlines()
    ]
    in_folder = [
        "clean.mp4 without its ending",
        "clip.mp4",
        "photo.tiff",
        "raw",
        "b/broken.MP4",
        "b/clean.bmp",
        "b/clean.txt",
    ]
    assert found == [*in_folder, "notes.txt", ".clean.jpg"]
    assert shown.stderr.splitlines()[:3] == [
        "unmask: 3 files in the folders are neither photos nor videos by their content, and were "
        "left out",
        "unmask: 2 hidden files or folders were left out",
        "unmask: 1 link to a folder was not followed",
    ]
    assert shown.exit_code == 1, "broken.MP4"


def test_what_is_no_media_is_counted_and_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "clean.jpg").touch()
    (tmp_path / "notes.txt").touch()
    shown = unmask("check", tmp_path)
    assert shown.stderr == (
        "unmask: 1 file in the folders is neither a photo nor a video by its content, and was "
        "left out\n"
    )
    assert shown.exit_code == 0
    assert unmask("check", tmp_path, "--language", "zh").stderr.startswith(
        "unmask: 文件夹中有 1 个文件"
    )


def test_a_folder_without_media_is_an_error_of_its_own(tmp_path: Path) -> None:
    shown = unmask("check", tmp_path, "clean.jpg", "--json")
    assert [json.loads(line)["path"] for line in shown.stdout.splitlines()] == [
        str(tmp_path),
        "clean.jpg",
    ]
    assert shown.stderr.startswith(f"unmask: {tmp_path}: a folder without photos or videos; ")
    assert shown.exit_code == 1


def test_a_folder_that_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clean.jpg").touch()
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def refusing(folder: str) -> object:
        if folder.endswith("locked"):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    shown = unmask("check", tmp_path)
    assert (
        f"{tmp_path / 'locked'}: Permission denied; check that you may read this folder"
        in shown.stderr
    )
    assert "clean.jpg" in shown.stdout
    assert shown.exit_code == 1


# ---------------------------------------------------------------- exit codes and errors


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["clean.jpg", "changed.mp4"], 0),
        (["clean.jpg", "broken.mp4"], 1),
        (["clean.jpg", "changed.mp4", "--fail-on", "changed"], 3),
        (["changed.mp4", "broken.mp4", "--fail-on", "changed"], 3),
        (["broken.mp4", "--fail-on", "changed"], 1),
        (["clean.jpg", "--fail-on", "changed,cannot-tell"], 0),
        (["untold.mp4", "--fail-on", "changed, cannot tell"], 3),
        (["untold.mp4", "--fail-on", "changed", "--fail-on", "cannot-tell"], 3),
        (["nobody.jpg", "--fail-on", "changed,cannot-tell"], 0),
        (["nobody.jpg", "--fail-on", "no-face"], 3),
        (["clean.jpg", "--fail-on", "no-change-found", "--json"], 3),
        (["changed.mp4", "--fail-on", "changed", "--csv"], 3),
    ],
)
def test_exit_codes(args: Sequence[str], code: int) -> None:
    assert unmask("check", *args).exit_code == code


def test_an_unexpected_error_is_one_line_and_stops_nothing() -> None:
    shown = unmask("check", "bug.mp4", "clean.jpg")
    assert (
        shown.stderr
        == "unmask: bug.mp4: unexpected ValueError (two lines); run again with --debug\n"
    )
    assert "no change found  clean.jpg" in shown.stdout
    assert shown.exit_code == 1


def test_debug_shows_tracebacks_and_goes_on() -> None:
    shown = unmask("check", "bug.mp4", "broken.mp4", "clean.jpg", "--debug")
    assert shown.stderr.count("Traceback") == 2
    assert "bug.mp4: unexpected ValueError (two lines); see its traceback" in shown.stderr
    assert "no change found  clean.jpg" in shown.stdout


@pytest.mark.parametrize(
    ("name", "said"), [("weights", "sha256 is not the released"), ("library", "libGL.so.1")]
)
def test_a_broken_installation_is_said_once(name: str, said: str) -> None:
    shown = unmask("check", "clean.jpg", name, name, "clean.jpg")
    assert shown.stderr.count(said) == 1
    assert shown.stderr.endswith("`unmask doctor` says more\n")
    assert shown.stdout.count("no change found  clean.jpg") == 1
    assert shown.exit_code == 1


def test_an_error_beyond_the_files_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "show", lambda _results, _language: 1 / 0)
    shown = unmask("check", "clean.jpg")
    assert (
        shown.stderr
        == "unmask: unexpected ZeroDivisionError: division by zero; run again with --debug\n"
    )
    assert shown.exit_code == 1
    assert isinstance(unmask("check", "clean.jpg", "--debug").exception, ZeroDivisionError)


# ---------------------------------------------------------------- reports


def test_reports_are_written_and_their_places_said(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "reports"
    shown = unmask("check", "changed.mp4", "broken.mp4", "--report", folder)
    assert (folder / "changed.mp4.html").read_text(encoding="utf-8") == html.page(
        results.changed_video("changed.mp4")
    )
    assert "its pictures can be decoded" in (folder / "broken.mp4.html").read_text(encoding="utf-8")
    assert f"  Report: {folder / 'changed.mp4.html'}\n" in shown.stdout
    assert f"  Report: {folder / 'broken.mp4.html'}\n" in shown.stderr


def test_stdout_stays_pure_for_programs(tmp_path: Path) -> None:
    shown = unmask("check", "clean.jpg", "--json", "--report", tmp_path)
    assert json.loads(shown.stdout)["path"] == "clean.jpg"
    assert "Report: " in shown.stderr


def test_names_of_reports_are_safe_and_unique(tmp_path: Path) -> None:
    given = [
        "a/clean.jpg",
        "b/clean.jpg",
        "c/CLEAN.JPG",
        "...",
        "x/.hidden",
        'C:\\clean:"<>|*?\x1b.jpg',
        "é" * 200,
    ]
    assert unmask("check", *given, "--report", tmp_path).exit_code == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "clean.jpg.html", "clean.jpg-2.html", "CLEAN.JPG-3.html", "file.html", "hidden.html",
        "clean________.jpg.html", "é" * 100 + ".html",
    }  # fmt: skip


def test_a_later_report_replaces_that_of_the_same_file_only(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "clean.png.html").write_text("somebody else's")
    for _ in range(2):
        for name in ("a/clean.jpg", "b/clean.jpg", "b/changed.mp4", "clean.png"):
            assert unmask("check", tmp_path / name, "--report", folder).exit_code == 0
    pages = {page.name: html.marked(page) for page in folder.iterdir()}
    assert pages == {
        "clean.jpg.html": html.mark(str(tmp_path / "a/clean.jpg")),
        "clean.jpg-2.html": html.mark(str(tmp_path / "b/clean.jpg")),
        "changed.mp4.html": html.mark(str(tmp_path / "b/changed.mp4")),
        "clean.png.html": None,
        "clean.png-2.html": html.mark(str(tmp_path / "clean.png")),
    }


def test_a_report_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "clean.jpg.html").symlink_to(tmp_path / "gone" / "page.html")
    shown = unmask("check", "clean.jpg", "changed.mp4", "--report", tmp_path)
    assert (
        "clean.jpg.html: the report cannot be written: No such file or directory\n" in shown.stderr
    )
    assert (tmp_path / "changed.mp4.html").is_file()
    assert shown.exit_code == 1


def test_one_page_has_the_name_that_was_asked_for(tmp_path: Path) -> None:
    page = tmp_path / "new" / "finding.html"
    for _ in range(2):
        shown = unmask("check", "changed.mp4", "--out", page, "--json")
        assert shown.exit_code == 0
    assert page.read_text(encoding="utf-8") == html.page(results.changed_video("changed.mp4"))
    assert json.loads(shown.stdout)["report"] == str(page)
    assert f"  Report: {page}\n" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ("clean.jpg", "changed.mp4"),
            "--out names the page on one file, and these are 2; use --report DIR",
        ),
        (("clean.jpg", "--report", "."), "--out and --report exclude each other"),
        (
            ("clean.jpg",),
            "footage.mov is there already and is no report; choose another name for --out",
        ),
    ],
)
def test_a_page_takes_no_other_files_place(
    tmp_path: Path, arguments: Sequence[str], reason: str
) -> None:
    footage = tmp_path / "footage.mov"
    footage.write_bytes(b"footage")
    shown = unmask("check", *arguments, "--out", footage)
    assert shown.exit_code == 2
    assert reason in shown.stderr
    assert footage.read_bytes() == b"footage"
    assert ASKED == []


def test_the_json_says_where_the_pages_are(tmp_path: Path) -> None:
    shown = unmask("check", "clean.jpg", "changed.mp4", "--json", "--report", tmp_path)
    assert [json.loads(line)["report"] for line in shown.stdout.splitlines()] == [
        str(tmp_path / "clean.jpg.html"),
        str(tmp_path / "changed.mp4.html"),
    ]
    assert json.loads(unmask("check", "clean.jpg", "--json").stdout)["report"] is None


# ---------------------------------------------------------------- as a process


@pytest.mark.slow
def test_an_interrupt_leaves_what_was_done() -> None:
    process = spawn("check", "clean.jpg", "interrupt.mp4", "clean.jpg", "--json")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert [json.loads(line)["path"] for line in out.splitlines()] == ["clean.jpg"]
    assert b"Traceback" not in err


@pytest.mark.slow
@pytest.mark.parametrize("form", ["--json", "--csv", "--prior=0.01"])
def test_a_closed_pipe_is_quiet(form: str) -> None:
    process = spawn("check", *["clean.jpg"] * 50, form)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        code = "import unmask.cli; unmask.cli.main()"
        done = subprocess.run(
            [sys.executable, "-c", code, "--version"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        b"unmask: the answer cannot be written: no space left on device\n",
    )


@pytest.mark.slow
def test_any_name_can_be_printed_in_any_encoding() -> None:
    name = os.fsdecode(b"clean-\xff-\xc3\xa9.jpg")
    process = spawn("check", name, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out.startswith(rb"no change found  clean-\udcff-\xe9.jpg")


# ---------------------------------------------------------------- the real pipeline


def test_real_files_are_judged_and_refused(real: None, tmp_path: Path) -> None:
    grey = np.full((96, 128, 3), 90, np.uint8)
    photo = clips.write_photo(tmp_path / "grey.png", grey, "PNG")
    video = clips.write_video(tmp_path / "grey.mp4", [grey] * 10)
    text = tmp_path / "text.jpg"
    text.write_text("no photo")
    shown = unmask(
        "check",
        photo,
        video,
        text,
        tmp_path / "missing.mp4",
        "--json",
        "--report",
        tmp_path / "out",
    )
    verdicts = [json.loads(line)["verdict"] for line in shown.stdout.splitlines()]
    assert verdicts == ["cannot tell", "cannot tell", None, None]
    assert f"unmask: {text}: neither a photo nor a video" in shown.stderr
    assert f"unmask: {tmp_path / 'missing.mp4'}: no such file" in shown.stderr
    assert shown.exit_code == 1
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_a_folder_as_a_newsroom_has_it_is_judged_whole(real: None, tmp_path: Path) -> None:
    grey = np.full((96, 128, 3), 90, np.uint8)
    for suffix, codec, pixels in (
        ("wmv", "wmv2", "yuv420p"),
        ("flv", "flv", "yuv420p"),
        ("mxf", "mpeg2video", "yuv422p"),
    ):
        clips.write_video(tmp_path / f"grey.{suffix}", [grey] * 10, codec=codec, pix_fmt=pixels)
    for suffix in ("tiff", "bmp", "jpeg"):
        clips.write_photo(tmp_path / f"grey.{suffix}", grey, suffix.upper())
    clips.write_video(tmp_path / "grey.mp4", [grey] * 10).rename(tmp_path / "grey")
    (tmp_path / "grey.ts").write_text("export const grey = 90;\n" * 100)
    shown = unmask("check", tmp_path, "--json")
    assert [json.loads(line)["outcome"] for line in shown.stdout.splitlines()] == ["no face"] * 7
    assert shown.stderr == (
        "unmask: 1 file in the folders is neither a photo nor a video by its content, and was "
        "left out\n"
    )
    assert shown.exit_code == 0
    (tmp_path / "photo.cr3").write_bytes(clips.box(b"ftyp", b"crx \0\0\0\0crx "))
    shown = unmask("check", tmp_path)
    assert "photo.cr3: a RAW file, which is not understood; export it as JPEG" in shown.stderr
    assert shown.exit_code == 1


def test_a_film_that_was_cut_off_says_so_everywhere(real: None, tmp_path: Path) -> None:
    grey = [clips.textured(i, 160, 120) for i in range(100)]
    whole = clips.write_video(
        tmp_path / "whole.mp4", grey, container_options={"movflags": "faststart"}
    ).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) * 47 // 100])
    said = "The file announces a length of 0:04.0, but its pictures end at 0:0"
    assert said in unmask("check", cut, "--report", tmp_path).stdout
    assert said in (tmp_path / "cut.mp4.html").read_text(encoding="utf-8")
    answer = json.loads(unmask("check", cut, "--json").stdout)
    at = answer["limit_codes"].index("limit.cut_off")
    assert answer["limits"][at].startswith(said)
    assert answer["limit_messages"][at]["code"] == "limit.cut_off"


def test_key_frames_for_a_reverse_image_search_have_no_metadata_and_no_boxes(
    real: None, tmp_path: Path
) -> None:
    tags = Image.Exif()
    tags[0x010F] = "A camera"
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        clips.write_photo(
            tmp_path / folder / "x.jpg", scenes.portrait(), "JPEG", quality=95, exif=tags
        )
    shown = unmask(
        "check", tmp_path / "a", tmp_path / "b", "--key-frames", tmp_path / "search", "--json"
    )
    frames = [
        Path(path) for line in shown.stdout.splitlines() for path in json.loads(line)["key_frames"]
    ]
    assert sorted(frames) == sorted((tmp_path / "search").iterdir())
    assert len(frames) == 2
    for frame in frames:
        assert f"  Key frame: {frame}\n" in shown.stderr
        picture = Image.open(frame)
        assert not picture.getexif()
        assert np.abs(np.asarray(picture).astype(int) - scenes.portrait()).mean() < 3


def test_an_address_is_answered_with_how_to_save_it(real: None) -> None:
    shown = unmask("check", "https://example.org/clip.mp4")
    assert shown.stderr == (
        "unmask: https://example.org/clip.mp4: a web address, not a file; "
        "save it first, with the browser or by: curl -L -o FILE ADDRESS\n"
    )
    assert shown.exit_code == 1
