"""Comparison tells a changed face or mouth from another take, a retouched frame and a subtitle."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.support import films
from unmask import faces
from unmask.originals import Comparison, FaceFinding, compare
from unmask.originals.hashing import LONGEST_PX, scaled
from unmask.originals.overlay import homography, lay
from unmask.types import Pair, Rgb

pytestmark = pytest.mark.slow

AT = 1.0


@pytest.fixture(scope="module")
def shot(people: list[films.Portrait]) -> films.Shot:
    return films.Shot(42, people[0], face=0.1)


def saved(rgb: Rgb, quality: int = 50) -> Rgb:
    """Scales to 240 lines and saves as a JPEG."""
    small = cv2.resize(rgb, (426, 240), interpolation=cv2.INTER_AREA)
    return cv2.imdecode(
        cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
    )


def compared(shot: films.Shot, shown: Rgb, points: np.ndarray | None = None) -> Comparison:
    """Compares a face with the shot's own frame: the largest, or the one at these points."""
    thumbnail, frame = scaled(shot.frame(AT)[0], LONGEST_PX), saved(shown)
    onto = homography(frame, thumbnail, np.eye(3))
    assert onto is not None
    laid, seen = lay(frame, onto, thumbnail.shape)
    where = (
        faces.find(frame)[0].points
        if points is None
        else points * np.float32(frame.shape[1] / films.WIDTH)
    )
    return compare(Pair(0.0, 0.0, laid, thumbnail, seen, onto), [where])[0]


def laid_by_the_scenery(shot: films.Shot, rgb: Rgb) -> Pair:
    """Pairs the shot's own frame with another of the same place, neither moved nor compressed."""
    thumbnail = scaled(shot.frame(AT)[0], LONGEST_PX)
    onto = np.diag([thumbnail.shape[1] / films.WIDTH, thumbnail.shape[0] / films.HEIGHT, 1.0])
    return Pair(
        0.0, 0.0, scaled(rgb, LONGEST_PX), thumbnail, np.ones(thumbnail.shape[:2], bool), onto
    )


def height_of_face(shot: films.Shot) -> float:
    return float(faces.find(shot.frame(AT)[0])[0].points[:, 1].mean() / films.HEIGHT)


@pytest.mark.parametrize(
    "edit",
    [lambda rgb: rgb, films.graded, films.subtitled, films.with_logo],
    ids=["as it was", "graded", "subtitled", "logo"],
)
def test_what_is_merely_edited_is_the_same(shot: films.Shot, edit) -> None:
    told = compared(shot, edit(shot.frame(AT)[0]))
    assert told.finding in {FaceFinding.SAME, FaceFinding.RETOUCHED}
    assert told.score < 0


@pytest.mark.parametrize("edit", [lambda rgb: rgb, films.graded], ids=["as it was", "graded"])
def test_a_changed_face_and_a_changed_mouth(
    shot: films.Shot, people: list[films.Portrait], edit
) -> None:
    for change, finding in (
        (films.another_face(people[5]), FaceFinding.CHANGED_FACE),
        (films.another_mouth(people[5]), FaceFinding.CHANGED_MOUTH),
    ):
        told = compared(shot, edit(shot.frame(AT, change)[1]))
        assert told.finding is finding
        assert told.score > 0.3


def test_the_difference_lies_in_the_face(shot: films.Shot, people: list[films.Portrait]) -> None:
    told = compared(shot, shot.frame(AT, films.another_face(people[5]))[1])
    x0, y0, x1, y1 = (round(v * 384 / 640) for v in faces.find(shot.frame(AT)[0])[0].box)
    inside = np.zeros(told.where.shape, bool)
    inside[y0:y1, x0:x1] = True
    assert told.where[inside].mean() > 5 * told.where[~inside].mean()


def test_a_subtitle_across_the_face_covers_and_does_not_change(
    shot: films.Shot, people: list[films.Portrait]
) -> None:
    height = height_of_face(shot)
    assert (
        compared(shot, films.subtitled(shot.frame(AT)[0], height=height)).finding
        is FaceFinding.SAME
    )
    for change, findings in (
        (films.another_face(people[5]), {FaceFinding.CHANGED_FACE}),
        (films.another_mouth(people[5]), {FaceFinding.CHANGED_FACE, FaceFinding.CHANGED_MOUTH}),
    ):
        told = compared(shot, films.subtitled(shot.frame(AT, change)[1], height=height))
        assert told.finding in findings
        assert told.score > 0.3


