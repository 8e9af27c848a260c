from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import faces_for_tests
import numpy as np
import pytest
from unmask_lab.benchmark.kept import Answer
from unmask_lab.benchmark.unseen import figures, gathered, unseen
from unmask_lab.benchmark.unseen.figures import (
    BLURRIER,
    EVERY,
    LR,
    Told,
    at_lr_10,
    by_method,
    by_tone,
    by_view,
)
from unmask_lab.benchmark.unseen.halves import cut, where_they_differ
from unmask_lab.benchmark.unseen.judged import answer, judged
from unmask_lab.benchmark.unseen.media import Medium, clips, stills
from unmask_lab.benchmark.unseen.views import VIEWS, over_views
from unmask_lab.data import DataError

from unmask import faces
from unmask.types import Rgb

LABELS = "file,side,label,source,method,identity\n"


def film(path: Path, frames: Sequence[Rgb]) -> Path:
    """Writes a clip of 25 frames a second, H.264."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "18"})
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        stream.time_base = Fraction(1, 25)
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def side_by_side(tmp_path: Path) -> Path:
    """Makes a clip of two people, 396 px wide.

    In the right half the second one's face is another's. The halves meet off the grid.
    """
    first, second, other = (cv2.resize(faces_for_tests.person(i), (98, 192)) for i in range(3))
    left, right = np.hstack([first, second[:, :100]]), np.hstack([first, other[:, :100]])
    still = np.hstack(
        [left, np.zeros((192, 2, 3), np.uint8), right, np.zeros((192, 2, 3), np.uint8)]
    )
    return film(tmp_path / "both.mp4", [np.roll(still, i, axis=0) for i in range(12)])


@pytest.fixture
def two_people(tmp_path: Path) -> Path:
    """Makes a photo of a large face at the left and a smaller one at the right."""
    large, small = cv2.resize(faces_for_tests.person(1), (320, 320)), faces_for_tests.person(2)
    page = np.full((320, 560, 3), 127, np.uint8)
    page[:, :320], page[64:256, 344:536] = large, small
    path = tmp_path / "two.jpg"
    path.write_bytes(faces_for_tests.jpeg(page))
    return path


def medium(path: Path, label: int = 0, **about: object) -> Medium:
    return replace(
        Medium(path, label, "set", "a way" if label else "", "somebody", path.stem), **about
    )


def told(**columns: object) -> Told:
    """Makes files of one person each with a face in them, unless said otherwise.

    Only the learned line speaks, with a score of 0.
    """
    n = len(columns["label"])  # type: ignore[arg-type]
    usual = {"source": "set", "method": "", "faces": 1, "lr": 0.0, "tone": np.nan}
    plain = {name: np.array(columns.get(name, [value] * n)) for name, value in usual.items()}
    scores = {"learned": np.zeros(n), BLURRIER: np.zeros(n)} | {
        k: np.array(v, float) for k, v in columns.get("scores", {}).items()
    }
    people = np.array(columns.get("identity", [str(i) for i in range(n)]))
    return Told(
        np.array(columns["label"]),
        identity=people,
        scores=scores,
        views=columns.get("views", {}),
        **plain,
    )


# ---------------------------------------------------------------- clips


def pictures(path: Path) -> list[tuple[Fraction, Rgb]]:
    with av.open(path) as container:
        return [
            (f.pts * f.time_base, f.to_ndarray(format="yuv420p")) for f in container.decode(video=0)
        ]


def test_a_half_keeps_every_pixel_and_time_and_lies_on_the_coding_grid(
    side_by_side: Path, tmp_path: Path
) -> None:
    whole = pictures(side_by_side)
    for side, first, last in (("left", 0, 198), ("right", 200, 396)):
        half = pictures(cut(side_by_side, side, tmp_path / "halves" / f"{side}.mp4"))
        assert [time for time, _ in half] == [time for time, _ in whole]
        for (_, yuv), (_, all_of_it) in zip(half, whole, strict=True):
            assert np.array_equal(yuv[:192], all_of_it[:192, first:last])
            chroma = all_of_it[192:].reshape(2, 96, 198)[..., first // 2 : last // 2]
            assert np.array_equal(yuv[192:].reshape(chroma.shape), chroma)


def test_a_half_that_is_there_is_not_cut_again(side_by_side: Path, tmp_path: Path) -> None:
    half = cut(side_by_side, "left", tmp_path / "left.mp4")
    before = half.stat().st_mtime_ns
    assert cut(side_by_side, "left", half).stat().st_mtime_ns == before


def test_the_changed_face_is_where_the_halves_differ(side_by_side: Path) -> None:
    x, _ = where_they_differ(side_by_side)
    assert 98 < x < 198


def test_the_face_at_the_place_is_judged_else_the_largest(two_people: Path) -> None:
    largest, there = answer(medium(two_people)), answer(medium(two_people, place=(440.0, 150.0)))
    assert largest["faces"] == there["faces"] == 2
    assert largest["quality"][0] > 1.3 * there["quality"][0]
    assert answer(medium(two_people, place=(5.0, 5.0)))["quality"] == largest["quality"]


def test_labels_name_whole_clips_and_halves(side_by_side: Path, tmp_path: Path) -> None:
    rows = (
        "both.mp4,left,0,live,,driver\n"
        "both.mp4,right,1,live,swapper,model\n"
        "both.mp4,,1,films,other,somebody\n"
    )
    (tmp_path / "labels.csv").write_text(LABELS + rows)
    left, right, whole = clips(tmp_path, tmp_path / "halves")
    assert (left.label, right.label, whole.label) == (0, 1, 1)
    assert (right.source, right.method, right.identity, right.made_from) == (
        "live",
        "swapper",
        "model",
        left.clip,
    )
    assert left.place == right.place
    assert left.path.name == "both-left.mp4"
    assert (whole.path, whole.place) == (side_by_side, None)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (None, "no such file"),
        ("file,label\na.mp4,0\n", "lacks the columns identity, method, side, source"),
        (LABELS + "a.mp4,,0,live,,driver\n", "no such clip"),
    ],
)
def test_clips_that_cannot_be_read_are_refused_with_the_reason(
    labels: str | None, reason: str, tmp_path: Path
) -> None:
    if labels:
        (tmp_path / "labels.csv").write_text(labels)
    with pytest.raises(DataError, match=reason):
        clips(tmp_path, tmp_path / "halves")


# ---------------------------------------------------------------- answers


def test_a_picture_without_a_face_is_an_answer_and_no_score(tmp_path: Path) -> None:
    path = tmp_path / "black.jpg"
    path.write_bytes(faces_for_tests.jpeg(np.zeros((192, 192, 3), np.uint8)))
    assert answer(medium(path)) == {"faces": 0}


def test_a_face_too_small_for_a_verdict_has_its_score_and_no_lr(tmp_path: Path) -> None:
    path = tmp_path / "small.jpg"
    page = np.full((192, 192, 3), 127, np.uint8)
    page[38:158, 38:158] = cv2.resize(
        faces_for_tests.person(2), (120, 120), interpolation=cv2.INTER_AREA
    )
    path.write_bytes(faces_for_tests.jpeg(page))
    found = answer(medium(path))
    assert found["verdict"] == "cannot tell"
    assert found["lr"] is None
    assert np.isfinite(found["scores"]["learned"])
    assert len(found["views"]["learned"]) == len(VIEWS) == 12
    assert found["views"]["learned"][0] == pytest.approx(found["scores"]["learned"], abs=1e-3)


def test_a_run_that_was_cut_short_goes_on_where_it_stopped(tmp_path: Path) -> None:
    asked: list[str] = []

    def judge(one: Medium) -> Answer:
        asked.append(one.path.name)
        return {"faces": len(asked)}

    media = []
    for i in range(4):
        path = tmp_path / f"{i}.jpg"
        path.write_bytes(faces_for_tests.jpeg(faces_for_tests.person(i)))
        media.append(medium(path))
    first = judged(media[:2], tmp_path / "answers", judge)
    (kept,) = (tmp_path / "answers").glob("*.jsonl")
    kept.write_text(kept.read_text() + '\n{"key": "cut sho')
    assert judged(media, tmp_path / "answers", judge)[:2] == first
    assert judged([*media, replace(media[0], place=(1.0, 1.0))], tmp_path / "answers", judge)[
        :4
    ] == [{"faces": n} for n in (1, 2, 3, 4)]
    assert asked == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "0.jpg"]


def test_views_move_and_scale_the_crop_that_is_served() -> None:
    rgb = faces_for_tests.person(0)
    points = faces.find(rgb)[0].points
    seen: list[np.ndarray] = []

    def score(crops: np.ndarray) -> np.ndarray:
        seen.append(crops)
        return crops.mean(axis=(1, 2, 3))

    scores = over_views(rgb, points, score)
    crops = seen[0]
    assert len(scores) == len(crops) == 12
    assert np.array_equal(crops[0], faces.align(rgb, points))
    eyes_apart = float(faces.TEMPLATE[1, 0] - faces.TEMPLATE[0, 0])
    for x, y, scale in VIEWS:
        move = np.float64([[scale, 0, x * eyes_apart], [0, scale, y * eyes_apart]])
        move[:, 2] += (1 - scale) * faces.TEMPLATE.mean(axis=0)
        expected = cv2.warpAffine(crops[0], move, (192, 192))
        apart = cv2.absdiff(crops[VIEWS.index((x, y, scale))], expected)[16:-16, 16:-16].mean()
        unmoved = cv2.absdiff(crops[0], expected)[16:-16, 16:-16].mean()
        assert apart < max(0.5 * unmoved, 1)


# ---------------------------------------------------------------- figures


def test_figures_of_scores_that_are_known() -> None:
    label = np.repeat([0, 1], 20)
    blur = np.where(np.arange(40) % 2, 1.0, -1.0)
    lr = np.where(label == 1, 1.5, 0.0)
    lr[:2], lr[20:30], lr[39] = 2.0, -0.2, np.nan
    of = told(
        label=label,
        lr=lr,
        scores={"learned": np.arange(40.0), BLURRIER: blur},
        method=np.where(label, "a", ""),
    )
    (row,) = by_method(of)
    assert (row["set"], row["method"], row["bona_fide"], row["changed"], row["people"]) == (
        "set",
        "a",
        20,
        20,
        40,
    )
    assert row["auc"]["learned"]["value"] == 1
    assert row["auc"][BLURRIER]["value"] == 0.5
    assert (row["tpr_at"], row["tpr"]["learned"]["value"]) == (0.05, 1)
    assert row["false_alarms"]["value"] == pytest.approx(2 / 20)
    assert row["found"]["value"] == pytest.approx(9 / 19)
    assert (row["changed_with_lr"], row["read"][LR]) == (19, 39)


def test_an_lr_that_says_nothing_costs_one_bit_and_a_rate_of_none_has_a_binomial_interval() -> None:
    row = at_lr_10(told(label=[0] * 10 + [1] * 10))
    assert row["cllr"]["value"] == pytest.approx(1)
    assert (row["found"]["value"], row["found"]["low"]) == (0, 0)
    assert row["found"]["high"] == pytest.approx(1 - 0.025 ** (1 / 10))


def test_at_1_percent_where_there_are_500_bona_fide() -> None:
    row = figures.figures(
        "set", "", told(label=[0] * 500 + [1] * 10, scores={"learned": np.arange(510.0)})
    )
    assert row["tpr_at"] == 0.01


def test_methods_are_shown_apart_and_generated_faces_are_held_against_photos() -> None:
    of = told(
        label=[0] * 10 + [1] * 20 + [0] * 12 + [1] * 11,
        source=["swaps"] * 30 + ["photos"] * 12 + ["generated"] * 11,
        method=[""] * 10 + ["a"] * 10 + ["b"] * 10 + [""] * 12 + ["whole"] * 11,
        faces=[1] * 52 + [0],
        lr=[0.0] * 52 + [np.nan],
        scores={"learned": np.array([0.0] * 10 + [1.0] * 10 + [-1.0] * 10 + [5.0] * 22 + [np.nan])},
    )
    rows = {(row["set"], row["method"]): row for row in by_method(of)}
    assert list(rows) == [
        ("swaps", EVERY),
        ("swaps", "a"),
        ("swaps", "b"),
        ("photos", ""),
        ("generated", "whole"),
    ]
    assert [row["auc"]["learned"]["value"] for row in rows.values()] == pytest.approx(
        [0.5, 1, 0, np.nan, 0.5], nan_ok=True
    )
    generated = rows["generated", "whole"]
    assert (generated["bona_fide"], generated["changed"], generated["changed_no_face"]) == (
        12,
        11,
        1,
    )
    assert figures.mean_auc(of)["sets"] == ["swaps"]
    assert figures.mean_auc(of)["auc"]["learned"]["value"] == 0.5


def test_thirds_by_tone_and_bona_fide_files_together() -> None:
    n = 60
    label = np.arange(n) % 2
    tone = np.linspace(-50, 50, n)
    of = told(label=label, tone=tone, scores={"learned": np.where(tone > 20, label, 0.0)})
    rows = {(row["set"], row["tone"]): row["auc"]["learned"]["value"] for row in by_tone(of)}
    assert [rows["set", third] for third in ("darkest", "middle", "lightest")] == pytest.approx(
        [0.5, 0.5, 1], abs=0.1
    )
    assert ("all bona fide files", "darkest") in rows


def test_the_mean_of_views_beats_each_where_their_errors_differ() -> None:
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 100)
    views = label[:, None] + rng.normal(0, 2, (200, 12))
    (row,) = by_view(told(label=label, views={"learned": views}))
    assert row["lowest"] <= row["served"]["value"] <= row["highest"] < row["mean"]["value"]
    assert row["gain"]["value"] == pytest.approx(row["mean"]["value"] - row["served"]["value"])


# ---------------------------------------------------------------- the whole


def test_the_yardstick_writes_a_page_and_goes_on_without_what_is_not_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs on twenty-one small pictures: only the shape of the figures is checked."""
    n = 21
    people = [faces_for_tests.person(i) for i in range(n)]
    changed = [cv2.GaussianBlur(rgb, (0, 0), 1.5) if i % 2 else rgb for i, rgb in enumerate(people)]
    changed[20] = np.zeros_like(changed[20])
    about = {
        "label": [i % 2 for i in range(n)],
        "method": ["blur" if i % 2 else None for i in range(n)],
        "made_from": [f"clip{i - 1}" if i % 2 else None for i in range(n)],
    }
    data = faces_for_tests.write(
        tmp_path / "stills.parquet",
        range(n),
        image=[faces_for_tests.jpeg(rgb) for rgb in changed],
        **about,
    )
    docs = tmp_path / "docs"
    result = unseen(
        [data], [tmp_path / "clips"], [tmp_path / "research.parquet"], docs, tmp_path / "out", None
    )
    assert result is not None
    said = capsys.readouterr().err
    assert f"{tmp_path / 'clips'}: is not here" in said
    assert f"{tmp_path / 'research.parquet'}: is not here" in said
    (row,) = result["sets"]
    assert (row["bona_fide"], row["bona_fide_no_face"], row["changed"]) == (11, 1, 10)
    assert row["auc"][BLURRIER]["value"] > 0.5
    assert result["views"][0]["views"] == 12
    page = (docs / "unseen.md").read_text()
    assert "| **test** | blur | 11 / 10 | 21 |" in page
    text = (docs / "unseen.json").read_text()
    assert json.loads(text)["sets"][0]["auc"]["learned"]["value"] == pytest.approx(
        row["auc"]["learned"]["value"], rel=1e-3
    )
    assert json.loads(
        next(
            line for line in text.splitlines() if line.strip().startswith('{"set": "test"')
        ).rstrip(",")
    )
    assert cv2.imread(str(docs / "unseen.png")) is not None


