"""`unmask fleet` on the command line, with the real check over a few small files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from skimage.data import astronaut
from typer.testing import CliRunner

import unmask
from tests import clips
from unmask.cli import app
from unmask.fleet import query

pytestmark = pytest.mark.slow


def fleet(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from unmask.cli import main; main()",
        "fleet",
        *map(str, arguments),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    clips.write_photo(folder / "portrait.png", astronaut()[:300, 60:360], "PNG")
    whole = clips.write_video(folder / "clip.mp4", (clips.textured(n, 96, 96) for n in range(12)))
    (folder / "copy.mp4").write_bytes(whole.read_bytes())
    (folder / "broken.mp4").write_bytes(whole.read_bytes()[:300])
    return folder


def test_a_scan_says_of_each_content_what_check_says(source: Path, tmp_path: Path) -> None:
    done = fleet("scan", source, "--out", tmp_path / "out", "--workers", "1", "--lines", "learned")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("4 files: 3 contents judged in ")
    with query.open_results(tmp_path / "out") as tables:
        found = {row["path"]: row for row in tables.rows("FROM files JOIN results USING (sha256)")}
        people = tables.rows("FROM people")
        findings = tables.rows("FROM findings")
        sketches = tables.rows("SELECT sha256 FROM sketches")
    alone = unmask.check(source / "portrait.png", lines=("learned",))
    row = found[str(source / "portrait.png")]
    assert (row["sha256"], row["outcome"], row["reason"]) == (
        alone.sha256,
        alone.outcome,
        str(alone.reason),
    )
    assert row["log10_lr"] == (
        None if alone.log10_lr is None else pytest.approx(alone.log10_lr, abs=0.01)
    )
    assert [(one["person"], one["verdict"], one["sightings"]) for one in people] == [
        (1, alone.people[0].verdict, 1)
    ]
    assert [one["line"] for one in findings] == list(alone.people[0].lines)
    assert found[str(source / "copy.mp4")]["outcome"] == "no face"
    assert found[str(source / "broken.mp4")]["error_code"] == "media.cut_off"
    assert len(sketches) == 2
    (facts,) = (tmp_path / "out" / "configurations").glob("*.json")
    assert json.loads(facts.read_text())["settings"]["lines"] == ["learned"]


def test_a_plan_writes_nothing(source: Path, tmp_path: Path) -> None:
    done = fleet("plan", source, "--sample", "1", "--price", "0.05", "--lines", "learned")
    assert done.returncode == 0, done.stderr
    assert "4 files to read" in done.stdout
    assert "95 % interval" in done.stdout
    assert "at 0.05 a core hour" in done.stdout
    assert {path.name for path in source.iterdir()} == {
        "portrait.png",
        "clip.mp4",
        "copy.mp4",
        "broken.mp4",
    }


def test_what_cannot_be_used_is_said_before_anything_is_judged(
    source: Path, tmp_path: Path
) -> None:
    for wrong, code in (
        (("--lines", "nothing"), 2),
        (("--originals", tmp_path), 1),
        (("--licences", tmp_path / "no"), 2),
    ):
        done = CliRunner().invoke(
            app, ["fleet", "scan", str(source), "--out", str(tmp_path / "out"), *map(str, wrong)]
        )
        assert (done.exit_code, done.stdout) == (code, "")
        assert done.stderr.startswith("unmask: ")
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "results").exists()