def test_another_take_is_no_change(shot: films.Shot) -> None:
    told = compared(shot, replace(shot, take=2).frame(AT)[0])
    assert told.finding not in {FaceFinding.CHANGED_FACE, FaceFinding.CHANGED_MOUTH}


@pytest.mark.parametrize("take", [1, 3])
def test_a_head_that_only_lies_elsewhere_is_no_change(shot: films.Shot, take: int) -> None:
    assert compared(shot, replace(shot, take=take).frame(AT)[0]).score < 0


def test_another_take_in_which_the_face_differs_says_nothing(
    shot: films.Shot, people: list[films.Portrait]
) -> None:
    take = replace(shot, take=1)
    (plain,), (changed,) = (
        compare(laid_by_the_scenery(shot, rgb), [faces.find(rgb)[0].points])
        for rgb in take.frame(AT, films.another_mouth(people[5]))
    )
    assert plain.finding is changed.finding is FaceFinding.OTHER_TAKE
    assert plain.score < 0
    assert np.isnan(changed.score)


def hooded(who: films.Portrait, aside: float, turned: float, swap=None) -> tuple[Rgb, np.ndarray]:
    """Draws a face directly before scenery, without hair or neck; returns its points too."""
    cos, sin = np.cos(np.radians(turned)), np.sin(np.radians(turned))
    points = 80 * faces.PROPORTIONS @ np.float32([[cos, sin], [-sin, cos]]) + np.float32(
        [320 + aside, 150]
    )
    alpha = np.zeros((films.HEIGHT, films.WIDTH), np.float32)
    cv2.ellipse(alpha, (int(320 + aside), 200), (92, 128), turned, 0, 360, 1.0, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 2)
    head = cv2.warpAffine(
        who.rgb, faces.similarity(who.points, points), (films.WIDTH, films.HEIGHT)
    )
    rgb = cv2.blendLinear(
        head, films.scenery(11)[: films.HEIGHT, : films.WIDTH].copy(), alpha, 1 - alpha
    )
    return (swap(rgb, points) if swap else rgb), points


@pytest.mark.parametrize(("aside", "turned"), [(0, 0), (0, 3), (4, 2)])
def test_a_head_is_found_elsewhere_though_the_scenery_about_it_stays(
    people: list[films.Portrait], aside: float, turned: float
) -> None:
    thumbnail = scaled(hooded(people[0], 0, 0)[0], LONGEST_PX)
    onto = np.diag([thumbnail.shape[1] / films.WIDTH, thumbnail.shape[0] / films.HEIGHT, 1.0])

    def told(swap=None) -> Comparison:
        rgb, points = hooded(people[0], aside, turned, swap)
        seen = np.ones(thumbnail.shape[:2], bool)
        return compare(Pair(0.0, 0.0, scaled(rgb, LONGEST_PX), thumbnail, seen, onto), [points])[0]

    lies_elsewhere = bool(aside or turned)
    assert told().finding is (FaceFinding.OTHER_TAKE if lies_elsewhere else FaceFinding.SAME)
    assert told().score < 0
    changed = told(films.another_face(people[5])).finding
    assert changed in (
        {FaceFinding.OTHER_TAKE, FaceFinding.CHANGED_FACE}
        if lies_elsewhere
        else {FaceFinding.CHANGED_FACE}
    )


def test_where_hair_and_neck_differ_as_well_nothing_is_said(
    shot: films.Shot, people: list[films.Portrait], stranger: films.Portrait
) -> None:
    points = faces.find(shot.frame(AT)[0])[0].points
    (told,) = compare(
        laid_by_the_scenery(shot, replace(shot, portrait=stranger).frame(AT)[0]), [points]
    )
    assert told.finding is FaceFinding.OTHER_TAKE
    assert np.isnan(told.score)


