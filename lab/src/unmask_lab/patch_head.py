"""Training of the head that judges each patch of a close-up, on the tower as it is served.

The tower stays as it is, so its tokens are computed once per pair and kept in a folder. A run that
was interrupted goes on there. A patch of a forgery is *changed* where most of it was, and *bona
fide* where next to nothing was; the rest is passed over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from unmask import models
from unmask.evidence import strong
from unmask_lab import records
from unmask_lab.config import PatchConfig
from unmask_lab.data import BONA_FIDE, DataError, read
from unmask_lab.export import NOT_MEASURED, enter, update_card
from unmask_lab.parallel import spread
from unmask_lab.samples import Pairs

CHUNK = 100
"""Pairs per file of tokens."""

KEPT = 98
"""Patches kept of each face, drawn at random: half of them."""

MOSTLY, HARDLY = 0.5, 0.05
"""Share of a patch that was changed above which it is *changed*, and below which *bona fide*."""


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Answers of the tower on pairs, bona fide first.

    Attributes:
        whole: logits of whole faces, float32 ``(n, 2)``.
        patches: tokens of patches, float16 ``(n, 2, k, 2304)``.
        where: share of each patch that was changed, float32 ``(n, 2, k)``.
    """

    whole: NDArray[np.float32]
    patches: NDArray[np.float16]
    where: NDArray[np.float32]


def teach(config: PatchConfig, folder: Path, workers: int, weights: Path = models.WEIGHTS) -> Path:
    """Fits the head and hands it to the runtime, in ``strong.npz``.

    Args:
        folder: of the tokens.
        workers: processes that make forgeries and look at them.
        weights: folder of the exported networks; its tower is the installed one.

    Raises:
        DataError: the folder holds tokens of other settings or of another tower.
    """
    _refuse_others(config, folder)
    seen = list(_seen(config.train, config, config.pairs, KEPT, folder / "train", workers))
    head = fit(seen, config)
    others = _seen(config.dev, config, config.scaled_by, 196, folder / "dev", workers)
    path = weights / f"{strong.WEIGHT}.npz"
    head["gain"] = _gain(head, list(others))
    values = _tower() | {f"{models.PATCHES}{name}": value for name, value in head.items()}
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **values)
    card = models.card(strong.WEIGHT)
    named = {key: [Path(file).name for file in getattr(config, key)] for key in ("train", "dev")}
    about = {"command": "make lab-patches", "config": asdict(config) | named}
    enter(weights, path.name, path)
    update_card(
        weights,
        strong.WEIGHT,
        training=card["training"],
        patches=about,
        licence=card["licence"],
        limits=[NOT_MEASURED],
    )
    return path


def _tower() -> dict[str, NDArray[np.float32]]:
    """Returns the tuned values of the installed tower."""
    tuned = models.tuned(strong.WEIGHT)
    return {name: v for name, v in tuned.items() if not name.startswith(models.PATCHES)}


def _refuse_others(config: PatchConfig, folder: Path) -> None:
    tower = hashlib.sha256(b"".join(value.tobytes() for value in _tower().values())).hexdigest()
    about = records.dumps({"config": asdict(config), "tower": tower}) + "\n"
    noted = folder / "config.json"
    if noted.is_file() and json.loads(noted.read_text()) != json.loads(about):
        raise DataError(f"{folder}: holds tokens of other settings or of another tower; delete it")
    folder.mkdir(parents=True, exist_ok=True)
    noted.write_text(about)


def _seen(
    files: Sequence[str], config: PatchConfig, pairs: int, kept: int, folder: Path, workers: int
) -> Iterator[Tokens]:
    """Yields the tokens of so many pairs, in chunks; computes those that are not in the folder."""
    folder.mkdir(exist_ok=True)
    rows = [row for row in read(map(Path, files)) if row.label == BONA_FIDE]
    made = Pairs(rows, config.families, config.seed, 0, pairs, close=True)
    chunks = spread(partial(_chunk, made, kept, folder), range(0, pairs, CHUNK), workers)
    for done, path in enumerate(chunks, start=1):
        print(f"{folder.name}: {min(done * CHUNK, pairs)} of {pairs} pairs", flush=True)
        with np.load(path, allow_pickle=False) as values:
            yield Tokens(**values)


