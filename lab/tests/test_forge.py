from __future__ import annotations

import cv2
import numpy as np
import pytest
from unmask_lab import degrade, treat
from unmask_lab.data import Row
from unmask_lab.forge import FAMILIES, forge, forge_beside
from unmask_lab.forge.face import FaceImage
from unmask_lab.forge.hulls import face_mask
from unmask_lab.forge.laid_over import laid_over
from unmask_lab.samples import Pairs, nearest, shapes

from unmask import faces


def pair(rows: list[Row]) -> tuple[FaceImage, FaceImage]:
    return FaceImage(rows[0].rgb, rows[0].points), FaceImage(rows[3].rgb, rows[3].points)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_changes_the_face_and_nothing_outside_its_mask(
    family: str, rows: list[Row]
) -> None:
    target, donor = pair(rows)
    before = target.rgb.copy()
    for seed in range(8):
        forged = forge(family, target, donor, np.random.default_rng(seed))
        assert forged.rgb.shape == target.rgb.shape
        assert forged.rgb.dtype == np.uint8
        assert forged.mask.shape == target.rgb.shape[:2]
        assert 0 <= forged.mask.min() <= forged.mask.max() <= 1
        assert forged.mask.max() > 0.2
        outside = forged.mask == 0
        assert np.abs(forged.rgb.astype(int) - target.rgb)[outside].max(initial=0) == 0
    assert np.array_equal(target.rgb, before)


def test_a_treatment_alone_never_means_a_change(rows: list[Row]) -> None:
    """Checks both pictures outside the mask: they are the same.

    Half of the self-blends lie over a treated picture, which is then the bona fide one.
    """
    target, donor = pair(rows)
    treated = 0
    for seed in range(20):
        beside, forged = forge_beside("self_blend", target, donor, np.random.default_rng(seed))
        outside = forged.mask == 0
        assert np.array_equal(forged.rgb[outside], beside.rgb[outside])
        treated += not np.array_equal(beside.rgb, target.rgb)
    assert 4 <= treated <= 16


def test_a_donor_is_laid_over_feature_on_feature(rows: list[Row]) -> None:
    """Uses a donor whose colours tell the place.

    Under each point of the target's mesh lies that point of the donor's.
    """
    target = FaceImage(rows[0].rgb, rows[0].points, rows[0].mesh)
    assert target.mesh is not None
    bent = target.mesh + np.float32(0.1 * target.eyes_apart) * np.sin(
        target.mesh[:, ::-1] / np.float32(target.eyes_apart / 5)
    )
    y, x = np.mgrid[: target.rgb.shape[0], : target.rgb.shape[1]] // 2
    donor = FaceImage(np.stack([x, y, 0 * x], 2).astype(np.uint8), target.points, bent)
    inner = np.abs(target.mesh - target.mesh.mean(axis=0)).max(axis=1) < target.eyes_apart / 2
    column, row = np.round(target.mesh[inner]).astype(int).T
    layer, unbent = laid_over(donor, target), laid_over(FaceImage(donor.rgb, donor.points), target)
    assert layer.shape == target.rgb.shape
    off, off_unbent = (
        np.abs(rgb[row, column, :2] * 2.0 - bent[inner]).mean() for rgb in (layer, unbent)
    )
    assert off < 1.0
    assert off < off_unbent / 2


def test_a_mask_follows_the_mesh(rows: list[Row]) -> None:
    """Checks that a mask of the mesh covers the face's middle, whatever its shape.

    It also keeps away from the picture's corners.
    """
    face = FaceImage(rows[0].rgb, rows[0].points, rows[0].mesh)
    assert face.mesh is not None
    x, y = np.round(face.points[2]).astype(int)
    for seed in range(20):
        mask = face_mask(face, np.random.default_rng(seed))
        assert mask.shape == face.rgb.shape[:2]
        assert mask.max() == pytest.approx(1)
        assert mask[y - 8 : y + 9, x - 8 : x + 9].max() > 0.3
        assert max(mask[0, 0], mask[0, -1], mask[-1, 0], mask[-1, -1]) < 0.05


@pytest.mark.parametrize("name", treat.TREATMENTS)
def test_a_treatment_keeps_the_picture_and_changes_it_everywhere_alike(
    name: str, rows: list[Row]
) -> None:
    rgb = rows[0].rgb[:191, :]
    before = rgb.copy()
    for seed in range(5):
        out = treat.TREATMENTS[name](rgb, np.random.default_rng(seed))
        assert out.shape == rgb.shape
        assert out.dtype == np.uint8
        assert np.corrcoef(out[..., 1].ravel(), rgb[..., 1].ravel())[0, 1] > 0.6
    assert np.array_equal(rgb, before)


