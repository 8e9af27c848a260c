"""Trains the detector on pairs made on the fly.

It is the same on CPU and CUDA, and a resumed training gives the same result as an uninterrupted
one.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.utils.data import DataLoader

from unmask_lab.config import Config
from unmask_lab.data import BONA_FIDE, CHANGED, DataError, Row, read, refuse_leak
from unmask_lab.examples import differs
from unmask_lab.net import Detector
from unmask_lab.nets import NETS, SEE_CLOSE_UPS
from unmask_lab.samples import Pairs, Swap
from unmask_lab.tower import Tower
from unmask_lab.unfold import unfold
from unmask_lab.validate import validate

__all__ = ["Config", "TrainingState", "given_swaps", "load", "train"]


@dataclass(slots=True)
class TrainingState:
    """Progress of a training: pairs seen, and one line of figures per validation."""

    seen: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)


def train(config: Config, folder: Path, every: int, workers: int = 2) -> nn.Module:
    """Trains, or resumes from the checkpoint in ``folder``.

    Validates and saves every ``every`` steps.

    Raises:
        DataError: the data set is unusable, the split leaks, or the checkpoint is of another
            config.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows, dev = read(map(Path, config.train)), read(map(Path, config.dev)) if config.dev else []
    refuse_leak(rows, dev)
    swaps = given_swaps(rows) if config.given else []
    rows = [row for row in rows if row.label == BONA_FIDE]
    torch.manual_seed(config.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net = _start(config, rows).to(device)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # PyTorch's signature lacks it
    optimizer = _optimizer(net, config)
    averaged = torch.optim.swa_utils.AveragedModel(
        net,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(config.average),
        use_buffers=True,
    )
    state = _resume(folder, config, net, averaged, optimizer)
    started, first = time.monotonic(), state.seen
    for step, (crops, where) in enumerate(_batches(config, rows, swaps, state, workers), start=1):
        for group in optimizer.param_groups:
            group["lr"] = group["highest"] * _schedule(state.seen / config.pairs)
        loss = _step(net, optimizer, crops.to(device), where.to(device), config)
        averaged.update_parameters(net)
        state.seen += len(crops)
        if step % 20 == 0:
            rate = (state.seen - first) / (time.monotonic() - started)
            print(
                f"{state.seen}/{config.pairs} pairs, loss {loss:.3f}, {rate:.1f} pairs/s",
                file=sys.stderr,
                flush=True,
            )
        if step % every == 0 or state.seen > config.pairs - config.batch:
            state.log.append(
                {"seen": state.seen, "loss": loss, **_validated(averaged.module, dev, config)}
            )
            print(json.dumps(state.log[-1]), file=sys.stderr, flush=True)
            _save(folder, config, net, averaged, optimizer, state)
            _plot(state, folder / "training.png")
    trained: nn.Module = averaged.module
    return trained


def _batches(
    config: Config, rows: Sequence[Row], swaps: Sequence[Swap], state: TrainingState, workers: int
) -> DataLoader[Any]:
    """Makes the pairs that a training has not seen yet, in batches.

    The loader gets a generator of its own. Otherwise it would draw from the state that dropout
    resumes from.
    """
    left, close = config.pairs - state.seen, config.net in SEE_CLOSE_UPS
    pairs = Pairs(
        rows, config.families, config.seed, state.seen, left, config.attacks, swaps, close
    )
    return DataLoader(
        pairs,
        config.batch,
        num_workers=workers,
        drop_last=True,
        generator=torch.Generator(),
        worker_init_fn=_keep_to_one_thread,
    )


def _validated(net: nn.Module, dev: Sequence[Row], config: Config) -> dict[str, Any]:
    """Computes the figures of a validation; none without a set to validate on."""
    if not dev:
        return {}
    device, close = next(net.parameters()).device.type, config.net in SEE_CLOSE_UPS
    return {**validate(net, dev, config.families, device, config.looks, close)}


def _keep_to_one_thread(_worker: int) -> None:
    """Limits OpenCV to one thread, as its threads busy-wait and take time from the network."""
    cv2.setNumThreads(1)


def given_swaps(rows: Sequence[Row]) -> list[Swap]:
    """Pairs every changed row with the bona fide row that it was made from.

    Leaves out pairs that hardly differ, as their swap failed.

    Raises:
        DataError: there is none.
    """
    originals = {row.clip: row for row in rows if row.label == BONA_FIDE}
    swaps = [
        (before, row)
        for row in rows
        if row.label == CHANGED
        and (before := originals.get(row.made_from or ""))
        and differs(row.rgb, before.rgb)
    ]
    if not swaps:
        raise DataError(
            "no changed row of the training files names in made_from "
            "a bona fide row that it was made from"
        )
    return swaps


def _start(config: Config, rows: Sequence[Row]) -> nn.Module:
    net = NETS[config.net]()
    if isinstance(net, Detector) and config.start.endswith(".onnx"):
        pairs = Pairs(
            rows, config.families, config.seed + 1, 0, 96, close=config.net in SEE_CLOSE_UPS
        )
        unfold(
            net,
            Path(config.start),
            torch.from_numpy(np.concatenate([pairs[i][0] for i in range(len(pairs))])),
        )
    elif config.start:
        net.load_state_dict(load(Path(config.start))[0].state_dict())
    elif isinstance(net, Detector):
        net.start_from_imagenet()
    return net


def _optimizer(net: nn.Module, config: Config) -> torch.optim.Optimizer:
    pretrained = {Detector: ("stem", "blocks"), Tower: ("blocks",)}.get(type(net), ())
    trunk = [p for part in pretrained for p in net.get_submodule(part).parameters()]
    known = {id(p) for p in trunk}
    heads = [p for p in net.parameters() if id(p) not in known and p.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": trunk, "highest": config.trunk_rate},
            {"params": heads, "highest": config.rate},
        ],
        lr=config.rate,
        weight_decay=config.decay,
    )


