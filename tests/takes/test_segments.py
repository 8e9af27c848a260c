"""Segments of fragmented MP4: read with their initialization segment, as files of their own."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import takes as made
from unmask.errors import MediaNotFound
from unmask.media import open_footage, playlist
from unmask.media.prefixed import Prefixed, Segment
from unmask.take import TakeSettings, one_take
from unmask.takes.findings import BreakKind

MUTE = TakeSettings(power=False)


@pytest.mark.slow
def test_segments_that_need_another_file_are_one_take(tmp_path: Path) -> None:
    index = made.segmented(tmp_path, map(made.filmed, made.times((0, 6))))
    result = one_take(playlist.segments(str(index)), MUTE)
    assert (len(result.parts), result.breaks) == (6, ())
    assert result.duration == pytest.approx(6, abs=0.05)
    for part in result.parts:
        data = Path(part.path).read_bytes()
        assert (part.sha256, part.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))


@pytest.mark.slow
def test_a_segment_that_is_missing_is_seen(tmp_path: Path) -> None:
    index = made.segmented(tmp_path, map(made.filmed, made.times((0, 7))))
    index.write_text(index.read_text().replace("003.m4s\n", ""))
    (cut,) = one_take(playlist.segments(str(index)), MUTE).breaks
    assert (cut.kind, cut.end) == (BreakKind.GAP, pytest.approx(3, abs=0.05))


def test_a_segment_without_its_other_file_says_which(tmp_path: Path) -> None:
    (tmp_path / "0.m4s").write_bytes(b"x")
    with pytest.raises(MediaNotFound, match=r"init\.mp4: no such file"):
        open_footage(Segment(str(tmp_path / "0.m4s"), str(tmp_path / "init.mp4")))


@given(
    st.binary(max_size=9),
    st.binary(max_size=9),
    st.lists(st.tuples(st.integers(0, 20), st.integers(-1, 20)), max_size=8),
)
def test_bytes_in_front_are_read_like_those_of_one_file(
    lead: bytes, rest: bytes, steps: list[tuple[int, int]]
) -> None:
    both, whole = Prefixed(lead, io.BufferedReader(io.BytesIO(rest))), io.BytesIO(lead + rest)
    for place, size in steps:
        if place % 2:
            assert both.seek(place) == whole.seek(place)
        assert both.read(size) == whole.read(size)
        assert both.tell() == whole.tell() or whole.tell() > len(lead + rest)
