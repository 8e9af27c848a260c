"""Settings that determine what is learned; knows nothing of PyTorch, so that commands load fast.

A checkpoint holds them by the names of their fields, and is resumed only with equal ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from unmask_lab.forge import FAMILIES

Attack = tuple[str, str]
"""Forgery family, and the way in `degrade.NAMED` that the picture goes afterwards."""


@dataclass(frozen=True, slots=True)
class Config:
    """Settings that determine the result of a training.

    Attributes:
        train: collected data sets whose bona fide rows are forged and learned from.
        dev: collected data sets of other people to validate on, if any.
        net: the network to train, one of `nets.NETS`.
        start: folder of a training, or an exported detector (.onnx), to start from; empty for the
            network's own start.
        families: forgery families to learn; one that is listed twice counts twice.
        given: learn from the changed rows of the training files as well, which others made.
        attacks: pairs of a family and a degradation that make half of the pairs.
        pairs: number of pairs of a bona fide face and its forgery to see in all; the learning rate
            falls along a cosine to nothing at the end.
        batch: pairs a step; on a GPU, 64.
        rate: highest learning rate of the heads; 3e-3 goes with 64 pairs a step. Half of it suits
            weights that have learned already.
        trunk_rate: highest learning rate of the pretrained trunk; 1e-3 goes with 64 pairs a step.
        decay: weight decay.
        where: weight of the map's loss beside the face's.
        looks: faces per class, source and family that a validation looks at.
        average: decay per step of the running average of the weights, which is what gets exported.
        seed: seed of the data and of the heads' first weights.
    """

    train: tuple[str, ...]
    dev: tuple[str, ...]
    net: str = "detector"
    start: str = ""
    families: tuple[str, ...] = tuple(FAMILIES)
    given: bool = False
    attacks: tuple[Attack, ...] = ()
    pairs: int = 50_000
    batch: int = 16
    rate: float = 2e-3
    trunk_rate: float = 6e-4
    decay: float = 0.02
    where: float = 1.0
    looks: int = 300
    average: float = 0.999
    seed: int = 1


@dataclass(frozen=True, slots=True)
class PatchConfig:
    """Settings that determine the head of the strong look that judges each patch.

    Attributes:
        train: collected data sets whose bona fide rows are forged and learned from.
        dev: collected data sets of other people, whose scores tell the head's gain.
        families: forgery families; one that is listed twice counts twice.
        pairs: number of pairs of a bona fide face and its forgery.
        scaled_by: number of pairs of the other people.
        batch: pairs a step.
        rounds: how often each pair is seen.
        rate: highest learning rate; it falls along a cosine to nothing.
        decay: weight decay.
        seed: seed of the data and their order.
    """

    train: tuple[str, ...]
    dev: tuple[str, ...]
    families: tuple[str, ...]
    pairs: int = 3000
    scaled_by: int = 300
    batch: int = 16
    rounds: int = 3
    rate: float = 3e-4
    decay: float = 0.01
    seed: int = 1


@dataclass(frozen=True, slots=True)
class AutoencoderConfig:
    """Settings that determine an autoencoder.

    Attributes:
        side: side of the faces that go in and come out, px; a multiple of 16.
        width: channels of the first convolution; the last has eight times as many.
        code: size of the bottleneck.
        batch: faces a step, of each person.
        rate: learning rate of Adam.
        seed: seed of the weights, the order and the warps.
    """

    side: int = 64
    width: int = 32
    code: int = 256
    batch: int = 8
    rate: float = 1e-3
    seed: int = 1
