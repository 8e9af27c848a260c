"""Matching of a clip to the exact frame and place of its original.

The clip was edited as by uploaders, and its face changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests import clips
from tests.originals.conftest import START, SWAPPED_FROM
from tests.originals.test_regions import bars, circle, title
from tests.support import films
from unmask import originals
from unmask.media import open_media
from unmask.originals import alignment
from unmask.types import Match, Rgb

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def known(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[originals.Known]:
    folder = tmp_path_factory.mktemp("index")
    with originals.opened_store(folder, writing=True) as store:
        originals.register(open_media(footage), store, "The drama", "The broadcaster")
    with originals.open_index(folder) as known:
        yield known


def small(rgb: Rgb) -> Rgb:
    return cv2.resize(rgb, (426, 240), interpolation=cv2.INTER_AREA)


def clip(
    path: Path,
    film: films.Film,
    people: list[films.Portrait],
    edit: Callable[[Rgb], Rgb],
    seconds: float = 5,
) -> Path:
    """Writes a clip from `START` on, with another person's face from `SWAPPED_FROM` on."""
    swap = films.another_face(people[5])
    times = np.arange(round(seconds * 25)) / 25
    frames = (edit(film.frame(START + t, swap if t >= SWAPPED_FROM else None)) for t in times)
    return clips.write_video(path, frames, gop=250, options={"crf": "30"})


EDITS: dict[str, Callable[[Rgb], Rgb]] = {
    "240 lines": small,
    "crop, grade, logo, subtitles": lambda rgb: small(
        films.with_logo(films.subtitled(films.graded(films.cropped(rgb))))
    ),
    "mirrored between bars": lambda rgb: films.barred(films.mirrored(rgb)),
    "in the corner of another picture": lambda rgb: films.inset(
        rgb, np.ascontiguousarray(films.scenery(4)[:360, :640])
    ),
}


@pytest.mark.parametrize("edit", EDITS, ids=EDITS)
def test_it_is_found_to_the_frame_whatever_was_done_to_it(
    tmp_path: Path,
    known: originals.Known,
    film: films.Film,
    people: list[films.Portrait],
    edit: str,
) -> None:
    found = known.find(open_media(clip(tmp_path / "clip.mp4", film, people, EDITS[edit])))
    assert len(found) == 1
    (match,) = found
    assert [(o.title, o.owner) for o in match.originals] == [("The drama", "The broadcaster")]
    assert match.mirrored == edit.startswith("mirrored")
    assert len(match.pairs) >= 3
    assert np.median([abs(p.time + START - p.original_time) for p in match.pairs]) <= 0.041
    assert match.start <= 1
    assert match.end >= 3
    for pair in match.pairs:
        assert pair.rgb.shape == pair.original.shape
        assert np.abs(pair.rgb[pair.seen].mean() - pair.original[pair.seen].mean()) < 40


def test_a_faster_copy_has_the_original_s_time_code(
    tmp_path: Path, known: originals.Known, film: films.Film
) -> None:
    frames = (small(film.frame(1.0 + round(1.05 * i) / 25)) for i in range(150))
    (match,) = known.find(
        open_media(clips.write_video(tmp_path / "fast.mp4", frames, options={"crf": "28"}))
    )
    assert match.speed == pytest.approx(1.05, abs=0.015)
    assert match.original_start == pytest.approx(1.0 + 1.05 * match.start, abs=0.045)


def test_a_stretch_cut_out_makes_two_matches(
    tmp_path: Path, known: originals.Known, film: films.Film
) -> None:
    times = [*np.arange(0, 75) / 25, *(np.arange(0, 75) / 25 + 6)]
    path = clips.write_video(
        tmp_path / "cut.mp4", (small(film.frame(t)) for t in times), options={"crf": "28"}
    )
    found = known.find(open_media(path))
    assert [m.original_start - m.start for m in found] == pytest.approx([0.0, 3.0], abs=0.045)


def test_a_film_between_black_and_a_title(tmp_path: Path, film: films.Film) -> None:
    shown = [
        *[np.zeros((180, 320, 3), np.uint8)] * 50,
        *(cv2.resize(film.frame(t / 25), (320, 180)) for t in range(75)),
    ]
    shown += [cv2.resize(title(), (320, 180))] * 50
    clips.write_video(tmp_path / "film.mp4", shown, gop=25, options={"crf": "20"})
    clips.write_video(tmp_path / "clip.mp4", shown[25:150], gop=250, options={"crf": "30"})
    with originals.opened_store(tmp_path / "index", writing=True) as store:
        originals.register(open_media(tmp_path / "film.mp4"), store, "The drama", "The broadcaster")
    with originals.open_index(tmp_path / "index") as known:
        (match,) = known.find(open_media(tmp_path / "clip.mp4"))
    assert [p.original_time - p.time for p in match.pairs] == pytest.approx(
        [1.0] * len(match.pairs), abs=0.045
    )


