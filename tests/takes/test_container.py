"""Evidence from packets alone: joins, stops and repeats are found, and none in one whole take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import takes as made
from unmask.media import open_footage
from unmask.takes import container
from unmask.takes.findings import BreakKind, Finding

pytestmark = pytest.mark.slow


def found(path: Path) -> list[Finding]:
    return container.findings(open_footage(path).packets)


def one(
    tmp_path: Path, name: str = "one.mp4", start: float = 0, end: float = 6, **how: object
) -> Path:
    return made.write(tmp_path / name, map(made.filmed, made.times((start, end))), **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "codec"),
    [("one.mp4", "libx264"), ("one.mkv", "libx265"), ("one.ts", "libx264"), ("one.mp4", "mpeg4")],
)
def test_a_take_of_one_piece_gives_nothing(tmp_path: Path, name: str, codec: str) -> None:
    assert found(one(tmp_path, name, codec=codec, gop=25)) == []


def test_a_pause_of_the_camera_is_a_gap(tmp_path: Path) -> None:
    pts = [40 * i + (3000 if i >= 75 else 0) for i in range(150)]
    (gap,) = found(one(tmp_path, pts=pts))
    assert (gap.kind, gap.start, gap.end) == (
        BreakKind.GAP,
        pytest.approx(2.96),
        pytest.approx(6.0),
    )


def test_pictures_that_a_camera_dropped_are_noted_and_break_nothing(tmp_path: Path) -> None:
    pts = [40 * i + (80 if i >= 75 else 0) for i in range(150)]
    (dropped,) = found(one(tmp_path, pts=pts))
    assert not dropped.kind.breaks
    assert dropped.reason.values["count"] == 2


def test_a_rate_that_varies_is_no_gap(tmp_path: Path) -> None:
    pts = [40 * i + 17 * (i * i % 3) + 300 * (i // 30) for i in range(150)]
    assert found(one(tmp_path, pts=pts)) == []


def test_two_files_that_were_joined_without_encoding_them_again_are_told(tmp_path: Path) -> None:
    first, second = one(tmp_path, "a.mp4"), one(tmp_path, "b.mp4", 9, 15, options={"crf": "30"})
    path = made.remuxed(tmp_path / "joined.mp4", (first, 0, 6), (second, 0, 6))
    (join,) = [finding for finding in found(path) if finding.kind is BreakKind.JOIN]
    assert join.end == pytest.approx(6.0, abs=0.01)


def test_another_rhythm_of_key_frames_is_a_join(tmp_path: Path) -> None:
    how = {"codec": "mpeg4", "options": {"qscale": "5"}}
    first = made.write(tmp_path / "a.mp4", map(made.filmed, made.times((0, 6))), gop=20, **how)  # type: ignore[arg-type]
    second = made.write(tmp_path / "b.mp4", map(made.filmed, made.times((6, 12))), gop=25, **how)  # type: ignore[arg-type]
    (join,) = found(made.remuxed(tmp_path / "joined.mp4", (first, 0, 5.6), (second, 0, 6)))
    assert (join.kind, join.end) == (BreakKind.JOIN, pytest.approx(5.6, abs=0.9))


def test_a_stretch_put_in_twice_is_told_by_its_bytes(tmp_path: Path) -> None:
    whole = one(tmp_path, gop=25, end=8)
    path = made.remuxed(tmp_path / "twice.mp4", (whole, 0, 5), (whole, 2, 8))
    (repeat,) = [finding for finding in found(path) if finding.kind is BreakKind.REPEAT]
    assert (repeat.start, repeat.end) == (pytest.approx(5, abs=0.1), pytest.approx(8, abs=0.2))
    assert repeat.reason.values["original_start"] == pytest.approx(2, abs=0.1)


def test_transport_streams_put_together_start_over(tmp_path: Path) -> None:
    first, second = one(tmp_path, "a.ts"), one(tmp_path, "b.ts", 9, 15)
    path = tmp_path / "joined.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    footage = open_footage(path)
    joins = [
        finding for finding in container.findings(footage.packets) if finding.kind is BreakKind.JOIN
    ]
    assert joins
    assert all(join.end == pytest.approx(6, abs=0.1) for join in joins)
    assert footage.restart == 150
    assert footage.facts.duration == pytest.approx(6, abs=0.1)


def test_a_key_frame_out_of_rhythm_is_worth_a_look(tmp_path: Path) -> None:
    whole = one(tmp_path, gop=10, end=12, options={"sc_threshold": "0"})
    path = made.remuxed(tmp_path / "cut.mp4", (whole, 0, 4.2), (whole, 6, 12))
    assert any(
        mark == pytest.approx(4.2, abs=0.1) for mark in container.marks(open_footage(path).packets)
    )