def test_a_mouth_is_looked_for_where_it_lies(people: list[films.Portrait]) -> None:
    def opened(rgb: Rgb, points: np.ndarray) -> Rgb:
        where.append(points)
        (x, y), apart = points[3:].mean(axis=0), float(np.ptp(points[:2, 0]))
        return cv2.ellipse(
            rgb.copy(),
            (int(x), int(y)),
            (int(0.3 * apart), int(0.12 * apart)),
            0,
            0,
            360,
            (90, 30, 35),
            -1,
        )

    where: list[np.ndarray] = []
    one, part = people[0], np.float32([1, 0.65])
    short = films.Portrait(cv2.resize(one.rgb, None, fx=1, fy=0.65), one.points * part)
    shot = films.Shot(42, short, face=0.1)
    changed = shot.frame(AT, opened)[1]
    (told,) = compare(laid_by_the_scenery(shot, changed), [where[0]])
    assert told.finding is FaceFinding.CHANGED_MOUTH
    assert told.score > 0.7


def softened(rgb: Rgb, points: np.ndarray, sigma: float = 2.5) -> Rgb:
    """Blurs only the head, as by an encoder that spends its bits elsewhere."""
    (x, y), apart = points[:3].mean(axis=0), float(np.ptp(points[:2, 0]))
    alpha = np.zeros(rgb.shape[:2], np.float32)
    cv2.ellipse(alpha, (int(x), int(y)), (int(2 * apart), int(2.6 * apart)), 0, 0, 360, 1.0, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 6)
    return cv2.blendLinear(cv2.GaussianBlur(rgb, (0, 0), sigma), rgb, alpha, 1 - alpha)


def test_a_softened_head_is_no_change(shot: films.Shot) -> None:
    told = compared(shot, shot.frame(AT, softened)[1])
    assert told.finding is FaceFinding.SAME
    assert told.score < 0


def test_a_change_beside_which_something_was_laid_over_is_found(
    shot: films.Shot, people: list[films.Portrait]
) -> None:
    rgb = shot.frame(AT, films.another_face(people[5]))[1]
    x0, y0, _, _ = (round(v) for v in faces.find(rgb)[0].box)
    cv2.rectangle(rgb, (x0 - 50, y0 - 30), (x0 - 25, y0 + 30), (220, 30, 40), -1)
    assert compared(shot, rgb).finding is FaceFinding.CHANGED_FACE


def test_a_face_too_dark_to_tell_is_not_called_the_same(
    shot: films.Shot, people: list[films.Portrait]
) -> None:
    rgb = shot.frame(AT, films.another_mouth(people[5]))[1]
    pair = laid_by_the_scenery(shot, rgb)
    dark = replace(pair, rgb=(pair.rgb * 0.04).astype(np.uint8))
    (told,) = compare(dark, [faces.find(rgb)[0].points])
    assert told.finding is FaceFinding.FAINT
    assert np.isnan(told.score)


def test_a_mouth_behind_a_subtitle_is_not_called_the_same(shot: films.Shot) -> None:
    mouth = float(faces.find(shot.frame(AT)[0])[0].points[3:, 1].mean())
    shown = films.subtitled(shot.frame(AT)[0], height=(mouth + 8) / films.HEIGHT)
    assert compared(shot, shown).finding is FaceFinding.COVERED


@pytest.mark.parametrize("down", [-0.3, 0.2, 0.6, 1.0, 1.3, 1.6])
def test_wherever_a_subtitle_crosses_a_face_it_is_no_change(shot: films.Shot, down: float) -> None:
    """Position of the subtitle is ``down``: from the eyes, 0, to the mouth, 1."""
    points = faces.find(shot.frame(AT)[0])[0].points
    height = float(points[:2, 1].mean() * (1 - down) + points[3:, 1].mean() * down) / films.HEIGHT
    told = compared(shot, films.subtitled(shot.frame(AT)[0], height=height), points)
    assert told.finding in {FaceFinding.SAME, FaceFinding.COVERED, FaceFinding.RETOUCHED}


