"""The page on a scan, from tables that the test writes: order and counts, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from unmask.cli import app
from unmask.errors import UsageError
from unmask.fleet import rows
from unmask.fleet.page import page
from unmask.fleet.summary import Summary, summary
from unmask.fleet.tables import Row, Tables
from unmask.words import language

CONFIGURATION = "c0123456789abcdef"


@dataclass
class Told:
    """Content in the tables: its outcome, log10 LR, files, and the day on which it was written."""

    name: str
    outcome: str | None
    log10_lr: float | None = None
    files: int = 1
    day: int = 1

    @property
    def sha256(self) -> str:
        return self.name.encode().hex().ljust(64, "0")

    def result(self) -> Row:
        failed = (
            {"error": "it is <b>broken</b>", "error_code": "media.broken"}
            if self.outcome is None
            else {}
        )
        return {
            "sha256": self.sha256,
            "outcome": self.outcome,
            "log10_lr": self.log10_lr,
            "people": 1,
            "kind": "video",
            "duration": 36.0,
            "size_bytes": 1000,
            "seconds": 1.0,
            "checked": datetime(2026, 11, 30, 12, 0, tzinfo=UTC),
            **failed,
        }

    def paths(self) -> list[Row]:
        written = datetime(2026, 11, self.day, tzinfo=UTC).timestamp()
        return [
            rows.of_file(f"/in/{self.name}-{n}.mp4", 1000, written, self.sha256)
            for n in range(self.files)
        ]


WORLD = (
    Told("plain", "no change found", -1.0, day=1),
    Told("strong", "changed", 3.5, day=2),
    Told("weak", "changed", 1.2, files=7, day=2),
    Told("original", "no change found", -0.8, files=3, day=3),
    Told("swap", "changed", 1.1, day=3),
    Told("copy-a", "changed", 2.0, day=3),
    Told("copy-b", "changed", 2.2, day=3),
    Told("nobody", "no face", day=3),
    Told("broken", None, day=3),
)


@pytest.fixture
def scanned(tmp_path: Path) -> Path:
    tables = Tables(tmp_path, CONFIGURATION)
    found = {
        "files": [row for told in WORLD for row in told.paths()],
        "results": [told.result() for told in WORLD],
    }
    found["files"].append(
        rows.of_file("/in/away.mp4", 1000, 0.0, None, "the storage does not answer")
    )
    tables.commit(found)
    names = {told.name: told.sha256 for told in WORLD}
    pairs = (
        ("original", "original"),
        ("swap", "original"),
        ("copy-a", "copy-a"),
        ("copy-b", "copy-a"),
    )
    tables.replace_groups(
        [{"sha256": names[one], "group": names[leader]} for one, leader in pairs], tables.sketched()
    )
    return tmp_path


@pytest.fixture
def told(scanned: Path) -> Summary:
    return summary(scanned)


def test_near_duplicates_that_disagree_are_on_top_then_the_strongest_evidence(
    told: Summary,
) -> None:
    queue = [(row["path"], row["contents"], row["files"], row["disagree"]) for row in told.queue]
    assert queue == [
        ("/in/swap-0.mp4", 2, 4, True),
        ("/in/strong-0.mp4", 1, 1, False),
        ("/in/copy-b-0.mp4", 2, 2, False),
        ("/in/weak-0.mp4", 1, 7, False),
    ]
    assert told.queue[0]["outcomes"] == ["changed", "no change found"]


def test_everything_is_counted(told: Summary) -> None:
    scope = {
        name: told.scope[name]
        for name in ("contents", "files", "videos", "unread", "waiting", "configuration")
    }
    assert scope == {
        "contents": 9,
        "files": 17,
        "videos": 9,
        "unread": 1,
        "waiting": 0,
        "configuration": CONFIGURATION,
    }
    assert {row["outcome"]: (row["contents"], row["files"]) for row in told.outcomes} == {
        "changed": (5, 11), "no change found": (2, 4), "no face": (1, 1), None: (1, 1),
    }  # fmt: skip
    assert told.periods["2026-11-02"] == {"changed": 8}
    assert [(row["code"], row["files"]) for row in told.failures] == [
        ("media.broken", 1),
        ("unreadable", 1),
    ]
    assert [(row["path"], row["files"]) for row in told.floods][:2] == [
        ("/in/weak-0.mp4", 7),
        ("/in/original-0.mp4", 4),
    ]


def test_a_file_that_was_written_to_counts_by_what_it_is_now(scanned: Path) -> None:
    told = Told("newer", "no face")
    row = rows.of_file("/in/strong-0.mp4", 1000, 0.0, told.sha256)
    Tables(scanned, CONFIGURATION).commit({"files": [row], "results": [told.result()]})
    found = summary(scanned)
    assert found.scope["contents"] == 9
    assert "/in/strong-0.mp4" not in {row["path"] for row in found.queue}


def test_what_a_killed_driver_left_half_is_not_seen_and_is_deleted(scanned: Path) -> None:
    tables = Tables(scanned, CONFIGURATION)
    swap = next(told for told in WORLD if told.name == "swap")
    tables.commit(
        {
            "results": [Told("half", "changed").result()],
            "people": [{"sha256": swap.sha256, "person": 1}],
        }
    )
    newest = max((scanned / "results").rglob("*.parquet"), key=lambda path: path.name)
    newest.unlink()
    (newest.parent / "half.parquet.tmp").write_bytes(b"PAR1")
    other = scanned / "results" / "mine.tmp"
    other.write_text("not of a scan")
    from unmask.fleet import query

    with query.open_results(scanned) as opened:
        assert opened.rows("FROM people") == []
    tables.tidy()
    assert list((scanned / "people").rglob("*.parquet")) == []
    assert list(scanned.rglob("*.tmp")) == [other]


@pytest.mark.parametrize("code", ["en", "zh"])
def test_the_page_is_whole_and_escapes_what_strangers_wrote(told: Summary, code: str) -> None:
    text = page(told, language(code))
    assert f'<html lang="{code}">' in text
    assert "<b>broken</b>" not in text
    assert "&lt;b&gt;broken" in text
    assert text.index("/in/swap-0.mp4") < text.index("/in/strong-0.mp4")
    assert "style=" not in text


def test_the_command_writes_the_page(scanned: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["fleet", "report", str(scanned), "--to", str(tmp_path / "page.html")]
    )
    assert (done.exit_code, done.output.strip()) == (0, str(tmp_path / "page.html"))
    with pytest.raises(UsageError, match="no scan has written there"):
        summary(tmp_path / "nothing")
    assert CliRunner().invoke(app, ["fleet", "report", str(tmp_path / "nothing")]).exit_code == 2


def test_a_table_that_is_broken_is_said_in_one_line(scanned: Path) -> None:
    (part,) = (scanned / "results").rglob("*.parquet")
    part.write_bytes(b"PAR1 and no more")
    done = CliRunner().invoke(app, ["fleet", "report", str(scanned)])
    assert done.exit_code == 1
    assert done.stderr.startswith(f"unmask: {scanned}: its tables cannot be read (")
    assert len(done.stderr.splitlines()) == 1


def test_the_page_on_an_empty_scan(tmp_path: Path) -> None:
    Tables(tmp_path, CONFIGURATION).commit(
        {"files": [rows.of_file("/in/a.mp4", 1, 0.0, None, "gone")]}
    )
    assert "gone" in page(summary(tmp_path))


def test_the_docs_list_the_tables_as_they_are_declared() -> None:
    from unmask.fleet import reference

    docs = Path(__file__).parents[2] / "docs" / "fleet.md"
    assert reference.tables() in docs.read_text(encoding="utf-8"), (
        "put in what `python -m unmask.fleet.reference` prints"
    )
