from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from unmask_lab.autoencoder import crowd, cut, decode_as, fit, load, train
from unmask_lab.config import AutoencoderConfig
from unmask_lab.data import DataError, Row
from unmask_lab.forge.face import FaceImage

SMALL = AutoencoderConfig(side=32, width=8, code=32, batch=4, rate=2e-3)


def pair(rows: list[Row]) -> dict[str, list[Row]]:
    return {"ann": rows[:6], "bea": rows[6:]}


def test_each_decoder_learns_its_own_person(rows: list[Row], tmp_path: Path) -> None:
    """Makes Ann dark and Bea light.

    The decoded face has the brightness of the decoder's person, whoever was encoded.
    """
    dark, light = (
        [_lit(row, factor) for row in of] for of, factor in ((rows[:6], 0.4), (rows[6:], 1.0))
    )
    net = train({"ann": dark, "bea": light}, SMALL, tmp_path, steps=60)
    target = FaceImage(dark[0].rgb, dark[0].points)
    as_ann, as_bea = (
        cut(FaceImage(decode_as(net, target, p), target.points), 32).mean() for p in (0, 1)
    )
    own = cut(target, 32).mean()
    assert abs(as_ann - own) < 20
    assert as_bea > own + 20


def test_the_linear_swap_gives_a_person_back_as_they_were_and_another_as_them(
    rows: list[Row], tmp_path: Path
) -> None:
    dark, light = (
        [_lit(row, factor) for row in of] for of, factor in ((rows[:6], 0.4), (rows[6:], 1.0))
    )
    fit({"ann": dark, "bea": light}, AutoencoderConfig(side=32, code=16), tmp_path)
    net, target = load(tmp_path / "linear.pt"), FaceImage(dark[0].rgb, dark[0].points)
    as_ann, as_bea = (cut(FaceImage(decode_as(net, target, p), target.points), 32) for p in (0, 1))
    own = cut(target, 32)
    assert np.abs(as_ann.astype(int) - own).mean() < 8
    assert as_bea.mean() > own.mean() + 20


def test_a_training_that_was_cut_resumes_to_the_same_result(
    rows: list[Row], tmp_path: Path
) -> None:
    whole = train(pair(rows), SMALL, tmp_path / "whole", steps=4)
    train(pair(rows), SMALL, tmp_path / "cut", steps=2)
    resumed = train(pair(rows), SMALL, tmp_path / "cut", steps=4)
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_snapshots_are_kept_and_load(rows: list[Row], tmp_path: Path) -> None:
    train(pair(rows), SMALL, tmp_path, steps=3, snapshots=[2])
    early, late = load(tmp_path / "autoencoder-2.pt"), load(tmp_path)
    face = FaceImage(rows[0].rgb, rows[0].points)
    assert early.people == late.people == ("ann", "bea")
    assert not np.array_equal(decode_as(early, face, 1), decode_as(late, face, 1))
    assert (tmp_path / "faces.png").stat().st_size > 1000


def test_a_crowd_is_everyone_once(rows: list[Row]) -> None:
    groups = crowd(rows, 3)
    assert sorted(row.clip for of in groups.values() for row in of) == sorted(
        row.clip for row in rows
    )


def test_what_cannot_be_trained_or_loaded_is_refused(rows: list[Row], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no faces of bea"):
        train({"ann": rows, "bea": []}, SMALL, tmp_path, steps=1)
    with pytest.raises(DataError, match="unmask-lab autoencoder"):
        load(tmp_path)
    train(pair(rows), SMALL, tmp_path, steps=1)
    with pytest.raises(DataError, match="other people"):
        train({"ann": rows[:6], "cleo": rows[6:]}, SMALL, tmp_path, steps=2)


def _lit(row: Row, factor: float) -> Row:
    from dataclasses import replace

    import faces_for_tests

    return replace(row, jpeg=faces_for_tests.jpeg((row.rgb * factor).astype(np.uint8)))
