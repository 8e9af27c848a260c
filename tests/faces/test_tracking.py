"""Faces found, aligned, measured and followed: on the pixels of a real portrait, which the tests move, scale and compose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import data

from tests import scenes
from tests.sightings import GOOD, frame, look, sighting, sized
from unmask import faces
from unmask.faces import (
    CROP_PX,
    TEMPLATE,
    Watcher,
    align,
    colours,
    find,
    find_near,
    is_cut,
    link,
    measure,
    similarity,
    tracking,
)
from unmask.types import Face, Frame, Rgb, Sighting, Track

PORTRAIT: Rgb = np.asarray(data.astronaut())
HEAD = PORTRAIT[20:230, 120:330]
"""A head with its surroundings, px 210 x 210; its face is 88 px wide about `MIDDLE`."""
MIDDLE = (106, 99)
STRANGER = np.ascontiguousarray(HEAD[:, ::-1])
"""Another person, for all that a look at 24 px can tell; the face is about (104, 99)."""


def scaled(image: Rgb, by: float) -> Rgb:
    how = cv2.INTER_AREA if by < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, None, fx=by, fy=by, interpolation=how))


def room(width: int = 480, height: int = 270, seed: int = 7) -> Rgb:
    """A soft background without a face; another seed is another place."""
    rng = np.random.default_rng(seed)
    coarse = (rng.integers(50, 200, 3) + rng.integers(-40, 40, (5, 8, 1))).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


def scene(*heads: tuple[Rgb, float, float], background: Rgb | None = None) -> Rgb:
    """Heads laid over a background, the later over the earlier, each with its middle at a place, px."""
    picture = (room() if background is None else background).copy()
    h, w = picture.shape[:2]
    for head, x, y in heads:
        left, top = round(x - head.shape[1] / 2), round(y - head.shape[0] / 2)
        x0, y0, x1, y1 = max(0, left), max(0, top), min(w, left + head.shape[1]), min(h, top + head.shape[0])
        if x0 < x1 and y0 < y1:
            picture[y0:y1, x0:x1] = head[y0 - top : y1 - top, x0 - left : x1 - left]
    return picture


def centre(face: Face) -> tuple[float, float]:
    x0, y0, x1, y1 = face.box
    return (x0 + x1) / 2, (y0 + y1) / 2


# ---------------------------------------------------------------- finding


def test_a_face_is_found_where_it_is() -> None:
    (face,) = find(PORTRAIT)
    assert centre(face) == pytest.approx((225, 119), abs=6)
    assert face.box[2] - face.box[0] == pytest.approx(88, abs=8)
    assert face.confidence > 0.8
    right_eye, left_eye, nose, right_mouth, left_mouth = face.points
    assert face.points.dtype == np.float32
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


@pytest.mark.parametrize("scale", [0.3, 0.6, 1.7, 4.0])
def test_box_and_points_are_px_of_the_image_at_any_scale(scale: float) -> None:
    (face,) = find(scaled(PORTRAIT, scale))
    assert np.array(centre(face)) / scale == pytest.approx((225, 119), abs=8)
    assert face.points / scale == pytest.approx(find(PORTRAIT)[0].points, abs=5)


def test_several_faces_come_largest_first() -> None:
    near, far = scaled(HEAD, 0.9), scaled(STRANGER, 0.5)
    found = find(scene((far, 400, 130), (near, 110, 130), (scaled(HEAD, 0.7), 280, 150)))
    assert [round(centre(face)[0], -1) for face in found] == [110, 280, 400]
    widths = [face.box[2] - face.box[0] for face in found]
    assert widths == sorted(widths, reverse=True)


def test_a_grey_face_is_found() -> None:
    grey = cv2.cvtColor(cv2.cvtColor(PORTRAIT, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert len(find(np.asarray(grey))) == 1


def test_a_face_that_fills_its_picture_is_found() -> None:
    x0, y0, x1, y1 = (int(v) for v in find(PORTRAIT)[0].box)
    assert len(find(scaled(PORTRAIT[y0:y1, x0:x1], 3.0))) == 1


@pytest.mark.parametrize(
    "picture",
    [np.full((180, 320, 3), level, np.uint8) for level in (0, 127, 255)]
    + [np.random.default_rng(seed).integers(0, 256, (180, 320, 3), dtype=np.uint8) for seed in range(3)]
    + [room(), np.asarray(data.coffee()), np.asarray(data.rocket())],
)
def test_no_face_is_found_where_none_is(picture: Rgb) -> None:
    assert find(picture) == ()


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (1, 3000), (3000, 1), (20, 40_000)])
def test_strange_shapes_are_searched_without_a_complaint(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 90, np.uint8)
    assert find(picture) == ()
    assert find_near(picture, (0.0, 0.0, 30.0, 40.0)) is None


def test_a_face_in_a_very_wide_picture_keeps_its_proportions() -> None:
    wide = scene((HEAD, 900, 105), background=room(1500, 210))
    (face,) = find(wide)
    assert centre(face) == pytest.approx((900 + MIDDLE[0] - 105, MIDDLE[1]), abs=12)
    assert (face.box[3] - face.box[1]) / (face.box[2] - face.box[0]) == pytest.approx(1.35, abs=0.3)


@pytest.mark.parametrize("moved", [(0, 0), (40, 0), (-30, 35), (0, -40)])
def test_a_known_face_is_found_again_nearby(moved: tuple[int, int]) -> None:
    (before,) = find(scene((HEAD, 200, 130)))
    now = find_near(scene((HEAD, 200 + moved[0], 130 + moved[1])), before.box)
    assert now is not None
    assert np.subtract(centre(now), centre(before)) == pytest.approx(moved, abs=6)


def test_a_face_that_went_is_not_mistaken_for_another_farther_off() -> None:
    (before,) = find(scene((scaled(HEAD, 0.6), 80, 130)))
    assert find_near(scene((scaled(STRANGER, 0.6), 300, 130)), before.box) is None


@pytest.mark.parametrize("box", [(-900, -900, -800, -780), (460, 250, 520, 330), (5000, 10, 5100, 120), (9, 9, 9, 9)])
def test_a_place_outside_the_frame_holds_no_face(box: tuple[float, float, float, float]) -> None:
    assert find_near(room(), box) is None


# ---------------------------------------------------------------- aligning

SIMILARITIES = st.tuples(st.floats(-np.pi, np.pi), st.floats(0.02, 50), st.floats(-3000, 3000), st.floats(-3000, 3000))


def matrix(turn: float, scale: float, x: float, y: float) -> NDArray[np.float64]:
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[cos, -sin, x], [sin, cos, y]])


def moved(points: NDArray[np.float32], by: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(points @ by[:, :2].T + by[:, 2], np.float32)


@given(SIMILARITIES)
def test_a_similarity_is_recovered_from_the_points_it_moved(given_: tuple[float, float, float, float]) -> None:
    truth = matrix(*given_)
    found = similarity(TEMPLATE, moved(TEMPLATE, truth))
    assert moved(TEMPLATE, found) == pytest.approx(moved(TEMPLATE, truth), abs=0.01 * given_[1] + 0.01)


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=5, max_size=5))
def test_any_points_give_a_finite_similarity_onto_the_template(points: list[tuple[float, float]]) -> None:
    found = similarity(np.array(points, np.float32), TEMPLATE)
    assert np.isfinite(found).all()
    assert np.hypot(found[0, 0], found[1, 0]) >= 1e-3


def dotted(points: NDArray[np.float32], radius: float, shape: tuple[int, int]) -> Rgb:
    """A dark picture with a soft bright dot at each point."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    dots = [np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * radius**2)) for px, py in points]
    return np.asarray(np.repeat((250 * np.sum(dots, axis=0))[..., None], 3, axis=2), np.uint8)


