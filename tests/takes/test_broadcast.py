"""Hours of one broadcast, simulated: here minutes of it, made and judged as the benchmark does."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import av
import pytest

from benchmarks.takes.broadcast import CAMERA, EDITOR, Broadcast, Encoding, joined
from benchmarks.takes.journey import FPS, Journey
from unmask.take import TakeSettings, take
from unmask.takes.findings import TakeAnswer

pytestmark = pytest.mark.slow

MUTE = TakeSettings(power=False)
PART = 1000
"""Pictures in a part; two minutes and a half of them make several."""


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory: pytest.TempPathFactory) -> Broadcast:
    return Broadcast(tmp_path_factory.mktemp("broadcast"), Journey(0, 160.0), PART)


def stream(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(**{kind: 0}) if packet.size]


def pictures(journey: Journey, first: int, last: int) -> list[av.VideoFrame]:
    return [av.VideoFrame.from_ndarray(page, "yuv420p") for page in journey.between(first, last)]


@pytest.mark.parametrize("encoding", [CAMERA, EDITOR], ids=["camera", "editor"])
def test_parts_are_byte_for_byte_what_one_encoder_writes(
    tmp_path: Path, encoding: Encoding
) -> None:
    journey, part = Journey(1, 60.0), 2 * encoding.gop
    shots = [pictures(journey, first, first + part) for first in (0, part, 2 * part)]
    parts = [tmp_path / f"{number}.mkv" for number in range(3)]
    for path, shot in zip(parts, shots, strict=True):
        encoding.write(path, shot)
    encoding.write(tmp_path / "once.mkv", chain(*shots))
    joined(tmp_path / "joined.mkv", parts, None)
    assert stream(tmp_path / "joined.mkv", "video") == stream(tmp_path / "once.mkv", "video")


def test_nothing_is_made_twice(broadcast: Broadcast) -> None:
    path = broadcast.write("uncut")
    made = path.stat().st_mtime_ns
    part = min((broadcast.folder / "camera").iterdir())
    kept, content = part.stat().st_mtime_ns, stream(path, "video")
    assert broadcast.write("uncut").stat().st_mtime_ns == made
    path.unlink()
    (broadcast.folder / "camera" / f"{PART:08}.mkv").unlink()
    assert stream(broadcast.write("uncut"), "video") == content
    assert part.stat().st_mtime_ns == kept


def test_uncut_it_is_one_take(broadcast: Broadcast) -> None:
    result = take(broadcast.write("uncut"))
    assert (result.answer, result.breaks) == (TakeAnswer.NO_BREAK_FOUND, ())
    assert result.decoded < 0.9
    assert {one.trials for one in result.power} == {40}


@pytest.mark.parametrize("version", ["remuxed", "encoded again"])
def test_half_a_minute_that_was_taken_out_is_found(broadcast: Broadcast, version: str) -> None:
    result = take(broadcast.write(version), MUTE)
    assert result.answer is TakeAnswer.BROKEN
    assert result.parts[0].duration == pytest.approx(broadcast.seconds(version), abs=0.1)
    assert [one.end for one in result.breaks] == pytest.approx(
        broadcast.breaks(version) * len(result.breaks), abs=0.3
    )


def test_without_sound_and_encoded_again_it_cannot_be_told(broadcast: Broadcast) -> None:
    result = take(broadcast.write("encoded again, mute"), MUTE)
    assert (result.answer, result.breaks) == (TakeAnswer.CANNOT_TELL, ())


def test_cutlery_at_a_key_frame_is_no_cut(tmp_path: Path) -> None:
    journey, first = Journey(0, 3600.0), 2228
    CAMERA.write(tmp_path / "part.mkv", pictures(journey, first * FPS, (first + 8) * FPS))
    sound = (journey.second(first + number) for number in range(8))
    joined(tmp_path / "meal.mkv", [tmp_path / "part.mkv"], sound)
    assert take(tmp_path / "meal.mkv", MUTE).findings == ()
