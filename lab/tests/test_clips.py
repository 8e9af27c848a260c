from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import faces_for_tests
import pytest
from unmask_lab.clips import clips
from unmask_lab.data import Row, decode


def test_simulated_clips_are_counted_once_each(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unmask_lab.clips.FAMILIES", ("other_face",))
    double = [
        replace(
            row,
            points=row.points * 2,
            jpeg=faces_for_tests.jpeg(cv2.resize(decode(row.jpeg), None, fx=2, fy=2)),
        )
        for row in rows[:2]
    ]
    text = clips(double, tmp_path, people=1)
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")][
        2:
    ]
    assert [line[0] for line in table] == ["bona fide", "other_face"]
    assert all(sum(map(int, line[1:4])) == 1 for line in table)
    assert (tmp_path / "clips.md").read_text() == text
