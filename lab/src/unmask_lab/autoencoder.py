"""Classic face swap: one encoder for everybody and one decoder per person.

One person's face is encoded and another person's decoder decodes it.

This is the technique of 2017 that the first deepfakes were made with: four strided convolutions
down to a dense bottleneck, and decoders that upsample by pixel shuffling, trained to undo a random
warp. The same code trains on a pair of two people or on a crowd. In a crowd, groups of people take
the place of persons, and each decoder gives the blurred, averaged look of its group.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from unmask.faces import TEMPLATE, similarity
from unmask.types import Rgb
from unmask_lab.config import AutoencoderConfig
from unmask_lab.data import DataError, Row
from unmask_lab.forge.face import FaceImage, displaced, elastic

CROP_PER_SIDE = 150 / 192
"""Part of the runtime's crop that the network sees, per side: brows to chin, cheek to cheek."""


class Autoencoder(nn.Module):
    """Autoencoder with a shared encoder and a decoder per person.

    Takes faces, float32 ``(n, 3, side, side)`` in 0 to 1, and returns them as the given person's
    decoder reconstructs them.
    """

    def __init__(self, config: AutoencoderConfig, people: Sequence[str]) -> None:
        super().__init__()
        self.config, self.people = config, tuple(people)
        w, cells = config.width, config.side // 16
        down = [_down(3, w), _down(w, 2 * w), _down(2 * w, 4 * w), _down(4 * w, 8 * w)]
        dense = [
            nn.Flatten(),
            nn.Linear(8 * w * cells**2, config.code),
            nn.Linear(config.code, 8 * w * cells**2),
        ]
        self.encoder = nn.Sequential(
            *down, *dense, nn.Unflatten(1, (8 * w, cells, cells)), _up(8 * w, 4 * w)
        )
        self.decoders = nn.ModuleList(
            nn.Sequential(
                _up(4 * w, 2 * w), _up(2 * w, w), _up(w, w // 2), nn.Conv2d(w // 2, 3, 5, padding=2)
            )
            for _ in self.people
        )

    def forward(self, faces: Tensor, person: int) -> Tensor:
        return torch.sigmoid(self.decoders[person](self.encoder(faces)))


def _down(inp: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inp, out, 5, 2, 2), nn.GroupNorm(4, out), nn.LeakyReLU(0.1))


def _up(inp: int, out: int) -> nn.Sequential:
    wide = nn.Conv2d(inp, 4 * out, 3, padding=1)
    return nn.Sequential(wide, nn.PixelShuffle(2), nn.GroupNorm(4, out), nn.LeakyReLU(0.1))


