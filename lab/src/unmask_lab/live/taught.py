"""Trains the network of `unmask.live.shape` on simulated sessions."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor, nn

from unmask.live import light, shape
from unmask.live.challenge import LightChallenge
from unmask.live.relief import relief
from unmask.live.response import response
from unmask.live.shading import shading
from unmask.live.verification import A_FACE, LEAST_STRENGTH, during_steps
from unmask.models import WEIGHTS
from unmask_lab.export import update_card, write
from unmask_lab.live.head import TONES
from unmask_lab.live.sessions import HONEST, LIGHT, READINGS, Scenario, recorded
from unmask_lab.metrics import binomial

FLAT, BENT, SCREEN, TINT = "flat print", "bent print", "screen replay", "flat tint"

ROUND = (
    HONEST,
    FLAT,
    HONEST,
    BENT,
    HONEST,
    SCREEN,
    TINT,
    HONEST,
    SCREEN,
    BENT,
    HONEST,
    TINT,
    HONEST,
    BENT,
    SCREEN,
    HONEST,
)
"""Kinds of the sessions, in turn.

An answer to another sequence is rejected before its shape is looked at, and a relit face has a
shape; so both are left out.
"""

KINDS = tuple(dict.fromkeys(ROUND))

LUX = (50, 100, 200, 300, 400, 600, 300, 600, 1200)
"""Illuminance at honest faces, lux, each equally likely; attacks draw their own."""

VALIDATED = 4
"""Number of rounds of which the last only validates."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Course:
    """Settings of the training.

    Attributes:
        seed, sessions: of the simulated sessions; those whose answer is too weak to be judged are
            left out.
        members: networks whose mean is served.
        width: of their two hidden layers.
        dropout: share of each layer that is left out at a time.
        steps, batch, rate, decay: of AdamW, its rate rising and falling once.
    """

    seed: int = 102
    sessions: int = 9600
    members: int = 5
    width: int = 48
    dropout: float = 0.2
    steps: int = 3000
    batch: int = 256
    rate: float = 2e-3
    decay: float = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Sessions as the network sees them, and their cases.

    They are the maps ``(n, 6, p)`` and figures ``(n, 9)`` of `unmask.live.shape`.
    """

    maps: Floats
    figures: Floats
    cases: Sequence[Scenario]

    @property
    def kinds(self) -> NDArray[np.str_]:
        """Kind of each session, ``(n,)``."""
        return np.array([case.kind for case in self.cases])


class Shape(nn.Module):
    """Mean of several perceptrons.

    Inputs are in standard deviations of the lessons, clipped at `MOST` from their means.
    """

    MOST = 6.0

    mean: Tensor
    spread: Tensor

    def __init__(self, inputs: NDArray[np.float32], course: Course) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(inputs.mean(axis=0)))
        self.register_buffer("spread", torch.tensor(inputs.std(axis=0) + 1e-6))
        self.members = nn.ModuleList(
            [_member(inputs.shape[1], course) for _ in range(course.members)]
        )

    def forward(self, maps: Tensor, figures: Tensor) -> Tensor:
        seen = (torch.cat([maps.flatten(1), figures], 1) - self.mean) / self.spread
        seen = seen.clamp(-self.MOST, self.MOST)
        return torch.stack([member(seen)[:, 0] for member in self.members], 1)


def _member(inputs: int, course: Course) -> nn.Sequential:
    wide, drop = course.width, course.dropout
    return nn.Sequential(
        *(nn.Linear(inputs, wide), nn.SiLU(), nn.Dropout(drop)),
        *(nn.Linear(wide, wide), nn.SiLU(), nn.Dropout(drop)),
        nn.Linear(wide, 1),
    )


def teach(
    files: Sequence[Path], out: Path, course: Course, weights: Path = WEIGHTS, workers: int = 2
) -> dict[str, Any]:
    """Simulates the sessions that ``out`` lacks, trains the network, and writes it to ``weights``.

    Returns what its card says of it.

    Args:
        files: collected data sets whose bona fide faces dress the heads.
    """
    of = lessons(files, out, course, workers)
    held = validating(of)
    net = train(of, ~held, course)
    export(net, weights)
    facts = {
        "command": "make lab-shape",
        "data": (
            "simulated sessions, heads dressed in the bona fide faces of the files; "
            "validation by other sessions of the same"
        ),
        "files": [path.name for path in files],
        "course": asdict(course),
        "lessons": int((~held).sum()),
        "validation": taken(net, of, held),
    }
    update_card(weights, shape.WEIGHT, training=facts)
    return facts


def without(
    kinds: Sequence[str], files: Sequence[Path], out: Path, course: Course, workers: int = 2
) -> dict[str, dict[str, Any]]:
    """Measures, for each of some kinds, a network trained without it, on it and on the others.

    See `taken`.
    """
    of, found = lessons(files, out, course, workers), {}
    for kind in kinds:
        never = of.kinds == kind
        found[kind] = taken(train(of, ~validating(of) & ~never, course), of, validating(of) | never)
    return found


def validating(of: Lessons) -> NDArray[np.bool_]:
    """Selects the sessions that are not trained on."""
    return np.array([case.number // len(ROUND) % VALIDATED == VALIDATED - 1 for case in of.cases])


def taken(net: Shape, of: Lessons, these: NDArray[np.bool_]) -> dict[str, Any]:
    """Counts these sessions by kind, and the share that the network alone takes for faces."""
    odds, found = served(net, of), {}
    for kind in KINDS:
        mine = odds[these & (of.kinds == kind)] >= A_FACE
        found[kind] = {"n": len(mine), **asdict(binomial(int(mine.sum()), len(mine)))}
    return found


def lessons(files: Sequence[Path], out: Path, course: Course, workers: int = 2) -> Lessons:
    """Simulates all sessions of a course, and keeps those that answer strongly enough."""
    out.mkdir(parents=True, exist_ok=True)
    cases = [case_of(course.seed, number) for number in range(course.sessions)]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        seen = pool.map(partial(_seen, files=tuple(files), out=out), cases, chunksize=20)
        found = [
            (case, *one)
            for case, one in zip(cases, track(seen, "sessions", len(cases)), strict=True)
            if one
        ]
    return Lessons(
        np.stack([one[1] for one in found]),
        np.stack([one[2] for one in found]),
        [one[0] for one in found],
    )


def case_of(seed: int, number: int) -> Scenario:
    """Returns the session with a number."""
    kind, random = ROUND[number % len(ROUND)], np.random.default_rng([seed, number])
    if kind != HONEST:
        return Scenario(seed, LIGHT, READINGS, kind, number)
    return Scenario(
        seed,
        LIGHT,
        READINGS,
        kind,
        number,
        int(random.choice(LUX)),
        str(random.choice(list(TONES))),
    )


def _seen(case: Scenario, files: tuple[Path, ...], out: Path) -> tuple[Floats, Floats] | None:
    """Computes maps and figures of a case; None where there is no answer or it is too weak."""
    what = recorded(case, files, out)
    assert isinstance(what.challenge, LightChallenge)
    during = during_steps(what.challenge, what.sent, what.readings)
    if not any(one.face for one in during):
        return None
    answer = light.answer(what.challenge, what.sent, during)
    if not answer.fresh or answer.strength < LEAST_STRENGTH:
        return None
    seen = response(what.challenge, what.shown, during, answer.delay)
    return shape.maps_of(seen), shape.figures_of(relief(seen), shading(seen), answer.strength)


def train(of: Lessons, taught: NDArray[np.bool_], course: Course) -> Shape:
    """Trains the network; half of all sessions are mirrored.

    Faces weigh as much as all attacks together, and every kind of attack weighs the same.
    """
    torch.manual_seed(course.seed)
    random = np.random.default_rng(course.seed)
    numbers = np.flatnonzero(taught)
    face, weight = (
        torch.tensor((of.kinds == HONEST).astype(np.float32)),
        torch.tensor(_weights(of.kinds, numbers)),
    )
    net = Shape(
        np.concatenate([of.maps.reshape(len(of.maps), -1), of.figures], axis=1)[numbers], course
    )
    adam = torch.optim.AdamW(net.members.parameters(), course.rate, weight_decay=course.decay)
    rising = torch.optim.lr_scheduler.OneCycleLR(adam, course.rate, course.steps)
    for batch in track(random.choice(numbers, (course.steps, course.batch)), "lessons"):
        turned = (random.random(len(batch)) < 0.5)[:, None, None]
        maps = np.where(turned, shape.mirrored(of.maps[batch]), of.maps[batch])
        logits = net(torch.tensor(maps), torch.tensor(of.figures[batch]))
        wanted = face[batch][:, None].expand_as(logits)
        wrong = nn.functional.binary_cross_entropy_with_logits(
            logits, wanted, reduction="none"
        ).sum(dim=1)
        adam.zero_grad()
        (wrong * weight[batch]).mean().backward()
        adam.step()
        rising.step()
    return net.eval()


def _weights(kinds: NDArray[np.str_], numbers: NDArray[np.intp]) -> Floats:
    """Computes a weight of each session; mean 1 over ``numbers``.

    Faces weigh as much as all else, and each other kind as much as any.
    """
    weight = np.zeros(len(kinds))
    for kind in KINDS:
        share = (kinds[numbers] == kind).mean()
        weight[kinds == kind] = (0.5 if kind == HONEST else 0.5 / (len(KINDS) - 1)) / max(
            float(share), 1e-9
        )
    return weight.astype(np.float32)


def served(net: Shape, of: Lessons) -> Floats:
    """Computes the odds that `unmask.live.shape.odds` gives, ``(n,)``."""
    with torch.inference_mode():
        both = [
            net(torch.tensor(maps), torch.tensor(of.figures)).mean(dim=1)
            for maps in (of.maps, shape.mirrored(of.maps))
        ]
    return np.asarray(torch.stack(both).mean(dim=0).numpy())


def export(net: Shape, weights: Path) -> None:
    """Writes the network for the runtime: see `unmask_lab.export.write`."""
    examples = {"maps": torch.randn(2, 6, (len(net.mean) - 9) // 6), "figures": torch.randn(2, 9)}
    write(net, examples, ["odds"], weights, shape.WEIGHT)
