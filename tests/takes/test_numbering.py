"""The numbers of encoders: packets taken out show in them, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests import clips
from tests.support import takes as made
from unmask.media import open_footage
from unmask.takes import container, numbering
from unmask.takes.findings import BreakKind, Confidence, Finding
from unmask.types import Numbers, Packets

pytestmark = pytest.mark.slow

GOP, GROUPS = 25, 24
END = GOP * GROUPS / made.FPS
X264 = {"sc_threshold": "0", "preset": "ultrafast"}
X265 = {"preset": "ultrafast"}
X265_PARAMS = "log-level=none:scenecut=0:open-gop=1:bframes={}"


def film(path: Path, **how: Any) -> Path:
    pictures = (clips.textured(i, 320, 180) for i in range(GOP * GROUPS))
    return made.write(path, pictures, gop=GOP, **how)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("numbering") / "whole.mkv", options=X264)


def found(path: Path) -> list[Finding]:
    packets = open_footage(path).packets
    return [one for one in container.findings(packets) if one.reason.code == "take.numbers"]


def without(path: Path, whole: Path, first: int, count: int) -> Path:
    """Copies the packets of a film without some groups of pictures."""
    seconds = GOP / made.FPS
    cut = first * seconds, (first + count) * seconds
    return made.remuxed(path, (whole, 0, cut[0]), (whole, cut[1], END))


def test_nothing_is_told_of_a_film_of_one_piece(whole: Path) -> None:
    assert found(whole) == []
    assert set(open_footage(whole).packets.numbers.idr.tolist()) == {0, 1}


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts"])
@pytest.mark.parametrize("first", [11, 12])
def test_an_odd_number_of_groups_that_is_missing_is_told_at_its_place(
    whole: Path, tmp_path: Path, suffix: str, first: int
) -> None:
    (cut,) = found(without(tmp_path / f"cut.{suffix}", whole, first, 3))
    assert (cut.kind, cut.end) == (BreakKind.JOIN, pytest.approx(first, abs=0.01))
    assert cut.start == pytest.approx(first - 1 / made.FPS, abs=0.01)
    # 0 may also come from a new encoder
    assert cut.confidence is (Confidence.HIGH if first % 2 == 0 else Confidence.MEDIUM)


def test_an_even_number_of_groups_shows_otherwise_or_not_at_all(
    whole: Path, tmp_path: Path
) -> None:
    assert found(without(tmp_path / "cut.mkv", whole, 11, 2)) == []


def test_near_an_end_numbers_say_nothing(whole: Path, tmp_path: Path) -> None:
    assert found(without(tmp_path / "cut.mkv", whole, 6, 1)) == []


def test_a_group_that_was_lost_while_the_clock_went_on_is_no_join(
    whole: Path, tmp_path: Path
) -> None:
    path = tmp_path / "lost.mkv"
    with av.open(str(whole)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux(video=0) if p.size):
            if number not in range(12 * GOP, 12 * GOP + 5):
                packet.stream = stream
                out.mux(packet)
    assert found(path) == []


def in_parts(path: Path, *groups: int) -> Path:
    """Joins films of so many groups of pictures, each by an encoder that starts anew.

    Its line, which would tell, is left out.
    """
    parts = [
        made.write(
            path.with_name(f"{number}.mp4"),
            (clips.textured(i, 320, 180) for i in range(5 * count)),
            gop=5,
            options=X264,
        )
        for number, count in enumerate(groups)
    ]
    with av.open(str(parts[0])) as first, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(first.streams.video[0])
        for number, packet in enumerate(_packets(parts)):
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            out.mux(packet)
    return path


def _packets(parts: list[Path]) -> Iterator[Any]:
    for part in parts:
        with av.open(str(part)) as film:
            for packet in film.demux(video=0):
                data = bytes(packet)
                size = 4 + int.from_bytes(data[:4], "big")
                copy: Any = av.Packet(data[size:] if data[4:5] == b"\6" else data)
                copy.is_keyframe = packet.is_keyframe
                if data:
                    yield copy


def test_an_encoder_that_always_writes_one_number_shows_nothing(tmp_path: Path) -> None:
    path = in_parts(tmp_path / "constant.mp4", *[1] * GROUPS)
    assert set(open_footage(path).packets.numbers.idr.tolist()) == {0}
    assert found(path) == []


def test_parts_by_encoders_of_their_own_are_no_joins_and_one_join_is(tmp_path: Path) -> None:
    assert found(in_parts(tmp_path / "parts.mp4", *[9, 11, 9, 10, 13, 9, 11])) == []
    (join,) = found(in_parts(tmp_path / "joined.mp4", 11, 10))
    assert (join.end, join.confidence) == (pytest.approx(55 / 25), Confidence.MEDIUM)


@pytest.mark.parametrize(
    ("codec", "pictures_between"), [("libx264", 3), ("libx265", 0), ("libx265", 3)]
)
def test_open_groups_go_on_counting_over_key_frames(
    tmp_path: Path, codec: str, pictures_between: int
) -> None:
    options = (
        X264 | {"x264-params": f"open-gop=1:bframes={pictures_between}"}
        if codec == "libx264"
        else X265 | {"x265-params": X265_PARAMS.format(pictures_between)}
    )
    whole = film(tmp_path / "whole.mkv", codec=codec, options=options)
    assert open_footage(whole).packets.numbers.fresh.tolist() == [1] + [0] * (GROUPS - 1)
    assert found(whole) == []
    for count in (1, 2):
        (cut,) = found(without(tmp_path / f"{count}.mkv", whole, 11, count))
        assert (cut.confidence, cut.end) == (Confidence.HIGH, pytest.approx(11, abs=0.2))


def told(idr: Any = -1, order: Any = -1, wraps: int = 0, at: Any = None) -> list[float]:
    """Returns where numbers of key frames do not go on.

    Args:
        idr: idr_pic_id of each, or -1 where none is an IDR picture.
        order: pic order count of each.
        wraps: value at which that starts over.
        at: number of the packet of each; pictures last a second. All are key frames if not given.
    """
    size = max(np.size(idr), np.size(order))
    places = np.arange(size) if at is None else np.asarray(at)
    ticks = np.arange(places[-1] + 1)
    columns = [places, np.greater_equal(idr, 0), idr, order, wraps, -1]
    numbers = Numbers(*(np.broadcast_to(one, size).astype(np.int32) for one in columns))
    keys = np.isin(ticks, places)
    sizes, crcs = np.full(ticks.size, 1000, np.int32), ticks.astype(np.uint32)
    whole = np.zeros(ticks.size, np.bool_)
    packets = Packets(Fraction(1), ticks, keys, whole, sizes, crcs, 1, (), numbers)
    return [one.end for one in numbering.findings(packets, ticks.astype(float), 1.0)]


def test_an_encoder_that_counts_up_is_told_wherever_it_leaves_out() -> None:
    assert told([*range(7, 60)]) == []
    assert told([*range(7, 30), *range(32, 60)]) == [23]
    assert told([*range(65500, 65536), *range(40)]) == []
    assert told([*range(20, 40), *range(9, 30)]) == []
    assert told([*range(9, 40), *range(20, 60)]) == [31]


def test_numbers_without_a_rule_show_nothing() -> None:
    rng = np.random.default_rng(0)
    for most in (1, 2, 3, 16):
        assert told(rng.integers(0, most, 2000).tolist()) == []
    assert told([0, 1, 2, 3] * 20) == []
    assert told([3, 4, 5] * 20) == []


def test_a_count_that_wraps_as_often_as_key_frames_come_is_not_mistaken() -> None:
    at = np.array([*range(0, 400, 16), *range(396, 800, 16)])
    for by in (1, 2):
        assert told(order=by * at % 16, wraps=16, at=at) == []
        lost = np.where(at < 400 - 16, 0, 5)
        assert told(order=by * (at + lost) % 16, wraps=16, at=at) == [384]
