"""The sound of a take: cuts are found as jumps of a steady tone, silence as a stop.

A slammed door is only a click.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support import takes as made
from unmask.media import open_footage
from unmask.takes.findings import BreakKind
from unmask.takes.hearing import listen
from unmask.types import Sound


def parts(samples: NDArray[np.float32], start: float = 0.0) -> Iterator[Sound]:
    for place in range(0, samples.size, 4 * made.RATE):
        yield Sound(start + place / made.RATE, samples[place : place + 4 * made.RATE])


def test_a_room_that_hums_on_is_one_take() -> None:
    heard = listen(parts(made.heard((0, 30))))
    assert heard.findings == []
    assert sum(end - start for start, end in heard.steady) > 25


@pytest.mark.parametrize("lost", [0.33, 2.2, 30.013])
def test_a_cut_in_a_hum_is_heard_to_a_tenth_of_a_second(lost: float) -> None:
    (found,) = listen(parts(made.heard((0, 11), (11 + lost, 22 + lost)))).findings
    assert (found.kind, found.start) == (BreakKind.SOUND, pytest.approx(11, abs=0.1))


def engine(seconds: float, seed: int) -> NDArray[np.float32]:
    """Returns an engine that runs unevenly, in units of its loudest tone, and the road.

    Its third tone comes and goes beside a hum of 120 Hz.
    """
    rng, frames = np.random.default_rng(seed), round(seconds * 25)
    uneven = np.convolve(rng.normal(0, 0.6, frames + 99), np.hanning(100) / 10, "valid")
    at = np.arange(round(seconds * made.RATE)) / made.RATE
    turns = np.cumsum(np.interp(at, np.arange(frames) / 25, 40 + uneven)) / made.RATE
    tones = sum(np.sin(2 * np.pi * k * turns) / k for k in (1, 2, 3, 4))
    return np.asarray(tones + rng.normal(0, 2, at.size), np.float32)


def test_an_engine_beside_a_hum_is_no_break() -> None:
    sound = made.heard((0, 150)) + np.float32(0.03) * engine(150, 1)
    assert listen(parts(sound)).findings == []


def test_a_cut_in_a_hum_beside_an_engine_is_heard() -> None:
    sound = made.heard((0, 31), (61.013, 92)) + np.float32(0.03) * engine(61.987, 2)
    (found,) = listen(parts(sound)).findings
    assert found.start == pytest.approx(31, abs=0.1)


def test_a_cut_is_heard_through_a_codec(tmp_path: Path) -> None:
    sound = made.heard((0, 5), (8.003, 12))
    path = made.write(tmp_path / "cut.mp4", [made.filmed(0)] * 225, sound)
    (found,) = listen(open_footage(path).sound()).findings
    assert found.start == pytest.approx(5, abs=0.15)


def test_sound_that_stops_and_goes_on_is_told() -> None:
    sound = made.heard((0, 8))
    heard = listen([*parts(sound[: 4 * made.RATE]), *parts(sound[5 * made.RATE :], 5.0)])
    (gap,) = heard.findings
    assert (gap.start, gap.end) == (pytest.approx(4), pytest.approx(5))


def test_a_door_that_slams_is_no_break() -> None:
    sound = made.heard((0, 12), hum=0.0)
    slam = np.random.default_rng(1).normal(0, 1, 4000) * np.exp(-np.arange(4000) / 600)
    sound[80_000:84_000] += slam.astype(np.float32)
    assert listen(parts(sound)).findings == []


def test_a_click_points_to_its_place() -> None:
    sound = made.heard((0, 12), hum=0.0)
    sound[80_000] += 0.5
    assert listen(parts(sound)).marks == pytest.approx([5.0], abs=0.01)


def test_silence_is_neither_broken_nor_followed() -> None:
    heard = listen(parts(np.zeros(12 * made.RATE, np.float32)))
    assert (heard.findings, heard.marks, heard.steady) == ([], [], [])


def test_a_film_without_sound_gives_none(tmp_path: Path) -> None:
    path = made.write(tmp_path / "mute.mp4", [made.filmed(0)] * 10)
    assert list(open_footage(path).sound()) == []


@pytest.mark.parametrize("start", [0.0, 11.3, 17.5])
@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_the_sound_of_a_stretch_is_read_from_near_it(
    tmp_path: Path, container: str, start: float
) -> None:
    t = np.arange(20 * made.RATE) / made.RATE
    sound = (0.3 * np.sin(2 * np.pi * (200 * t + 10 * t * t))).astype(np.float32)
    film = open_footage(made.write(tmp_path / f"film.{container}", [made.filmed(0)] * 500, sound))
    read = film.sound_between(start, start + 2)
    first = round(start * made.RATE)
    assert np.corrcoef(read, sound[first : first + read.size])[0, 1] > 0.999
    assert film.sound_between(30, 31).size == 0


def test_sound_behind_all_pictures_of_a_transport_stream_is_heard(tmp_path: Path) -> None:
    rng, sound = np.random.default_rng(0), made.heard((0.0, 3.0))
    noise = [rng.integers(0, 256, (*made.SIZE[::-1], 3), np.uint8) for _ in range(3 * made.FPS)]
    path = made.write(tmp_path / "film.ts", noise, sound, options={"crf": "1"})
    data = path.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    packets.sort(key=lambda packet: int.from_bytes(packet[1:3]) & 0x1FFF == 0x101)
    path.write_bytes(b"".join(packets))
    assert len(data) > 6_000_000  # more than FFmpeg looks at for parameters
    film = open_footage(path)
    assert sum(part.samples.size for part in film.sound()) >= sound.size
    assert film.sound_between(0.5, 1.0).std() == pytest.approx(sound.std(), rel=0.2)