def _schedule(done: float, warm: float = 0.03) -> float:
    return min(1.0, (done + 1e-4) / warm) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def _step(
    net: nn.Module, optimizer: torch.optim.Optimizer, crops: Tensor, where: Tensor, config: Config
) -> float:
    net.train()
    faces = crops.flatten(0, 1)
    label = torch.tensor([0.0, 1.0], device=faces.device).repeat(len(crops))
    target = torch.stack([torch.zeros_like(where), where], 1).flatten(0, 1)
    with torch.autocast(faces.device.type, torch.bfloat16):
        logit, logits = net(faces)
    loss = bce(logit.float(), label)
    known = ~target.isnan()
    if logits is not None and known.any():
        loss = loss + config.where * bce(logits.float()[known], target[known])
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    optimizer.step()
    return loss.item()


def _save(
    folder: Path, config: Config, net: Any, averaged: Any, optimizer: Any, state: TrainingState
) -> None:
    partial = folder / "checkpoint.partial"
    values = {
        "net": net.state_dict(),
        "averaged": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    values["random"] = _random_states()
    torch.save({"config": asdict(config), "state": asdict(state), **values}, partial)
    partial.replace(folder / "checkpoint.pt")


def _random_states() -> dict[str, Tensor | None]:
    return {
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def _resume(folder: Path, config: Config, net: Any, averaged: Any, optimizer: Any) -> TrainingState:
    path = folder / "checkpoint.pt"
    if not path.is_file():
        return TrainingState()
    saved = torch.load(path, weights_only=True)
    if saved["config"] != asdict(config):
        raise DataError(
            f"{path}: the checkpoint is of another config; "
            "choose another folder, or delete it to start over"
        )
    net.load_state_dict(saved["net"])
    averaged.load_state_dict(saved["averaged"])
    optimizer.load_state_dict(saved["optimizer"])
    torch.set_rng_state(saved["random"]["cpu"])
    if torch.cuda.is_available() and saved["random"]["cuda"] is not None:
        torch.cuda.set_rng_state(saved["random"]["cuda"])
    return TrainingState(**saved["state"])


def load(folder: Path) -> tuple[nn.Module, dict[str, Any]]:
    """Loads the trained network of a folder, in evaluation mode, and its config with its log.

    Raises:
        DataError: there is no checkpoint.
    """
    path = folder / "checkpoint.pt"
    if not path.is_file():
        raise DataError(f"{path}: no checkpoint; run unmask-lab train first")
    saved = torch.load(path, weights_only=True, map_location="cpu")
    net = NETS[saved["config"]["net"]]()
    prefix = "module."
    net.load_state_dict(
        {k.removeprefix(prefix): v for k, v in saved["averaged"].items() if k.startswith(prefix)}
    )
    return net.eval(), {"config": saved["config"], "state": saved["state"]}


def _plot(state: TrainingState, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4))
    seen = [line["seen"] for line in state.log]
    for name in state.log[-1]:
        if name != "seen":
            axes.plot(seen, [line[name] for line in state.log], marker=".", label=name)
    axes.set(xlabel="pairs seen", ylabel="AUC on people never seen; loss", ylim=(0, 1.5))
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
