from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from unmask_lab.autoencoder import train
from unmask_lab.config import AutoencoderConfig
from unmask_lab.data import CHANGED, DataError, Row, read
from unmask_lab.forged_set import of_family, of_pair, write

SMALL = AutoencoderConfig(side=32, width=8, code=32, batch=4)


def test_a_forgery_differs_from_its_original_where_its_mask_says(
    rows: list[Row], tmp_path: Path
) -> None:
    families = ["other_face", "local_edit"]
    target = tmp_path / "forged.parquet"
    assert write(rows[:4], [of_family(family, rows) for family in families], "forged", target) == 8
    found = read([target])
    originals = {row.clip: row for row in found if row.label != CHANGED}
    masks = [mask for mask in pq.read_table(target)["mask"].to_pylist() if mask]
    changed = [row for row in found if row.label == CHANGED]
    assert len(originals) == 4
    assert {row.source for row in found} == {"forged"}
    for row, png in zip(changed, masks, strict=True):
        mask = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
        before = originals[row.made_from or ""]
        assert before.identity == row.identity
        difference = np.abs(row.rgb.astype(int) - before.rgb).mean(axis=2)
        assert (
            difference[mask > 200].mean()
            > 2 * difference[cv2.dilate(mask, np.ones((17, 17))) == 0].mean()
        )


def test_a_pair_swaps_its_own_people_alone(rows: list[Row], tmp_path: Path) -> None:
    ann, bea = rows[0].identity, rows[1].identity
    net = train({ann: rows[:1], bea: rows[1:2]}, SMALL, tmp_path, steps=2)
    target = tmp_path / "pair.parquet"
    assert write(rows, [of_pair(net)], "pair", target) == 2
    assert {row.identity for row in read([target])} == {ann, bea}
    with pytest.raises(DataError, match="no bona fide face"):
        write(rows[2:], [of_pair(net)], "pair", tmp_path / "none.parquet")
    assert not list(tmp_path.glob("none*"))


def test_the_same_seed_writes_the_same_file(rows: list[Row], tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(rows[:2], [of_family("self_blend", rows)], "forged", tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