def dots_in(crop: Rgb) -> NDArray[np.float32]:
    """Where in a crop the dots about the template's points are."""
    found = []
    for px, py in np.round(TEMPLATE).astype(int):
        part = crop[py - 12 : py + 13, px - 12 : px + 13, 0].astype(float)
        y, x = np.mgrid[-12:13, -12:13]
        found.append((px + (x * part).sum() / part.sum(), py + (y * part).sum() / part.sum()))
    return np.array(found, np.float32)


@pytest.mark.parametrize("scale", [0.3, 0.7, 1.0, 1.4, 1.6, 3.0, 6.0])
@pytest.mark.parametrize("turn", [0.0, 0.5, -1.4, 3.0])
def test_the_five_points_come_to_lie_on_the_template(scale: float, turn: float) -> None:
    side = int(300 * scale)
    points = moved(TEMPLATE - CROP_PX / 2, matrix(turn, scale, side / 2 + 0.3, side / 2 - 0.4))
    crop = align(dotted(points, max(3.0 * scale, 1.0), (side, side)), points)
    assert crop.shape == (CROP_PX, CROP_PX, 3)
    assert crop.dtype == np.uint8
    assert dots_in(crop) == pytest.approx(TEMPLATE, abs=0.6)


@pytest.mark.parametrize("scale", [0.8, 4.0])
@pytest.mark.parametrize("at", [(0.15, 0.5), (0.5, 0.15), (0.85, 0.85)])
def test_at_the_border_the_points_stay_in_place_and_the_rest_is_mirrored(scale: float, at: tuple[float, float]) -> None:
    side = int(192 * scale)
    points = moved(TEMPLATE - TEMPLATE.mean(axis=0), matrix(0.2, scale, at[0] * side, at[1] * side))
    inside = ((points > 12 * scale) & (points < side - 12 * scale)).all(axis=1)
    assert 0 < inside.sum() < 5
    crop = align(dotted(points, 3.0 * scale, (side, side)) // 2 + 100, points)
    assert dots_in(np.maximum(crop, 101) - 100)[inside] == pytest.approx(TEMPLATE[inside], abs=1.0)
    assert crop.min() >= 99


def test_the_same_face_turned_and_scaled_gives_the_same_crop() -> None:
    points = find(PORTRAIT)[0].points
    upright = align(PORTRAIT, points).astype(float)[40:-40, 40:-40]
    for turn, scale in ((0.4, 1.0), (-0.8, 1.3), (0.2, 3.0)):
        by = matrix(turn, scale, 350 * scale, 150 * scale)
        turned = cv2.warpAffine(PORTRAIT, by, (int(900 * scale), int(900 * scale)), flags=cv2.INTER_CUBIC)
        again = align(np.asarray(turned), moved(points, by)).astype(float)[40:-40, 40:-40]
        assert np.abs(upright - again).mean() < 4


def test_fine_stripes_shrink_to_grey_and_not_to_waves() -> None:
    stripes = np.zeros((1200, 1200, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = align(stripes, (TEMPLATE * np.float32(5.3) + 60).astype(np.float32))
    assert crop.mean() == pytest.approx(127, abs=3)
    assert crop.std() < 12


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "points",
    [
        np.zeros((5, 2)),
        np.full((5, 2), 700.0),
        np.full((5, 2), -1e6),
        np.linspace(0, 1e-4, 10).reshape(5, 2),
        TEMPLATE[[1, 0, 2, 4, 3]],
        TEMPLATE * 1e4,
        TEMPLATE * 1e-3,
        TEMPLATE + 1e5,
    ],
)
def test_points_that_make_no_face_still_give_a_crop_in_no_time(points: NDArray[np.float64]) -> None:
    """Once they sent the mirroring at the border round in circles; only the time-out sees that."""
    crop = align(np.full((900, 1400, 3), 90, np.uint8), points.astype(np.float32))
    assert crop.shape == (CROP_PX, CROP_PX, 3)
    assert (crop == 90).all()


def test_a_picture_wider_than_opencv_warps_is_aligned() -> None:
    crop = align(np.full((300, 40_000, 3), 90, np.uint8), TEMPLATE + np.float32([39_000, 50]))
    assert (crop == 90).all()


# ---------------------------------------------------------------- measuring


def measured(picture: Rgb):
    face = find(picture)[0]
    return measure(picture, face, align(picture, face.points))


def test_size_is_the_width_of_the_face_in_px() -> None:
    assert measured(HEAD).size_px == pytest.approx(88, abs=6)
    assert measured(scaled(HEAD, 2.5)).size_px == pytest.approx(220, abs=25)


def test_sharpness_falls_with_blur() -> None:
    sharpness = [measured(HEAD).sharpness]
    sharpness += [measured(np.asarray(cv2.GaussianBlur(HEAD, None, sigma))).sharpness for sigma in (0.7, 1.5, 3, 6)]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[0] > 0.02 > sharpness[2]


def test_blockiness_rises_with_compression_and_is_one_without() -> None:
    picture = scene((HEAD, 203, 131))
    blocky = [measured(picture).blockiness]
    for quality in (60, 25, 10):
        jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        blocky.append(measured(np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))).blockiness)
    assert blocky == sorted(blocky)
    assert blocky[0] == pytest.approx(1, abs=0.15)
    assert blocky[-1] > 1.5