def test_a_closer_look_compares_every_moment_that_the_index_knows(
    tmp_path: Path,
    footage: Path,
    film: films.Film,
    people: list[films.Portrait],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A long stretch is compared at evenly spaced moments; here it counts as long."""
    monkeypatch.setattr(alignment, "MOST_PAIRS", 2)
    with originals.opened_store(tmp_path / "index", writing=True) as store:
        originals.register(open_media(footage), store, "The drama", "The broadcaster")
    film_in_question = open_media(clip(tmp_path / "clip.mp4", film, people, films.graded))
    with originals.open_index(tmp_path / "index") as known:
        (match,) = known.find(film_in_question)
    assert len(match.pairs) == 2
    (closer,) = originals.closer(
        tmp_path / "index", film_in_question, (match,), [(2.4, 4.5), (1.8, 2.4)]
    )
    assert set(match.pairs) <= set(closer.pairs)
    assert [pair.time for pair in closer.pairs] == sorted(pair.time for pair in closer.pairs)
    added = [pair for pair in closer.pairs if pair not in match.pairs]
    near = {4.0, 5.0, 6.0} - {pair.original_time for pair in match.pairs}
    assert {pair.original_time for pair in added} == near
    for pair in added:
        assert pair.original_time - pair.time == pytest.approx(START, abs=0.05)
        assert np.abs(pair.rgb.astype(int) - pair.original)[pair.seen].mean() < 25


def test_a_still_of_the_film_as_a_photo(
    tmp_path: Path, known: originals.Known, film: films.Film
) -> None:
    Image.fromarray(films.cropped(film.frame(4.0))).save(tmp_path / "still.jpg", quality=80)
    (match,) = known.find(open_media(tmp_path / "still.jpg"))
    assert match.original_start == match.original_end == 4.0


def test_a_photo_is_an_original_too(tmp_path: Path, film: films.Film) -> None:
    Image.fromarray(film.frame(4.0)).save(tmp_path / "photo.png")
    Image.fromarray(small(films.graded(film.frame(4.0)))).save(tmp_path / "copy.jpg", quality=60)
    with originals.opened_store(tmp_path / "index", writing=True) as store:
        originals.register(
            open_media(tmp_path / "photo.png"), store, "The photo", "Its photographer"
        )
    with originals.open_index(tmp_path / "index") as known:
        (match,) = known.find(open_media(tmp_path / "copy.jpg"))
    assert match.originals[0].title == "The photo"


def test_two_owners_are_both_named(
    tmp_path: Path, footage: Path, address: str, film: films.Film
) -> None:
    with originals.opened_store(address, writing=True) as store:
        for owner in ("The broadcaster", "An archive"):
            originals.register(open_media(footage), store, "The drama", owner)
    Image.fromarray(film.frame(4.0)).save(tmp_path / "still.png")
    with originals.open_index(address) as known:
        (match,) = known.find(open_media(tmp_path / "still.png"))
    assert [o.owner for o in match.originals] == ["The broadcaster", "An archive"]


NOTHING: dict[str, Callable[[int], Rgb]] = {
    "black": lambda _i: np.zeros((180, 320, 3), np.uint8),
    "test card": lambda _i: bars(),
    "another test card": lambda _i: circle(),
    "noise": lambda i: np.random.default_rng(i).integers(0, 256, (180, 320, 3), np.uint8),
}


@pytest.mark.parametrize("shown", NOTHING.values(), ids=NOTHING)
def test_what_is_no_scene_matches_nothing_even_if_it_was_registered(
    tmp_path: Path, shown: Callable[[int], Rgb]
) -> None:
    for name, crf in (("a", "20"), ("b", "30")):
        clips.write_video(
            tmp_path / f"{name}.mp4", (shown(i) for i in range(50)), gop=25, options={"crf": crf}
        )
    with originals.opened_store(tmp_path / "index", writing=True) as store:
        originals.register(open_media(tmp_path / "a.mp4"), store, "Nothing", "Nobody")
    with originals.open_index(tmp_path / "index") as known:
        assert known.find(open_media(tmp_path / "b.mp4")) == ()


def test_other_films_match_nothing(
    tmp_path: Path, known: originals.Known, stranger: films.Portrait
) -> None:
    found: list[Match] = []
    for seed in range(3):
        other = films.film(900 + seed, [stranger], 3.0)
        path = clips.write_video(
            tmp_path / f"{seed}.mp4", (other.frame(i / 10) for i in range(30)), fps=10
        )
        found += known.find(open_media(path))
    assert found == []


def lookalike(portrait: films.Portrait) -> films.Portrait:
    """Returns a portrait with the same outline, hair and shading, but different details."""
    soft = cv2.GaussianBlur(portrait.rgb, (0, 0), 2).astype(np.float32)
    skin = cv2.GaussianBlur(
        np.random.default_rng(3).normal(0, 1, soft.shape[:2]).astype(np.float32), (0, 0), 1.2
    )
    return films.Portrait(
        np.clip(soft + (8 * skin / skin.std())[..., None], 0, 255).astype(np.uint8), portrait.points
    )


def test_a_close_up_of_a_lookalike_is_no_match(
    tmp_path: Path, people: list[films.Portrait]
) -> None:
    shots = films.Shot(11, people[0], face=0.25), films.Shot(12, lookalike(people[0]), face=0.25)
    for name, shot in zip("ab", shots, strict=True):
        frames = (shot.frame(i / 10)[0] for i in range(20))
        clips.write_video(tmp_path / f"{name}.mp4", frames, fps=10, gop=10, options={"crf": "20"})
    with originals.opened_store(tmp_path / "index", writing=True) as store:
        originals.register(open_media(tmp_path / "a.mp4"), store, "The drama", "The broadcaster")
    with originals.open_index(tmp_path / "index") as known:
        assert known.find(open_media(tmp_path / "b.mp4")) == ()
