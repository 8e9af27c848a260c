"""Head that judges patches: it learns where a change is, and a run goes on where it stopped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from unmask_lab import patch_head
from unmask_lab.config import PatchConfig
from unmask_lab.data import DataError
from unmask_lab.patch_head import Tokens

from unmask import models
from unmask.evidence import strong

CONFIG = PatchConfig(("train",), ("dev",), ("self_blend",), rate=0.05, rounds=8)


def tokens(rng: np.random.Generator, pairs: int) -> Tokens:
    """Returns tokens of which the third value rises where a patch was changed."""
    where = np.zeros((pairs, 2, 98), np.float32)
    where[:, 1, :30] = 1.0
    patches = rng.normal(size=(pairs, 2, 98, 16))
    patches[..., 2] += 4 * where
    return Tokens(rng.normal(size=(pairs, 2)).astype(np.float32), patches.astype(np.float16), where)


def test_it_learns_which_patches_were_changed() -> None:
    rng = np.random.default_rng(0)
    learned = patch_head.fit([tokens(rng, 64), tokens(rng, 64)], CONFIG)
    head = strong.PatchHead(**learned, gain=np.ones((), np.float32))
    others = tokens(rng, 20)
    by_patch = head(others.patches.astype(np.float32))
    changed = others.where > 0.5
    assert np.quantile(by_patch[changed], 0.1) > np.quantile(by_patch[~changed], 0.9)
    assert int(np.abs(head.weight).argmax()) == 2


def test_the_same_tokens_give_the_same_head() -> None:
    some = [tokens(np.random.default_rng(0), 32)]
    first, second = (patch_head.fit(some, CONFIG) for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)


def test_a_head_is_handed_to_the_runtime_beside_the_tower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checks the file and its card, and that tokens of other settings are refused."""
    weights = tmp_path / "weights"
    weights.mkdir()
    for name in ("strong.npz", "strong.json", "weights.json"):
        shutil.copy(models.WEIGHTS / name, weights)
    monkeypatch.setattr(
        patch_head, "_seen", lambda *_: iter([tokens(np.random.default_rng(1), 32)])
    )
    path = patch_head.teach(CONFIG, tmp_path / "tokens", 1, weights)
    with np.load(path) as written, np.load(models.WEIGHTS / "strong.npz") as before:
        names = {name for name in before if not name.startswith(models.PATCHES)}
        assert all((written[name] == before[name]).all() for name in names)
        assert written["patches.weight"].shape == (16,)
        assert written["patches.gain"] > 0
    card = json.loads((weights / "strong.json").read_text())
    assert card["patches"]["config"]["families"] == ["self_blend"]
    assert [limit["code"] for limit in card["limits"]] == ["limit.not_measured"]
    patch_head.teach(CONFIG, tmp_path / "tokens", 1, weights)
    other = PatchConfig(("train",), ("dev",), ("self_blend",), seed=2)
    with pytest.raises(DataError, match="other settings"):
        patch_head.teach(other, tmp_path / "tokens", 1, weights)


def test_a_pair_is_looked_at_by_the_tower_as_served() -> None:
    rng = np.random.default_rng(2)
    close_ups = rng.integers(0, 256, (2, 224, 224, 3), np.uint8)
    where = np.zeros((14, 14), np.float32)
    where[3, 4] = 1.0
    whole, patches, shares = patch_head.look(close_ups, where, 98, 5)
    assert (whole.shape, patches.shape, shares.shape) == ((2,), (2, 98, 2304), (2, 98))
    assert shares[0].sum() == 0
    assert shares[1].sum() in (0, 1)
    again = patch_head.look(close_ups, where, 196, 5)
    assert again[2][1].sum() == 1