def yaw(points: NDArray[np.float32]) -> float:
    face = Face((40.0, 40.0, 150.0, 180.0), points, 0.9)
    return measure(look(), face, look()).yaw


def test_yaw_is_nothing_from_the_front_and_full_in_profile() -> None:
    aside = [TEMPLATE + np.float32([[0, 0], [0, 0], [x, 0], [0, 0], [0, 0]]) for x in (0, 8, 16, 24, 60)]
    yaws = [yaw(points) for points in aside]
    assert yaws == sorted(yaws)
    assert yaws[0] == pytest.approx(0, abs=1e-6)
    assert yaws[-1] == 1
    mirrored = aside[2] * np.float32([-1, 1])
    assert yaw(mirrored[[1, 0, 2, 4, 3]]) == pytest.approx(yaws[2], abs=1e-5)


@given(SIMILARITIES)
def test_yaw_does_not_depend_on_where_how_large_and_how_tilted(given_: tuple[float, float, float, float]) -> None:
    aside = TEMPLATE + np.float32([[0, 0], [0, 0], [12, 0], [0, 0], [0, 0]])
    assert yaw(moved(aside, matrix(*given_))) == pytest.approx(yaw(aside), abs=0.02)


def test_eyes_in_one_place_are_a_profile() -> None:
    assert yaw(np.zeros((5, 2), np.float32)) == 1


