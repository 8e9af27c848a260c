from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import faces_for_tests
import numpy as np
import pyarrow.parquet as pq
import pytest
from unmask_lab.collect import collect, five_points
from unmask_lab.data import (
    BONA_FIDE,
    CHANGED,
    DataError,
    Row,
    read,
    refuse_empty_class,
    refuse_leak,
)


def test_collect_finds_the_points_and_names_what_it_leaves_out(tmp_path: Path) -> None:
    images = [
        faces_for_tests.jpeg(faces_for_tests.person(0)),
        b"no image",
        faces_for_tests.jpeg(np.full((99, 99, 3), 90, np.uint8)),
    ]
    source = faces_for_tests.write(tmp_path / "raw.parquet", range(3), image=images)
    kept, left_out = collect(source, tmp_path / "out" / "raw.parquet")
    assert kept == 1
    assert [line.split(":")[0] for line in left_out] == ["row 1 (clip1)", "row 2 (clip2)"]
    (row,) = read([tmp_path / "out" / "raw.parquet"])
    right_eye, left_eye, nose, *mouth = row.points
    assert right_eye[0] < nose[0] < left_eye[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(m[1] for m in mouth)


def test_a_face_that_fills_its_picture_is_found() -> None:
    tight = faces_for_tests.person(0)[30:165, 40:145]
    assert five_points(tight) is not None


def test_a_missing_column_is_refused_by_name(tmp_path: Path) -> None:
    source = faces_for_tests.write(tmp_path / "raw.parquet", range(1))
    pq.write_table(pq.read_table(source).drop_columns(["identity"]), source)
    with pytest.raises(DataError, match="identity"):
        collect(source, tmp_path / "out.parquet")


def test_what_was_not_collected_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unmask-lab collect"):
        read([faces_for_tests.write(tmp_path / "raw.parquet", range(1))])
    with pytest.raises(DataError, match="no such file"):
        read([tmp_path / "nothing.parquet"])


def test_what_is_no_parquet_file_is_refused_by_name(tmp_path: Path) -> None:
    source = tmp_path / "raw.parquet"
    source.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=r"raw\.parquet: cannot be read as Parquet"):
        collect(source, tmp_path / "out.parquet")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read([source])


def test_an_empty_class_is_refused_where_it_is_needed(rows: list[Row]) -> None:
    changed = [replace(row, label=CHANGED) for row in rows[:6]]
    refuse_empty_class([*changed, *rows[6:]], BONA_FIDE, CHANGED)
    with pytest.raises(DataError, match="none of 6 rows is changed"):
        refuse_empty_class(rows[6:12], CHANGED)
    with pytest.raises(DataError, match="none of 6 rows is bona fide"):
        refuse_leak(changed, rows[6:])
    with pytest.raises(DataError, match="none of 0 rows is bona fide"):
        refuse_leak([], rows)


def test_a_leaking_split_is_refused(rows: list[Row]) -> None:
    refuse_leak(rows[:6], rows[6:])
    with pytest.raises(DataError, match="1 identities are on both sides"):
        refuse_leak(rows[:7], rows[6:])