def test_a_predicted_frame_shows_the_picture_where_it_was(rows: list[Row]) -> None:
    rgb = rows[0].rgb
    still, moving = degrade.through_h264(rgb, 24), degrade.through_h264(rgb, 24, (1.5, -1.0))
    assert np.abs(still.astype(int) - rgb).mean() < 4
    assert np.abs(moving.astype(int) - rgb).mean() < 6
    assert not np.array_equal(still, moving)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_deterministic_under_its_seed(family: str, rows: list[Row]) -> None:
    first, second, other = (
        forge(family, *pair(rows), np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    assert np.array_equal(first.rgb, second.rgb)
    assert np.array_equal(first.mask, second.mask)
    assert not np.array_equal(first.rgb, other.rgb)


@pytest.mark.parametrize("way", degrade.NAMED.values(), ids=degrade.NAMED.keys())
def test_a_way_keeps_the_size_and_roughly_the_picture(
    way: degrade.Degradation, rows: list[Row]
) -> None:
    rgb = rows[0].rgb[:191, :]
    out = way(rgb, np.random.default_rng(0))
    assert out.shape == rgb.shape
    lit = (
        cv2.cvtColor(out, cv2.COLOR_RGB2GRAY).ravel(),
        cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).ravel(),
    )
    assert np.corrcoef(*lit)[0, 1] > 0.97


def test_light_acts_as_in_a_camera() -> None:
    """Checks exposure, contrast and tint.

    A stop is a factor of two in light, contrast keeps the mean, a tint scales its channel.
    """
    grey, rng = np.full((16, 16, 3), 100, np.uint8), np.random.default_rng(0)
    assert (
        abs(int(degrade.Degradation(exposure=-1)(grey, rng)[0, 0, 0]) - 100 * 0.5 ** (1 / 2.2)) <= 1
    )
    steps = (
        np.repeat(np.repeat([[80], [120]], 8, 0), 16, 1).astype(np.uint8)[..., None].repeat(3, 2)
    )
    assert set(np.unique(degrade.Degradation(contrast=0.5)(steps, rng))) == {90, 110}
    assert degrade.Degradation(tint=(1.2, 1.0, 0.9))(grey, rng)[0, 0].tolist() == [120, 100, 90]


def test_a_shake_blurs_along_its_direction_alone() -> None:
    column = np.zeros((33, 33, 3), np.uint8)
    column[:, 16] = 240
    rng = np.random.default_rng(0)
    across = degrade.Degradation(motion=(6, 0.0))(column, rng)
    along = degrade.Degradation(motion=(6, np.pi / 2))(column, rng)
    assert across[16, 16, 0] < 100
    assert along[16, 16, 0] > 200


def test_the_donor_is_another_person(rows: list[Row]) -> None:
    donor = nearest(rows, shapes(rows), rows[0], np.random.default_rng(0))
    assert not np.array_equal(donor.points, rows[0].points)


def test_both_classes_go_the_same_way(rows: list[Row]) -> None:
    """Checks that a pair's two crops are the same picture outside the mask, up to coding.

    So nothing there reveals the label.
    """
    pairs = Pairs(rows, ["regenerate"], seed=3, first=0, count=20)
    for i in range(20):
        (bona_fide, changed), where = pairs[i]
        assert bona_fide.shape == (faces.CROP_PX, faces.CROP_PX, 3)
        side = faces.CROP_PX // where.shape[0]
        untouched = np.kron(where == 0, np.ones((side, side))).astype(bool)
        if untouched.any():
            assert np.abs(bona_fide.astype(int) - changed)[untouched].mean() < 4


def test_close_ups_show_the_same_pair_finer(rows: list[Row]) -> None:
    pairs = Pairs(rows, ["self_blend"], 7, first=0, count=3, close=True)
    for i in range(3):
        crops, _ = pairs[i]
        assert crops.shape == (2, faces.CLOSE_UP_PX, faces.CLOSE_UP_PX, 3)
        assert np.corrcoef(crops[0].ravel(), crops[1].ravel())[0, 1] > 0.8


def test_sample_i_depends_on_the_seed_and_i_alone(rows: list[Row]) -> None:
    late, whole = (
        Pairs(rows, list(FAMILIES), 7, first=5, count=1),
        Pairs(rows, list(FAMILIES), 7, first=0, count=9),
    )
    assert np.array_equal(late[0][0], whole[5][0])
    assert np.array_equal(late[0][1], whole[5][1])