def test_a_face_outside_the_frame_is_measured_without_a_complaint() -> None:
    face = Face((-300.0, -300.0, -200.0, -180.0), TEMPLATE - 300, 0.9)
    quality = measure(room(), face, np.full((CROP_PX, CROP_PX, 3), 9, np.uint8))
    assert (quality.blockiness, quality.sharpness) == (1.0, 0.0)


# ---------------------------------------------------------------- watching


class CountingFinder:
    """The real finder, which counts the whole frames among what it searches."""

    def __init__(self, real: Callable[..., tuple[Face, ...]]) -> None:
        self.real, self.whole = real, 0

    def __call__(self, rgb: Rgb, search_px: int = faces.SEARCH_PX, confidence: float = 0.5) -> tuple[Face, ...]:
        self.whole += search_px == faces.SEARCH_PX
        return self.real(rgb, search_px, confidence)


@pytest.fixture
def finder(monkeypatch: pytest.MonkeyPatch) -> CountingFinder:
    counting = CountingFinder(faces.find)
    monkeypatch.setattr(tracking, "find", counting)
    return counting


SMALL_HEAD, SMALL_STRANGER = scaled(HEAD, 0.6), scaled(STRANGER, 0.6)


def searched(watcher: Watcher, finder: CountingFinder, clip: Iterable[tuple[float, Rgb]]) -> list[float]:
    """The times at which the watcher searched a whole frame."""
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
    assert searched(Watcher(refresh=9), finder, [(i / 4, room()) for i in range(3)]) == [0.0, 0.25, 0.5]


def test_a_cut_and_a_loss_are_searched_at_once(finder: CountingFinder) -> None:
    here = scene((SMALL_HEAD, 150, 130))
    elsewhere = scene((SMALL_HEAD, 150, 130), background=room(seed=20))
    assert searched(Watcher(refresh=9), finder, [(0.0, here), (0.2, here), (0.4, elsewhere)]) == [0.0, 0.4]
    assert searched(Watcher(refresh=9), finder, [(0.0, here), (0.2, room())]) == [0.0, 0.2]


def test_when_two_that_were_close_seem_to_be_in_one_place_the_frame_is_searched(finder: CountingFinder) -> None:
    narrow, other = SMALL_HEAD[:, 36:92], SMALL_STRANGER[:, 34:90]
    both, one = scene((narrow, 200, 130), (other, 250, 130)), scene((narrow, 212, 130))
    assert searched(Watcher(refresh=9), finder, [(0.0, both), (0.2, both), (0.4, one)]) == [0.0, 0.4]


