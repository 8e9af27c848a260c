"""Broken, joined, blended, interlaced and enlarged footage, made of the tests' own portraits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from unmask_lab.benchmark.footage import footage
from unmask_lab.benchmark.footage.figures import EVERY, figures
from unmask_lab.benchmark.footage.filming import film
from unmask_lab.benchmark.footage.trials import Studio, Trial
from unmask_lab.benchmark.footage.versions import AS_IT_IS, GOP, RATE, VERSIONS, as_it_is
from unmask_lab.data import DataError, Row

from unmask.media import open_media
from unmask.types import Rgb


@pytest.fixture(scope="module")
def films(rows: list[Row]) -> tuple[list[Rgb], list[Rgb]]:
    """Films two people."""
    return tuple(
        film(row.rgb, row.points, np.random.default_rng(i)) for i, row in enumerate(rows[:2])
    )  # type: ignore[return-value]


def pictures(path: Path) -> list[Rgb]:
    clip = open_media(path)
    return [frame.rgb for frame in clip.frames(clip.times(1 / RATE, 1000))]


def apart(a: Rgb, b: Rgb) -> float:
    return float(np.abs(a.astype(int) - b).mean())


def test_a_film_sways_and_has_two_pictures_for_each_of_the_clip(
    films: tuple[list[Rgb], list[Rgb]],
) -> None:
    first, _ = films
    assert len(first) == 4 * RATE
    assert all(side % 2 == 0 for side in first[0].shape[:2])
    assert apart(first[0], first[25]) > 5


@pytest.mark.parametrize("version", ["packets lost", "zeros in the file"])
def test_broken_files_are_broken_but_for_some_pictures(
    version: str, films: tuple[list[Rgb], list[Rgb]], tmp_path: Path
) -> None:
    clip = open_media(VERSIONS[version](*films, tmp_path, np.random.default_rng(0)))
    assert 0 < len(list(clip.frames(clip.times(1 / RATE, 1000)))) < 2 * RATE
    assert sum(hole.pictures for hole in clip.damage()) <= 3 * GOP


def test_the_other_versions_are_what_they_are_called(
    films: tuple[list[Rgb], list[Rgb]], tmp_path: Path
) -> None:
    first, second = films
    made = {name: tmp_path / name for name in ("joined", "blended", "enlarged", AS_IT_IS)}
    for folder in made.values():
        folder.mkdir()
    rng = np.random.default_rng
    plain = pictures(as_it_is(first, second, made[AS_IT_IS], rng(0)))
    joined, blended, enlarged = (
        pictures(VERSIONS[name](first, second, made[name], rng(0)))
        for name in ("joined", "blended", "enlarged")
    )
    assert len(joined) == 2 * len(plain) == 4 * RATE
    assert apart(joined[10], plain[10]) < 3 < apart(joined[-10], plain[-10])
    assert apart(blended[20], np.mean(first[40:45:2], axis=0)) < 3
    assert _sharp(enlarged[20]) < 0.5 * _sharp(plain[20])


def _sharp(rgb: Rgb) -> float:
    return float(np.square(np.diff(rgb.astype(int), 2, axis=1)).mean())


def test_woven_lines_are_of_two_moments_and_carry_no_flag(
    films: tuple[list[Rgb], list[Rgb]], tmp_path: Path
) -> None:
    path = VERSIONS["interlaced"](*films, tmp_path, np.random.default_rng(0))
    with av.open(path) as container:
        frame = list(container.decode(video=0))[30]
    assert not frame.interlaced_frame
    shown = frame.to_ndarray(format="rgb24")
    for parity, moment in ((0, films[0][60]), (1, films[0][61])):
        assert apart(shown[parity::2], moment[parity::2]) < 6


def test_each_person_goes_the_ways_in_turn(rows: list[Row]) -> None:
    studio = Studio(rows, people=7, each=2)
    trials = list(studio.trials)
    assert len(trials) == 7 * (2 + 2 + 1)
    bona_fide = [trial.version for trial in trials if not trial.label]
    assert bona_fide == [list(VERSIONS)[i % 6] for i in range(14)]
    assert len({studio.named(trial) for trial in trials}) == len(trials)
    assert len({trial.identity for trial in trials}) == 7


def answered(
    outcomes: Sequence[tuple[Trial, str, list[str]]],
) -> tuple[list[Trial], list[dict[str, object]]]:
    return [t for t, _, _ in outcomes], [
        {"outcome": o, "people": 2, "codes": codes} for _, o, codes in outcomes
    ]


def test_figures_of_outcomes_that_are_known() -> None:
    outcomes = []
    for number in range(20):
        version = "blended" if number % 2 else "joined"
        outcomes += [
            (
                Trial(number, str(number), version),
                "changed" if number == 1 else "cannot tell",
                ["fault.ghosted"],
            ),
            (
                Trial(number, str(number), version, "other_face"),
                "changed" if number < 10 else "cannot tell",
                [],
            ),
            (Trial(number, str(number), AS_IT_IS, "other_face"), "changed", []),
        ]
    rows = {row["version"]: row for row in figures(*answered(outcomes))}
    assert list(rows) == ["joined", "blended", EVERY]
    whole, blended = rows[EVERY], rows["blended"]
    assert (whole["alarms"], whole["people"], whole["named"]) == (1, 20, 20)
    assert blended["false_alarms"]["value"] == pytest.approx(0.1)
    assert rows["joined"]["false_alarms"] == {
        "value": 0,
        "low": 0,
        "high": pytest.approx(1 - 0.025 ** (1 / 10)),
    }
    assert (whole["found"]["value"], whole["found_as_it_is"]["value"]) == (0.5, 1)
    assert whole["gain"]["low"] < whole["gain"]["value"] == -0.5 < whole["gain"]["high"] < 0
    assert blended["bona_fide"] == {"changed": 1, "cannot tell": 9}


def test_the_whole_way_is_gone_once(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = footage(rows, tmp_path / "docs", tmp_path / "out", people=2, each=1)
    assert result["people"] == 2
    assert [row["version"] for row in result["versions"]] == [
        "packets lost",
        "zeros in the file",
        EVERY,
    ]
    assert sum(result["versions"][-1]["bona_fide"].values()) == 2
    page = (tmp_path / "docs" / "footage.md").read_text()
    assert "| packets lost | 1 |" in page
    assert (
        json.loads((tmp_path / "docs" / "footage.json").read_text())["versions"][-1]["people"] == 2
    )

    def refuse(*_: object) -> None:
        raise AssertionError("an answer that is kept is asked for again")

    monkeypatch.setattr("unmask.check", refuse)
    assert footage(rows, tmp_path / "docs", tmp_path / "out", people=2, each=1) == result


def test_nobody_alone_is_filmed(rows: list[Row], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="fewer than two people"):
        footage(rows[:1], tmp_path, tmp_path, people=2, each=1)
