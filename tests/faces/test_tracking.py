"""Tracking of faces, on the pixels of a real portrait and on made-up sightings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from tests.faces.portraits import HEAD, PORTRAIT, STRANGER, centre, room, scaled, scene
from tests.sightings import GOOD, frame, look, sighting, sized
from unmask import faces
from unmask.faces import Watcher, align, colours, detection, is_cut, link, measure
from unmask.types import Face, Frame, Rgb, Sighting, Track

# ---------------------------------------------------------------- watching


class CountingFinder:
    """The real finder; counts the searches of whole frames."""

    def __init__(self, real: Callable[..., tuple[Face, ...]]) -> None:
        self.real, self.whole = real, 0

    def __call__(
        self, rgb: Rgb, search_px: int = faces.SEARCH_PX, confidence: float = 0.5
    ) -> tuple[Face, ...]:
        self.whole += search_px == faces.SEARCH_PX
        return self.real(rgb, search_px, confidence)


@pytest.fixture
def finder(monkeypatch: pytest.MonkeyPatch) -> CountingFinder:
    counting = CountingFinder(faces.find)
    monkeypatch.setattr(detection, "find", counting)
    return counting


SMALL_HEAD, SMALL_STRANGER = scaled(HEAD, 0.6), scaled(STRANGER, 0.6)


def searched(
    watcher: Watcher, finder: CountingFinder, clip: Iterable[tuple[float, Rgb]]
) -> list[float]:
    """Returns the times at which the watcher searched a whole frame."""
    times = []
    for time, picture in clip:
        before = finder.whole
        watcher.see(Frame(time, picture))
        if finder.whole > before:
            times.append(time)
    return times


def test_a_face_that_stays_costs_one_search_of_the_frame_a_second(finder: CountingFinder) -> None:
    clip = [(i / 5, scene((SMALL_HEAD, 150 + 3 * i, 130))) for i in range(11)]
    assert searched(Watcher(), finder, clip) == [0.0, 1.0, 2.0]


def test_while_nobody_is_there_every_picture_is_searched(finder: CountingFinder) -> None:
    assert searched(Watcher(refresh=9), finder, [(i / 4, room()) for i in range(3)]) == [
        0.0,
        0.25,
        0.5,
    ]


def test_a_cut_and_a_loss_are_searched_at_once(finder: CountingFinder) -> None:
    here = scene((SMALL_HEAD, 150, 130))
    elsewhere = scene((SMALL_HEAD, 150, 130), background=room(seed=20))
    assert searched(Watcher(refresh=9), finder, [(0.0, here), (0.2, here), (0.4, elsewhere)]) == [
        0.0,
        0.4,
    ]
    assert searched(Watcher(refresh=9), finder, [(0.0, here), (0.2, room())]) == [0.0, 0.2]


def test_when_two_that_were_close_seem_to_be_in_one_place_the_frame_is_searched(
    finder: CountingFinder,
) -> None:
    narrow, other = SMALL_HEAD[:, 36:92], SMALL_STRANGER[:, 34:90]
    both, one = scene((narrow, 200, 130), (other, 250, 130)), scene((narrow, 212, 130))
    assert searched(Watcher(refresh=9), finder, [(0.0, both), (0.2, both), (0.4, one)]) == [
        0.0,
        0.4,
    ]


def test_who_comes_in_is_found_within_a_second() -> None:
    watcher = Watcher(refresh=1.0)
    clip = [
        scene((SMALL_HEAD, 110, 130), *[(SMALL_STRANGER, 350.0, 130.0)] * (i >= 1))
        for i in range(6)
    ]
    found = [len(watcher.see(Frame(i / 4, picture)).sightings) for i, picture in enumerate(clip)]
    assert found == [1, 1, 1, 1, 2, 2]


def test_no_more_faces_than_asked_for_are_kept_the_largest() -> None:
    crowd = scene(
        (scaled(HEAD, 0.4), 60, 60), (SMALL_HEAD, 200, 130), (scaled(STRANGER, 0.5), 380, 130)
    )
    watcher = Watcher(at_most=2)
    for time in (0.0, 0.2):
        seen = watcher.see(Frame(time, crowd))
        assert [round(centre(s.face)[0], -1) for s in seen.sightings] == [200, 380]


def test_a_sighting_holds_what_was_measured() -> None:
    seen = Watcher().see(Frame(3.5, PORTRAIT))
    (one,) = seen.sightings
    assert (seen.time, one.time) == (3.5, 3.5)
    assert np.array_equal(one.crop, align(PORTRAIT, one.face.points))
    assert one.quality == measure(PORTRAIT, one.face, one.crop)


def test_frames_that_jump_back_in_time_are_searched(finder: CountingFinder) -> None:
    here = scene((SMALL_HEAD, 150, 130))
    assert searched(Watcher(), finder, [(5.0, here), (5.1, here), (2.0, here)]) == [5.0, 2.0]


# ---------------------------------------------------------------- cuts


def like(picture: Rgb, gain: float = 1.0, lift: float = 0.0) -> Rgb:
    return np.clip(picture * gain + lift, 0, 255).astype(np.uint8)


STUDIO = scene((HEAD, 200, 130), background=np.full((270, 480, 3), 127, np.uint8))

ONE_SHOT = {
    "grain": (room(), like(room(), lift=np.random.default_rng(1).normal(0, 6, (270, 480, 3)))),
    "an even background a shade lighter": (STUDIO, like(STUDIO, lift=1.5)),
    "exposure down": (STUDIO, like(STUDIO, gain=0.85)),
    "exposure up": (PORTRAIT, like(PORTRAIT, gain=1.2)),
    "white balance": (STUDIO, like(STUDIO, gain=np.array([0.95, 1.0, 1.05]))),
    "someone comes in": (room(), scene((HEAD, 200, 130))),
    "a pan": (PORTRAIT[:, :400], PORTRAIT[:, 112:]),
    "a zoom": (PORTRAIT, PORTRAIT[100:400, 100:400]),
}
TWO_SHOTS = {
    "rooms": (room(), room(seed=20)),
    "pictures": (PORTRAIT, np.asarray(data.coffee())),
    "more pictures": (np.asarray(data.chelsea()), np.asarray(data.rocket())),
    "one person elsewhere": (
        scene((HEAD, 200, 130)),
        scene((HEAD, 200, 130), background=room(seed=20)),
    ),
    "black": (PORTRAIT, np.zeros_like(PORTRAIT)),
}


@pytest.mark.parametrize(("before", "after"), ONE_SHOT.values(), ids=ONE_SHOT)
def test_one_shot_is_not_cut(before: Rgb, after: Rgb) -> None:
    assert not is_cut(colours(before), colours(after))


@pytest.mark.parametrize(("before", "after"), TWO_SHOTS.values(), ids=TWO_SHOTS)
def test_two_shots_are(before: Rgb, after: Rgb) -> None:
    assert is_cut(colours(before), colours(after))


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (700, 2)])
def test_colours_are_shares_of_the_picture(shape: tuple[int, int]) -> None:
    shares = colours(np.full((*shape, 3), 255, np.uint8))
    assert shares.dtype == np.float32
    assert shares.min() >= 0
    assert shares.sum() == pytest.approx(1)


# ---------------------------------------------------------------- linking


def places(tracks: Sequence[Track]) -> list[list[float]]:
    """Returns, per track, the horizontal places of its sightings."""
    return [[round(centre(s.face)[0]) for s in t.sightings] for t in tracks]


def walk(
    at: Callable[[int], Sequence[Sighting]], looks: int, every: float = 0.5
) -> tuple[Track, ...]:
    """Returns the tracks of what is seen at each look, ``every`` seconds."""
    return link(
        [frame(i * every, *(replace(s, time=i * every) for s in at(i))) for i in range(looks)]
    )


def test_nothing_seen_nobody_followed() -> None:
    assert link([]) == ()
    assert link([frame(0.0), frame(0.5)]) == ()


@pytest.mark.parametrize("every", [0.04, 0.1, 0.5, 2.0, 7.0])
def test_one_person_is_one_track_at_any_spacing(every: float) -> None:
    """Includes looks so far apart that a face is forgotten in between, as in a long clip."""
    (one,) = walk(lambda i: [sighting(x=300 + 20 * (-1) ** i)], 12, every)
    assert len(one.sightings) == 12


@pytest.mark.parametrize("widths_per_second", [0.5, 2.0, 5.0, 9.0])
def test_a_person_who_walks_through_the_picture_is_one_track(widths_per_second: float) -> None:
    step = 64 * widths_per_second / 2
    (one,) = walk(lambda i: [sighting(x=40 + step * i, quality=sized(64.0))], 6)
    assert len(one.sightings) == 6


def test_a_camera_that_zooms_in_by_hand_keeps_its_people() -> None:
    tracks = walk(
        lambda i: [
            sighting(x=300 - 60 * 1.25**i, quality=sized(60 * 1.25**i), person=1),
            sighting(x=300 + 60 * 1.25**i, quality=sized(50 * 1.25**i), person=2),
        ],
        7,
    )
    assert [len(t.sightings) for t in tracks] == [7, 7]


def test_another_person_far_off_is_another_track() -> None:
    tracks = walk(
        lambda i: [sighting(x=100, person=1)] if i < 4 else [sighting(x=500, person=2)], 8
    )
    assert places(tracks) == [[100] * 4, [500] * 4]


@pytest.mark.parametrize("step", [9, 20, 45, 90])
def test_two_people_who_cross_keep_their_numbers(step: int) -> None:
    looks = 600 // step

    def crossing(i: int) -> list[Sighting]:
        return [sighting(x=50 + step * i, person=1), sighting(x=650 - step * i, person=2)]

    tracks = walk(crossing, looks, every=0.25)
    assert [{s.crop[0, 0, 0] for s in t.sightings} for t in tracks] == [
        {look(1)[0, 0, 0]},
        {look(2)[0, 0, 0]},
    ]
    assert [len(t.sightings) for t in tracks] == [looks, looks]


@pytest.mark.parametrize(("hidden", "numbers"), [(1.0, 1), (2.0, 1), (5.0, 2)])
def test_a_hidden_face_is_remembered_for_two_seconds(hidden: float, numbers: int) -> None:
    tracks = walk(lambda i: [] if 0 <= i / 4 - 2 < hidden else [sighting()], 40, every=0.25)
    assert len(tracks) == numbers


@pytest.mark.parametrize("larger", [2.5, 0.3])
def test_a_head_does_not_triple_between_two_looks(larger: float) -> None:
    """Such a jump is a close-up of someone else, after a cut that the colours did not show."""
    tracks = walk(lambda i: [sighting(quality=sized(100.0 * (larger if i >= 3 else 1.0)))], 6)
    assert [len(t.sightings) for t in tracks] == [3, 3]


def test_a_cut_parts_what_is_in_the_same_place() -> None:
    tracks = link([frame(i / 2, sighting(i / 2), shot=i // 4) for i in range(8)])
    assert [[s.time for s in t.sightings] for t in tracks] == [
        [0.0, 0.5, 1.0, 1.5],
        [2.0, 2.5, 3.0, 3.5],
    ]


def test_people_are_numbered_as_they_appear_the_largest_first() -> None:
    def party(i: int) -> list[Sighting]:
        late = [sighting(x=100, person=3)] if i >= 2 else []
        return [
            *late,
            sighting(x=300, quality=sized(70), person=1),
            sighting(x=500, quality=sized(90), person=2),
        ]

    tracks = walk(party, 6)
    assert [t.id for t in tracks] == [1, 2, 3]
    assert [p[0] for p in places(tracks)] == [500, 300, 100]


def test_a_face_that_is_swapped_for_two_seconds_stays_in_its_track() -> None:
    swapped = look(1).copy()
    swapped[40:160, 40:152] = look(9)[40:160, 40:152]

    def talk(i: int) -> list[Sighting]:
        one = sighting(x=300 + 15 * (i % 3), person=1)
        return [replace(one, crop=swapped) if 4 <= i < 8 else one, sighting(x=480, person=2)]

    assert [len(t.sightings) for t in walk(talk, 14)] == [14, 14]


def test_what_was_seen_once_by_mistake_disturbs_nobody() -> None:
    ghost = sighting(x=420, y=260, quality=replace(GOOD, size_px=90.0), person=5)
    tracks = walk(lambda i: [sighting(x=300), *[ghost] * (i == 3)], 8)
    assert [len(t.sightings) for t in tracks] == [8, 1]


SIGHTED = st.lists(
    st.tuples(st.integers(0, 3), st.floats(0, 1000), st.floats(5, 300), st.integers(1, 3)),
    max_size=4,
)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0.01, 4), st.integers(0, 1), SIGHTED), max_size=12))
def test_every_sighting_ends_in_exactly_one_track(looks: list) -> None:
    frames, time = [], 0.0
    for gap, shot, seen in looks:
        time += gap
        people = [
            sighting(time, x, 100 + 50 * row, sized(size), person) for row, x, size, person in seen
        ]
        frames.append(frame(time, *people, shot=shot))
    tracks = link(frames)
    assert sorted(id(s) for t in tracks for s in t.sightings) == sorted(
        id(s) for f in frames for s in f.sightings
    )
    assert [t.id for t in tracks] == list(range(1, len(tracks) + 1))
    starts = [t.sightings[0].time for t in tracks]
    assert starts == sorted(starts)
    for one in tracks:
        times = [s.time for s in one.sightings]
        assert times == sorted(set(times))


# ---------------------------------------------------------------- watching and linking together


def followed(pictures: Iterable[Rgb], every: float = 0.5) -> tuple[Track, ...]:
    """Returns the tracks of a clip that is looked at ``every`` seconds.

    As in a check, single-sighting tracks are dropped.
    """
    watcher = Watcher()
    tracks = link([watcher.see(Frame(i * every, picture)) for i, picture in enumerate(pictures)])
    return tuple(t for t in tracks if len(t.sightings) > 1)


def test_a_real_head_that_walks_through_is_one_person() -> None:
    """The head moves by three widths between two looks, and the background beside it changes."""
    (one,) = followed(scene((SMALL_HEAD, 60 + 110 * i, 130 + 4 * (i % 2))) for i in range(4))
    assert len(one.sightings) == 4


def test_two_real_people_who_cross_keep_their_numbers() -> None:
    clip = [
        scene((SMALL_STRANGER, 410 - 55 * i, 120), (SMALL_HEAD, 70 + 55 * i, 150)) for i in range(7)
    ]
    left, right = sorted(followed(clip), key=lambda t: centre(t.sightings[0].face)[0])
    assert centre(left.sightings[-1].face)[0] == pytest.approx(400, abs=15)
    assert centre(right.sightings[-1].face)[0] == pytest.approx(80, abs=15)


def test_a_cross_fade_to_someone_elsewhere_is_two_people() -> None:
    first = scene((SMALL_HEAD, 110, 130))
    second = scene((SMALL_STRANGER, 360, 150), background=room(seed=20))
    shares = [0.0, 0.0, 0.0, 0.33, 0.67, 1.0, 1.0, 1.0]
    tracks = followed(like(first * (1 - share) + second * share) for share in shares)
    assert [round(centre(t.sightings[-1].face)[0], -2) for t in tracks] == [100, 400]