def test_who_comes_in_is_found_within_a_second() -> None:
    watcher = Watcher(refresh=1.0)
    clip = [scene((SMALL_HEAD, 110, 130), *[(SMALL_STRANGER, 350.0, 130.0)] * (i >= 1)) for i in range(6)]
    found = [len(watcher.see(Frame(i / 4, picture)).sightings) for i, picture in enumerate(clip)]
    assert found == [1, 1, 1, 1, 2, 2]


def test_no_more_faces_than_asked_for_are_kept_the_largest() -> None:
    crowd = scene((scaled(HEAD, 0.4), 60, 60), (SMALL_HEAD, 200, 130), (scaled(STRANGER, 0.5), 380, 130))
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
    "one person elsewhere": (scene((HEAD, 200, 130)), scene((HEAD, 200, 130), background=room(seed=20))),
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
    """Per track, where along the picture its sightings are."""
    return [[round(centre(s.face)[0]) for s in t.sightings] for t in tracks]


def walk(at: Callable[[int], Sequence[Sighting]], looks: int, every: float = 0.5) -> tuple[Track, ...]:
    """The tracks of what is seen at each look, ``every`` seconds."""
    return link([frame(i * every, *(replace(s, time=i * every) for s in at(i))) for i in range(looks)])


def test_nothing_seen_nobody_followed() -> None:
    assert link([]) == ()
    assert link([frame(0.0), frame(0.5)]) == ()


@pytest.mark.parametrize("every", [0.04, 0.1, 0.5, 2.0, 7.0])
def test_one_person_is_one_track_at_any_spacing(every: float) -> None:
    """Also where a long clip is looked at so seldom that more time passes between two looks than a face is remembered."""
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
    tracks = walk(lambda i: [sighting(x=100, person=1)] if i < 4 else [sighting(x=500, person=2)], 8)
    assert places(tracks) == [[100] * 4, [500] * 4]


@pytest.mark.parametrize("step", [9, 20, 45, 90])
def test_two_people_who_cross_keep_their_numbers(step: int) -> None:
    looks = 600 // step

    def crossing(i: int) -> list[Sighting]:
        return [sighting(x=50 + step * i, person=1), sighting(x=650 - step * i, person=2)]

    tracks = walk(crossing, looks, every=0.25)
    assert [{s.crop[0, 0, 0] for s in t.sightings} for t in tracks] == [{look(1)[0, 0, 0]}, {look(2)[0, 0, 0]}]
    assert [len(t.sightings) for t in tracks] == [looks, looks]


@pytest.mark.parametrize(("hidden", "numbers"), [(1.0, 1), (2.0, 1), (5.0, 2)])
def test_a_hidden_face_is_remembered_for_two_seconds(hidden: float, numbers: int) -> None:
    tracks = walk(lambda i: [] if 0 <= i / 4 - 2 < hidden else [sighting()], 40, every=0.25)
    assert len(tracks) == numbers


@pytest.mark.parametrize("larger", [2.5, 0.3])
def test_a_head_does_not_triple_between_two_looks(larger: float) -> None:
    """A close-up of someone else, after a cut that the colours did not show."""
    tracks = walk(lambda i: [sighting(quality=sized(100.0 * (larger if i >= 3 else 1.0)))], 6)
    assert [len(t.sightings) for t in tracks] == [3, 3]