def _chunk(pairs: Pairs, kept: int, folder: Path, first: int) -> Path:
    path, beside = folder / f"{first:08}.npz", folder / f"{first:08}.partial"
    if not path.exists():
        numbers = range(first, min(first + CHUNK, len(pairs)))
        of_pairs = [look(*pairs[i], kept, i) for i in numbers]
        whole, patches, where = (np.stack(part) for part in zip(*of_pairs, strict=True))
        with beside.open("wb") as file:
            np.savez(file, allow_pickle=False, whole=whole, patches=patches, where=where)
        beside.replace(path)
    return path


def look(
    close_ups: NDArray[np.uint8], where: NDArray[np.float32], kept: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float16], NDArray[np.float32]]:
    """Has the tower look at a pair, and keeps as many patches of each face.

    Args:
        close_ups: bona fide, changed, uint8 ``(2, 224, 224, 3)``.
        where: share of each patch of the second that was changed, ``(14, 14)``.
        kept: number of patches.
        seed: of the drawing of patches.
    """
    rng, whole, patches, shares = np.random.default_rng(seed), [], [], []
    for close_up, share in zip(close_ups, (np.zeros_like(where), where), strict=True):
        drawn = rng.permutation(share.size)[:kept]
        logit, tokens = strong.look(close_up)
        whole.append(logit)
        patches.append(tokens[drawn].astype(np.float16))
        shares.append(share.reshape(-1)[drawn])
    return np.array(whole, np.float32), np.stack(patches), np.stack(shares)


def fit(seen: Sequence[Tokens], config: PatchConfig) -> dict[str, NDArray[np.float32]]:
    """Fits mean, spread, weight and bias of a `strong.PatchHead`; the classes weigh the same."""
    some = np.concatenate([part.patches[:4].reshape(-1, part.patches.shape[-1]) for part in seen])
    mean, spread = some.mean(0, np.float32), some.astype(np.float32).std(0) + 1e-3
    nothing = np.zeros(0, np.float32)
    scaled = strong.PatchHead(mean, spread, nothing, nothing, nothing)
    head = nn.Linear(mean.size, 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    optimiser = torch.optim.AdamW(head.parameters(), config.rate, weight_decay=config.decay)
    pairs = [(part, i) for part in seen for i in range(len(part.whole))]
    steps = config.rounds * (len(pairs) // config.batch)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    rng = np.random.default_rng(config.seed)
    for _ in range(config.rounds):
        order = rng.permutation(len(pairs))[: len(pairs) // config.batch * config.batch]
        for drawn in order.reshape(-1, config.batch):
            batch = [pairs[i] for i in drawn]
            tokens = np.stack([part.patches[i] for part, i in batch]).astype(np.float32)
            where = torch.from_numpy(np.stack([part.where[i] for part, i in batch]))
            loss = _loss(head(torch.from_numpy(scaled.levelled(tokens))).squeeze(-1), where)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            falling.step()
    weight, bias = (v.detach().numpy().reshape(-1) for v in (head.weight, head.bias))
    return {"mean": mean, "spread": spread, "weight": weight, "bias": bias[0]}


def _loss(logits: Tensor, where: Tensor) -> Tensor:
    """Computes the loss of patches' logits ``(n, 2, k)``, bona fide faces first.

    Half of what is bona fide are patches of forgeries, so that the head learns where, and not whom.
    """
    changed, same = (where[:, 1] > MOSTLY).float(), (where[:, 1] < HARDLY).float()
    found = (functional.softplus(-logits[:, 1]) * changed).sum() / changed.sum().clamp(min=1)
    beside = (functional.softplus(logits[:, 1]) * same).sum() / same.sum().clamp(min=1)
    return found + (beside + functional.softplus(logits[:, 0]).mean()) / 2


def _gain(head: dict[str, Any], others: Sequence[Tokens]) -> NDArray[np.float32]:
    """Returns the spread of whole faces' logits over that of their patches' mean odds."""
    by_patch = strong.PatchHead(**head, gain=np.ones((), np.float32))
    whole = np.concatenate([part.whole for part in others])
    odds = [strong.mean_odds(by_patch(part.patches.astype(np.float32))) for part in others]
    return np.array(whole.std() / np.concatenate(odds).std(), np.float32)
