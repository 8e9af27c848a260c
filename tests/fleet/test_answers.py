"""Workers that a file took over: whatever they say, the other files get their results."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from unmask.errors import UnmaskError
from unmask.fleet import crew, query, spoken
from unmask.fleet.ledger import Ledger
from unmask.fleet.source import Item, Listing
from unmask.fleet.tables import Row, Tables

HONEST = ("honest/1.mp4", "honest/2.mp4")
TAKEN = "hostile.mp4"


def sha256_of(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()


def result(path: str, **more: object) -> dict[str, object]:
    return {"results": [{"sha256": sha256_of(path), "outcome": "no face", "people": 0, **more}]}


SKETCH = {
    "times": [0.0],
    "frame": [0],
    "hashes": bytes(32),
    "places": bytes(12),
    "aspect": 1.0,
}


def sketched(**more: object) -> dict[str, object]:
    return result(TAKEN) | {"sketches": [{"sha256": sha256_of(TAKEN)} | SKETCH | more]}


class Saying(crew.WorkerLink):
    """Fake of a worker's connection: honest over every file but the hostile one.

    Args:
        instead: what it says of the hostile file, by the order.
    """

    def __init__(self, instead: dict[str, Any]) -> None:
        self._instead, self._path = instead, ""
        self.said: Any = ("ready", None)

    def ask(self, order: str, path: str = "") -> None:
        self._path = path or self._path
        honest = {
            "identify": ("identified", sha256_of(self._path)),
            "judge": ("judged", result(self._path)),
        }
        self.said = (honest | (self._instead if self._path == TAKEN else {}))[order]

    def hear(self) -> tuple[str, Any]:
        said, self.said = self.said, None
        return said  # type: ignore[no-any-return]

    def end(self) -> None:
        self.said = None


def speaking(links: Sequence[Saying], _seconds: float) -> Collection[Saying]:
    return [link for link in links if link.said is not None]


def scanned(out: Path, instead: dict[str, Any], paths: Sequence[str] = (TAKEN, *HONEST)) -> Ledger:
    tables = Tables(out, "c")
    found = Listing(tuple(Item(path, 1, 0.0) for path in paths), (), ())
    ledger = Ledger("s3://films", found, tables, out / "tries.jsonl")
    try:
        crew.run(ledger, lambda: Saying(instead), speaking, 1, 60.0)
    finally:
        ledger.close()
    return ledger


def results(out: Path) -> dict[str, Row]:
    with query.open_results(out) as tables:
        return {row["sha256"]: row for row in tables.rows("FROM results")}


@pytest.mark.parametrize(
    "judged",
    [
        5,
        {},
        {"results": 5},
        {"results": ["row"]},
        {"results": []},
        {"results": [*result(TAKEN)["results"], *result(TAKEN)["results"]]},  # type: ignore[misc]
        result(TAKEN, people="many"),
        result(TAKEN, outcome="\udc00"),
        result(TAKEN, people=1 << 40),
        result(TAKEN) | {"people": [{"sha256": sha256_of(HONEST[1]), "person": 1}]},
        sketched(frame=[7]),
        sketched(hashes=bytes(31)),
        sketched(places=b""),
        sketched(times=None),
        sketched(aspect=float("nan")),
    ],
)
def test_rows_that_make_no_sense_are_the_death_of_the_worker_over_that_file(
    tmp_path: Path, judged: Any
) -> None:
    found = scanned(tmp_path, {"judge": ("judged", judged)})
    assert (found.counts.judged, found.counts.poison) == (3, 1)
    rows = results(tmp_path)
    assert [rows[sha256_of(path)]["error"] for path in HONEST] == [None, None]
    assert rows[sha256_of(TAKEN)]["error_code"] == "error.never_ended_why"


@pytest.mark.parametrize(
    "instead",
    [
        {"judge": ("unreadable", 5)},
        {"judge": ("wrong", ["x"])},
        {"judge": ("identified", sha256_of(HONEST[1]))},
        {"judge": ("ready", None)},
        {"judge": (["judged"], None)},
        {"identify": ("identified", [1])},
        {"identify": ("identified", "A" * 64)},
        {"identify": ("judged", result(HONEST[1]))},
    ],
)
def test_an_answer_to_no_question_is_the_death_of_the_worker_over_that_file(
    tmp_path: Path, instead: dict[str, Any]
) -> None:
    found = scanned(tmp_path, instead)
    assert found.counts.poison + found.counts.unreadable == 1
    rows = results(tmp_path)
    assert [rows[sha256_of(path)]["outcome"] for path in HONEST] == ["no face", "no face"]


def test_no_verdict_is_taken_for_another_content(tmp_path: Path) -> None:
    lie = {"judge": ("judged", result(HONEST[1], outcome="changed"))}
    found = scanned(tmp_path, lie)
    assert (found.counts.judged, found.counts.poison) == (3, 1)
    assert results(tmp_path)[sha256_of(HONEST[1])]["outcome"] == "no face"
    assert "another file" in results(tmp_path)[sha256_of(TAKEN)]["error"]


def test_a_worker_writes_no_rows_of_files(tmp_path: Path) -> None:
    scanned(tmp_path, {"judge": ("judged", result(TAKEN) | {"files": [{"path": "made up"}]})})
    with query.open_results(tmp_path) as tables:
        assert {row["path"] for row in tables.rows("FROM files")} == {TAKEN, *HONEST}


def test_one_file_cannot_end_the_scan_by_blaming_the_set_up(tmp_path: Path) -> None:
    found = scanned(tmp_path, {"judge": ("wrong", "the index is gone")})
    assert (found.counts.judged, found.counts.unreadable, found.counts.poison) == (2, 1, 0)


def test_a_set_up_that_fails_every_file_ends_the_scan(tmp_path: Path) -> None:
    with pytest.raises(UnmaskError, match="the index is gone"):
        scanned(tmp_path, {"identify": ("wrong", "the index is gone")}, [TAKEN])
    assert not (tmp_path / "tries.jsonl").exists()


def test_an_answer_is_read_as_it_was_said() -> None:
    rows = sketched(hashes=bytes(range(256)), checked=datetime(2026, 5, 1, tzinfo=UTC), score=0.1)
    assert spoken.heard(spoken.said("judged", rows)) == ("judged", rows)
    assert spoken.heard(spoken.said("unreadable", "\udc00")) == ("unreadable", "\udc00")
    with pytest.raises(TypeError, match="PosixPath is no plain value"):
        spoken.said("judged", Path())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[" * 100_000,
        b'["judged"]',
        b'["judged", {"base64": 5}]',
        b'["judged", {"time": "today"}]',
        b'["unreadable", ' + b"9" * 10_000 + b"]",
        pickle.dumps(("unreadable", "it is a pickle")),
    ],
)
def test_bytes_that_are_no_answer_are_an_error(content: bytes) -> None:
    with pytest.raises((ValueError, TypeError, RecursionError)):
        spoken.heard(content)