def train(
    people: Mapping[str, Sequence[Row]],
    config: AutoencoderConfig,
    folder: Path,
    steps: int,
    snapshots: Sequence[int] = (),
) -> Autoencoder:
    """Trains one decoder per person, or resumes from the checkpoint in ``folder``.

    Each step takes faces of everyone.

    Args:
        people: bona fide rows by name.
        config: of the network.
        folder: for ``autoencoder.pt``, and a picture of faces, their reconstructions, and each as
            the next person.
        steps: in all.
        snapshots: steps after which a copy is kept, as ``autoencoder-<step>.pt``. The earlier a
            training stops, the blurrier its faces.

    Raises:
        DataError: a person has no faces, or the checkpoint is of another config or other people.
    """
    _refuse_nobody(people)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    net = Autoencoder(config, tuple(people))
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # PyTorch's signature lacks it
    optimizer = torch.optim.Adam(net.parameters(), config.rate, betas=(0.9, 0.99))
    done = _resume(folder / "autoencoder.pt", net, optimizer)
    crops = _crops(people, config.side)
    for step in range(done, steps):
        rng = np.random.default_rng((config.seed, step))
        loss = torch.zeros(())
        for person, of in enumerate(crops):
            warped, wanted = _batch(of, config, rng)
            with torch.autocast("cpu", torch.bfloat16):
                got = net(warped, person)
            loss = loss + _difference(got.float(), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(
                f"autoencoder {step}/{steps}, loss {loss.item() / len(crops):.4f}",
                file=sys.stderr,
                flush=True,
            )
        if step + 1 in snapshots:
            _save(folder / f"autoencoder-{step + 1}.pt", net, optimizer, step + 1)
        if (step + 1) % 500 == 0 or step + 1 == steps:
            _save(folder / "autoencoder.pt", net, optimizer, step + 1)
            _picture(folder / "faces.png", net, crops)
    return net.eval()


class Linear(nn.Module):
    """Linear face swap in closed form: one encoder for everybody, one decoder per person.

    The encoder is the first principal components of everyone's faces (Turk and Pentland 1991,
    "eigenfaces"); each decoder is the ridge regression from a person's codes to that person's
    faces. It leaves ghosts rather than blur.
    """

    mean: Tensor
    components: Tensor
    offsets: Tensor
    decoders: Tensor

    def __init__(self, config: AutoencoderConfig, people: Sequence[str]) -> None:
        super().__init__()
        self.config, self.people, pixels = config, tuple(people), 3 * config.side**2
        self.register_buffer("mean", torch.zeros(pixels))
        self.register_buffer("components", torch.zeros(config.code, pixels))
        self.register_buffer("offsets", torch.zeros(len(people), pixels))
        self.register_buffer("decoders", torch.zeros(len(people), config.code, pixels))

    def forward(self, faces: Tensor, person: int) -> Tensor:
        code = (faces.flatten(1) - self.mean) @ self.components.T
        return (self.offsets[person] + code @ self.decoders[person]).clamp(0, 1).view_as(faces)

    def fit(self, people: Mapping[str, Sequence[Row]], ridge: float = 0.02) -> None:
        """Fits to bona fide rows by name; ``ridge`` is a fraction of the codes' mean variance."""
        faces = [
            torch.cat([_tensor(_cut(row, self.config.side)[None]).flatten(1) for row in of])
            for of in people.values()
        ]
        everyone = torch.cat(faces)
        self.mean.copy_(everyone.mean(0))
        torch.manual_seed(self.config.seed)
        _, _, basis = torch.pca_lowrank(
            everyone - self.mean, q=min(self.config.code, len(everyone)), niter=2
        )
        self.components[: basis.shape[1]] = basis.T
        for k, own in enumerate(faces):
            code = (own - self.mean) @ self.components.T
            centre, middle = code.mean(0), own.mean(0)
            spread = (code - centre).T @ (code - centre)
            spread += ridge * spread.diagonal().mean() * torch.eye(self.config.code)
            self.decoders[k] = torch.linalg.solve(spread, (code - centre).T @ (own - middle))
            self.offsets[k] = middle - centre @ self.decoders[k]


def fit(people: Mapping[str, Sequence[Row]], config: AutoencoderConfig, folder: Path) -> Linear:
    """Fits a linear swap and saves it as ``linear.pt``; the arguments are those of `train`."""
    _refuse_nobody(people)
    folder.mkdir(parents=True, exist_ok=True)
    net = Linear(config, tuple(people))
    net.fit(people)
    _keep(folder / "linear.pt", net, {})
    _picture(folder / "faces.png", net, _crops(people, config.side))
    return net


def load(path: Path) -> Autoencoder | Linear:
    """Loads a trained network from its folder, or from one of its snapshots.

    Raises:
        DataError: there is none.
    """
    file = path / "autoencoder.pt" if path.is_dir() else path
    if not file.is_file():
        raise DataError(f"{file}: no trained autoencoder; run unmask-lab autoencoder first")
    saved = torch.load(file, weights_only=True, map_location="cpu")
    kind = Linear if "components" in saved["net"] else Autoencoder
    net = kind(AutoencoderConfig(**saved["config"]), saved["people"])
    net.load_state_dict(saved["net"])
    return net.eval()


def crowd(rows: Sequence[Row], groups: int, seed: int = 1) -> dict[str, list[Row]]:
    """Clusters bona fide rows by appearance: k-means over small aligned faces (Lloyd 1982)."""
    small = np.stack([_cut(row, 12).ravel() for row in rows]).astype(np.float32)
    cv2.setRNGSeed(seed)
    until = (cv2.TERM_CRITERIA_MAX_ITER, 50, 0.0)
    _, member, _ = cv2.kmeans(small, groups, np.empty(0), until, 3, cv2.KMEANS_PP_CENTERS)
    found: dict[str, list[Row]] = {f"group {k}": [] for k in range(groups)}
    for row, k in zip(rows, member.ravel(), strict=True):
        found[f"group {k}"].append(row)
    return found


def cut(face: FaceImage, side: int) -> Rgb:
    """Crops the aligned face as the network sees it, uint8 ``(side, side, 3)``."""
    return np.asarray(
        cv2.warpAffine(
            face.rgb,
            _matrix(face, side),
            (side, side),
            flags=cv2.INTER_AREA,
            borderMode=cv2.BORDER_REFLECT_101,
        ),
        np.uint8,
    )


def decode_as(
    net: Autoencoder | Linear, face: FaceImage, person: int, interpolation: int = cv2.INTER_CUBIC
) -> Rgb:
    """Replaces the face by its decoding as another person, without blending.

    Returns the image, uint8 ``(h, w, 3)``.
    """
    side, (h, w) = net.config.side, face.rgb.shape[:2]
    with torch.inference_mode():
        back = net(_tensor(cut(face, side)[None]), person)[0]
    decoded = (back.permute(1, 2, 0).numpy() * 255 + 0.5).clip(0, 255).astype(np.uint8)
    inverse = cv2.invertAffineTransform(_matrix(face, side))
    return np.asarray(
        cv2.warpAffine(
            decoded, inverse, (w, h), flags=interpolation, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )


def _matrix(face: FaceImage, side: int) -> NDArray[np.float64]:
    """Returns the transform from px of the image to px of the network's input.

    The middle of the input lies a little lower than the middle of the runtime's crop.
    """
    scale = side / (192 * CROP_PER_SIDE)
    shift = np.array([192 * (1 - CROP_PER_SIDE) / 2, 192 * (1 - CROP_PER_SIDE) * 0.62], np.float32)
    return similarity(face.points, (TEMPLATE - shift) * np.float32(scale))


def _batch(
    crops: NDArray[np.uint8], config: AutoencoderConfig, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Returns warped faces and the same faces unwarped, both moved, turned and mirrored alike.

    Both have the network's side.
    """
    warped, wanted, side = [], [], config.side
    for i in rng.integers(len(crops), size=config.batch):
        face = crops[i][:, ::-1] if rng.random() < 0.5 else crops[i]
        move = np.asarray(
            cv2.getRotationMatrix2D(
                (side, side), float(rng.normal(0, 5)), float(rng.uniform(0.95, 1.08))
            ),
            np.float64,
        )
        move[:, 2] += rng.normal(0, 0.03 * side, 2)
        moved = np.asarray(
            cv2.warpAffine(face, move, (2 * side, 2 * side), borderMode=cv2.BORDER_REFLECT_101),
            np.uint8,
        )
        field = elastic((2 * side, 2 * side), 0.04 * side, 0.5 * side, rng)
        warped.append(
            cv2.resize(displaced(moved, field), (side, side), interpolation=cv2.INTER_AREA)
        )
        wanted.append(cv2.resize(moved, (side, side), interpolation=cv2.INTER_AREA))
    return _tensor(np.stack(warped)), _tensor(np.stack(wanted))


def _tensor(crops: NDArray[np.uint8]) -> Tensor:
    x = torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2).float() / 255
    return x.contiguous(memory_format=torch.channels_last)


def _difference(got: Tensor, wanted: Tensor) -> Tensor:
    """Returns the mean absolute difference of the pixels plus that of their gradients.

    Gradients are the differences to the next pixel on the right and below.
    """
    steps = [(got.diff(dim=d) - wanted.diff(dim=d)).abs().mean() for d in (2, 3)]
    return functional.l1_loss(got, wanted) + steps[0] + steps[1]


def _refuse_nobody(people: Mapping[str, Sequence[Row]]) -> None:
    if empty := [name for name, rows in people.items() if not rows]:
        raise DataError(f"no faces of {empty[0]} to train on")


def _crops(people: Mapping[str, Sequence[Row]], side: int) -> list[NDArray[np.uint8]]:
    return [np.stack([_cut(row, 2 * side) for row in rows]) for rows in people.values()]


def _cut(row: Row, side: int) -> Rgb:
    return cut(FaceImage(row.rgb, row.points, row.mesh), side)


def _save(path: Path, net: Autoencoder, optimizer: torch.optim.Optimizer, step: int) -> None:
    _keep(path, net, {"step": step, "optimizer": optimizer.state_dict()})


def _keep(path: Path, net: Autoencoder | Linear, more: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    kept = {"config": asdict(net.config), "people": list(net.people), "net": net.state_dict()}
    torch.save({**kept, **more}, partial)
    partial.replace(path)


def _resume(path: Path, net: Autoencoder, optimizer: torch.optim.Optimizer) -> int:
    if not path.is_file():
        return 0
    saved = torch.load(path, weights_only=True)
    if (saved["config"], saved["people"]) != (asdict(net.config), list(net.people)):
        raise DataError(
            f"{path}: the checkpoint is of another config or other people; choose another folder"
        )
    net.load_state_dict(saved["net"])
    optimizer.load_state_dict(saved["optimizer"])
    return int(saved["step"])


def _picture(
    path: Path, net: Autoencoder | Linear, crops: Sequence[NDArray[np.uint8]], most: int = 6
) -> None:
    """Draws one row per person: faces, their reconstructions, and each face as the next person."""
    side, rows = net.config.side, []
    for person, of in enumerate(crops):
        shown = np.stack(
            [cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA) for face in of[:most]]
        )
        with torch.inference_mode():
            back = [net(_tensor(shown), p % len(crops)) for p in (person, person + 1)]
        given = [(b.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8) for b in back]
        rows.append(np.hstack([np.hstack([*faces]) for faces in (shown, *given)]))
    width = max(row.shape[1] for row in rows)
    cv2.imwrite(
        str(path),
        np.vstack([np.pad(r, ((0, 0), (0, width - r.shape[1]), (0, 0))) for r in rows])[..., ::-1],
    )