def test_a_cut_parts_what_is_in_the_same_place() -> None:
    tracks = link([frame(i / 2, sighting(i / 2), shot=i // 4) for i in range(8)])
    assert [[s.time for s in t.sightings] for t in tracks] == [[0.0, 0.5, 1.0, 1.5], [2.0, 2.5, 3.0, 3.5]]


def test_people_are_numbered_as_they_appear_the_largest_first() -> None:
    def party(i: int) -> list[Sighting]:
        late = [sighting(x=100, person=3)] if i >= 2 else []
        return [*late, sighting(x=300, quality=sized(70), person=1), sighting(x=500, quality=sized(90), person=2)]

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
    st.tuples(st.integers(0, 3), st.floats(0, 1000), st.floats(5, 300), st.integers(1, 3)), max_size=4
)  # fmt: skip


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0.01, 4), st.integers(0, 1), SIGHTED), max_size=12))
def test_every_sighting_ends_in_exactly_one_track(looks: list) -> None:
    frames, time = [], 0.0
    for gap, shot, seen in looks:
        time += gap
        people = [sighting(time, x, 100 + 50 * row, sized(size), person) for row, x, size, person in seen]
        frames.append(frame(time, *people, shot=shot))
    tracks = link(frames)
    assert sorted(id(s) for t in tracks for s in t.sightings) == sorted(id(s) for f in frames for s in f.sightings)
    assert [t.id for t in tracks] == list(range(1, len(tracks) + 1))
    starts = [t.sightings[0].time for t in tracks]
    assert starts == sorted(starts)
    for one in tracks:
        times = [s.time for s in one.sightings]
        assert times == sorted(set(times))


# ---------------------------------------------------------------- watching and linking together


def followed(pictures: Iterable[Rgb], every: float = 0.5) -> tuple[Track, ...]:
    """The tracks of a clip that is looked at ``every`` seconds; what was seen once is left out, as a check does."""
    watcher = Watcher()
    tracks = link([watcher.see(Frame(i * every, picture)) for i, picture in enumerate(pictures)])
    return tuple(t for t in tracks if len(t.sightings) > 1)


def test_a_real_head_that_walks_through_is_one_person() -> None:
    """Three head widths between two looks, over a background that changes what is seen beside the face."""
    (one,) = followed(scene((SMALL_HEAD, 60 + 110 * i, 130 + 4 * (i % 2))) for i in range(4))
    assert len(one.sightings) == 4


def test_two_real_people_who_cross_keep_their_numbers() -> None:
    clip = [scene((SMALL_STRANGER, 410 - 55 * i, 120), (SMALL_HEAD, 70 + 55 * i, 150)) for i in range(7)]
    left, right = sorted(followed(clip), key=lambda t: centre(t.sightings[0].face)[0])
    assert centre(left.sightings[-1].face)[0] == pytest.approx(400, abs=15)
    assert centre(right.sightings[-1].face)[0] == pytest.approx(80, abs=15)


def test_a_cross_fade_to_someone_elsewhere_is_two_people() -> None:
    first = scene((SMALL_HEAD, 110, 130))
    second = scene((SMALL_STRANGER, 360, 150), background=room(seed=20))
    shares = [0.0, 0.0, 0.0, 0.33, 0.67, 1.0, 1.0, 1.0]
    tracks = followed(like(first * (1 - share) + second * share) for share in shares)
    assert [round(centre(t.sightings[-1].face)[0], -2) for t in tracks] == [100, 400]


# ---------------------------------------------------------------- the strip of both eyes


def test_both_eyes_lie_where_the_strip_says_at_any_size_and_turn() -> None:
    portrait = np.asarray(cv2.resize(scenes.portrait()[:320, 60:380], (640, 640)), np.uint8)
    (found, *_) = faces.find(portrait)
    for scale, turn in ((1.0, 0.0), (1.0, 25.0), (3.0, -10.0)):
        move = cv2.getRotationMatrix2D((320, 320), turn, scale)
        size = (round(640 * scale), round(640 * scale))
        move[:, 2] += np.array(size) / 2 - 320
        points = (found.points @ move[:, :2].T + move[:, 2]).astype(np.float32)
        marked = cv2.warpAffine(portrait, move, size)
        for x, y in points[:2]:
            cv2.circle(marked, (round(float(x)), round(float(y))), round(6 * scale), (255, 0, 0), -1)
        strip = faces.eyes(np.asarray(marked, np.uint8), points)
        assert strip is not None
        assert strip.shape == (faces.STRIP_PX[1], faces.STRIP_PX[0], 3)
        for x, y in faces.STRIP_EYES.astype(int):
            assert tuple(strip[y, x] > 128) == (True, False, False)


def test_eyes_under_twenty_px_are_not_kept() -> None:
    rgb = np.zeros((400, 400, 3), np.uint8)
    for apart, kept in ((41.0, False), (42.5, True)):
        points = (faces.PROPORTIONS * np.float32(apart) + 150).astype(np.float32)
        assert (faces.eyes(rgb, points) is not None) is kept