def test_a_change_in_the_dark_half_of_a_face_is_not_lost_in_the_bright_half(
    shot: films.Shot, people: list[films.Portrait]
) -> None:
    points = faces.find(shot.frame(AT)[0])[0].points
    pair = laid_by_the_scenery(shot, shot.frame(AT, films.another_mouth(people[5]))[1])
    eyes = (pair.onto @ np.column_stack([points[:2], [1, 1]]).T)[0]
    light = np.clip(0.3 - 6 * (np.arange(pair.rgb.shape[1]) - eyes.mean()) / np.ptp(eyes), 0.06, 1)[
        None, :, None
    ]
    shown, original = ((rgb * light).astype(np.uint8) for rgb in (pair.rgb, pair.original))
    jpeg = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    told = compare(
        replace(pair, rgb=cv2.imdecode(jpeg, cv2.IMREAD_COLOR), original=original), [points]
    )[0]
    assert told.finding is FaceFinding.CHANGED_MOUTH


def test_a_face_that_lies_mostly_outside_the_picture_is_not_called_the_same(
    shot: films.Shot,
) -> None:
    rgb = shot.frame(AT)[0]
    points = faces.find(rgb)[0].points
    aside = points - np.float32([points[:, 0].mean() + 20, 0])
    (told,) = compare(laid_by_the_scenery(shot, rgb), [aside])
    assert told.finding is FaceFinding.COVERED
    assert np.isnan(told.score)


def test_a_face_pasted_onto_itself_is_no_change(
    shot: films.Shot, people: list[films.Portrait]
) -> None:
    assert (
        films.changed_by(*shot.frame(AT, films.another_mouth(shot.portrait))) < films.LEAST_CHANGE
    )
    assert films.changed_by(*shot.frame(AT, films.another_mouth(people[5]))) > films.LEAST_CHANGE


def test_a_frame_retouched_elsewhere(shot: films.Shot) -> None:
    rgb = shot.frame(AT)[0]
    cv2.rectangle(rgb, (10, 230), (110, 330), (30, 160, 60), -1)
    cv2.circle(rgb, (60, 280), 30, (230, 40, 40), -1)
    assert compared(shot, rgb).finding is FaceFinding.RETOUCHED


def test_a_tiny_face_is_not_compared(people: list[films.Portrait]) -> None:
    shot = films.Shot(42, people[0], face=0.1)
    thumbnail = scaled(shot.frame(AT)[0], LONGEST_PX)
    seen = np.ones(thumbnail.shape[:2], bool)
    points = np.float32([[50, 50], [54, 50], [52, 52], [51, 55], [53, 55]])
    (told,) = compare(Pair(0.0, 0.0, thumbnail, thumbnail, seen, np.eye(3)), [points])
    assert told.finding is FaceFinding.TOO_SMALL
    assert np.isnan(told.score)
    assert compare(Pair(0.0, 0.0, thumbnail, thumbnail, seen, np.eye(3)), []) == ()


@pytest.mark.parametrize(
    ("swap", "finding"),
    [
        (films.another_face, FaceFinding.CHANGED_FACE),
        (films.another_mouth, FaceFinding.CHANGED_MOUTH),
    ],
    ids=["face", "mouth"],
)
def test_a_change_shows_though_the_head_was_blurred(
    people: list[films.Portrait], swap, finding: FaceFinding
) -> None:
    shot = films.Shot(44, people[4], face=0.1)
    plain, changed = shot.frame(AT, swap(people[1]))
    points = faces.find(plain)[0].points
    told, not_told = (
        compare(laid_by_the_scenery(shot, softened(rgb, points, 4.0)), [points])[0]
        for rgb in (changed, plain)
    )
    assert told.finding is finding
    assert not_told.score < 0


def test_a_face_that_the_frame_or_its_original_does_not_show_is_not_compared(
    shot: films.Shot,
) -> None:
    pair, points = (
        laid_by_the_scenery(shot, shot.frame(AT)[0]),
        faces.find(shot.frame(AT)[0])[0].points,
    )
    nothing = replace(pair, seen=np.zeros_like(pair.seen))
    assert compare(nothing, [points])[0].finding is FaceFinding.COVERED
    assert compare(pair, [points + 1000])[0].finding is FaceFinding.COVERED