def test_bona_fide_photos_alone_give_false_alarms_and_no_auc(tmp_path: Path) -> None:
    data = faces_for_tests.write(tmp_path / "stills.parquet", range(2))
    result = unseen([data], [], [], tmp_path / "docs", tmp_path / "out", None)
    assert result is not None
    (row,) = result["sets"]
    assert (row["bona_fide"], row["changed"]) == (2, 0)
    assert 0 <= row["false_alarms"]["low"] <= row["false_alarms"]["high"] <= 1
    assert np.isnan(row["auc"]["learned"]["value"])
    assert "| **test** | – | 2 / 0 | 2 | – |" in (tmp_path / "docs" / "unseen.md").read_text()


def test_swaps_that_failed_are_left_out_of_the_others_only(tmp_path: Path) -> None:
    person = faces_for_tests.jpeg(faces_for_tests.person(0))
    columns = {
        "label": [0, 1],
        "image": [person, person],
        "clip": ["a", "b"],
        "made_from": [None, "a"],
    }
    data = faces_for_tests.write(tmp_path / "faces.parquet", range(2), **columns)
    assert len(gathered([data], [], [], tmp_path)) == 2
    assert [one.clip for one in gathered([], [], [data], tmp_path)] == ["a"]
    assert {one.method for one in stills(data, tmp_path)} == {""}


def test_where_no_set_is_here_nothing_is_measured_and_nothing_written(tmp_path: Path) -> None:
    assert (
        unseen([tmp_path / "stills.parquet"], [], [], tmp_path / "docs", tmp_path / "out", None)
        is None
    )
    assert not (tmp_path / "docs").exists()
