"""The network of `unmask.live.shape`, taught by simulated sessions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor, nn

from unmask.live import light, shape
from unmask.live.relief import relief
from unmask.live.response import response
from unmask.live.shading import shading
from unmask.live.verification import A_FACE, LEAST_STRENGTH
from unmask.models import WEIGHTS
from unmask_lab.data import DataError
from unmask_lab.export import LARGEST_DIFFERENCE, update_card
from unmask_lab.live.head import TONES
from unmask_lab.live.sessions import HONEST, LIGHT, READINGS, Case, recorded
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
"""Kinds, one after the other. What answers another sequence does not get as far as its shape, and a relit face has one."""

LUX = (50, 100, 200, 300, 400, 600, 300, 600, 1200)
"""At honest faces, each as likely; attacks draw their own."""

VALIDATED = 4
"""Every so manyth round only validates."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Course:
    """How the network is taught.

    Attributes:
        seed, sessions: of the simulated sessions; those whose answer is too weak to be judged are left out.
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
    """Sessions as the network sees them: maps ``(n, 6, p)`` and figures ``(n, 9)`` of `unmask.live.shape`, and their cases."""

    maps: Floats
    figures: Floats
    cases: Sequence[Case]


class Shape(nn.Module):
    """The mean of several perceptrons; inputs are in spreads of the lessons and at most `MOST` from their means."""

    MOST = 6.0

    def __init__(self, inputs: NDArray[np.float32], course: Course) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(inputs.mean(axis=0)))
        self.register_buffer("spread", torch.tensor(inputs.std(axis=0) + 1e-6))
        self.members = nn.ModuleList([_member(inputs.shape[1], course) for _ in range(course.members)])

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
    """Simulates what ``out`` lacks, teaches the network, and writes it to ``weights``; gives what its card says of it.

    Args:
        files: collected data sets whose bona fide faces dress the heads.
    """
    of = lessons(files, out, course, workers)
    held = validating(of)
    net = train(of, ~held, course)
    export(net, weights)
    facts = {
        "command": "make lab-shape",
        "data": "simulated sessions, heads dressed in the bona fide faces of the files; validation by other sessions of the same",
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
    """Of each of some kinds, what a network that never saw it makes of it and of the others: see `taken`."""
    of, found = lessons(files, out, course, workers), {}
    for kind in kinds:
        never = np.array([case.kind == kind for case in of.cases])
        found[kind] = taken(train(of, ~validating(of) & ~never, course), of, validating(of) | never)
    return found


def validating(of: Lessons) -> NDArray[np.bool_]:
    """The sessions that do not teach."""
    return np.array([case.number // len(ROUND) % VALIDATED == VALIDATED - 1 for case in of.cases])


def taken(net: Shape, of: Lessons, these: NDArray[np.bool_]) -> dict[str, Any]:
    """Of each kind, how many of these sessions there are, and which share the network alone takes for faces."""
    odds, found = served(net, of), {}
    for kind in dict.fromkeys(ROUND):
        mine = odds[these & np.array([case.kind == kind for case in of.cases])] >= A_FACE
        found[kind] = {"n": len(mine), **asdict(binomial(int(mine.sum()), len(mine)))}
    return found


def lessons(files: Sequence[Path], out: Path, course: Course, workers: int = 2) -> Lessons:
    """All sessions of a course that answer strongly enough."""
    out.mkdir(parents=True, exist_ok=True)
    cases = [case_of(course.seed, number) for number in range(course.sessions)]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        seen = pool.map(partial(_seen, files=tuple(files), out=out), cases, chunksize=20)
        found = [(case, *one) for case, one in zip(cases, track(seen, "sessions", len(cases)), strict=True) if one]
    return Lessons(np.stack([one[1] for one in found]), np.stack([one[2] for one in found]), [one[0] for one in found])


def case_of(seed: int, number: int) -> Case:
    """The session of a number."""
    kind, random = ROUND[number % len(ROUND)], np.random.default_rng([seed, number])
    if kind != HONEST:
        return Case(seed, LIGHT, READINGS, kind, number)
    return Case(seed, LIGHT, READINGS, kind, number, int(random.choice(LUX)), str(random.choice(list(TONES))))


def _seen(case: Case, files: tuple[Path, ...], out: Path) -> tuple[Floats, Floats] | None:
    """Maps and figures of a case; None where its answer is too weak or none."""
    what = recorded(case, files, out)
    end = what.sent[-1] + what.challenge.seconds
    during = [one for one in what.readings if what.sent[0] - 1 <= one.time <= end + 1]
    if not any(one.face for one in during):
        return None
    answer = light.answer(what.challenge, what.sent, during)
    if not answer.fresh or answer.strength < LEAST_STRENGTH:
        return None
    seen = response(what.challenge, what.shown, during, answer.delay)
    return shape.maps_of(seen), shape.figures_of(relief(seen), shading(seen), answer.strength)


def train(of: Lessons, taught: NDArray[np.bool_], course: Course) -> Shape:
    """The network, after lessons in which faces, and each of prints, screens and tints, weigh alike; half of all are mirrored."""
    torch.manual_seed(course.seed)
    random = np.random.default_rng(course.seed)
    numbers = np.flatnonzero(taught)
    kinds = np.array([case.kind for case in of.cases])
    face, weight = torch.tensor((kinds == HONEST).astype(np.float32)), torch.tensor(_weights(kinds, numbers))
    net = Shape(np.concatenate([of.maps.reshape(len(of.maps), -1), of.figures], axis=1)[numbers], course)
    adam = torch.optim.AdamW(net.members.parameters(), course.rate, weight_decay=course.decay)
    rising = torch.optim.lr_scheduler.OneCycleLR(adam, course.rate, course.steps)
    for batch in track(list(_batches(numbers, random, course)), "lessons"):
        turned = (random.random(len(batch)) < 0.5)[:, None, None]
        maps = np.where(turned, shape.mirrored(of.maps[batch]), of.maps[batch])
        logits = net(torch.tensor(maps), torch.tensor(of.figures[batch]))
        wanted = face[batch][:, None].expand_as(logits)
        wrong = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none").sum(dim=1)
        adam.zero_grad()
        (wrong * weight[batch]).mean().backward()
        adam.step()
        rising.step()
    return net.eval()


def _batches(numbers: NDArray[np.intp], random: np.random.Generator, course: Course) -> Iterator[NDArray[np.intp]]:
    for _ in range(course.steps):
        yield random.choice(numbers, course.batch)


def _weights(kinds: NDArray[np.str_], numbers: NDArray[np.intp]) -> Floats:
    """Of each session, so that faces weigh as much as all else, and each other kind as much as any; mean 1 over ``numbers``."""
    others = [kind for kind in dict.fromkeys(ROUND) if kind != HONEST]
    weight = np.zeros(len(kinds))
    for kind in dict.fromkeys(ROUND):
        share = (kinds[numbers] == kind).mean()
        weight[kinds == kind] = (0.5 if kind == HONEST else 0.5 / len(others)) / max(float(share), 1e-9)
    return weight.astype(np.float32)


def served(net: Shape, of: Lessons) -> Floats:
    """The odds that `unmask.live.shape.odds` gives, ``(n,)``."""
    with torch.inference_mode():
        both = [
            net(torch.tensor(maps), torch.tensor(of.figures)).mean(dim=1) for maps in (of.maps, shape.mirrored(of.maps))
        ]
    return np.asarray(torch.stack(both).mean(dim=0).numpy())


def export(net: Shape, weights: Path) -> None:
    """Writes the network and enters it in ``weights.json``; its card begins anew.

    Raises:
        DataError: the exported file does not compute what the network computes.
    """
    path, inputs = weights / f"{shape.WEIGHT}.onnx", int(net.mean.shape[0])
    maps, figures = torch.randn(2, 6, (inputs - 9) // 6), torch.randn(2, 9)
    some = torch.export.Dim("faces", min=1, max=4096)
    torch.onnx.export(
        net, (maps, figures), path, input_names=["maps", "figures"], output_names=["odds"],
        dynamic_shapes=({0: some}, {0: some}), dynamo=True, external_data=False, verbose=False,
    )  # fmt: skip
    _without_traces(path)
    got = ort.InferenceSession(path).run(None, {"maps": maps.numpy(), "figures": figures.numpy()})[0]
    with torch.inference_mode():
        if (difference := float(np.abs(net(maps, figures).numpy() - got).max())) > LARGEST_DIFFERENCE:
            raise DataError(f"{path}: the exported network differs from the taught one by {difference:.2g}")
    listed = weights / "weights.json"
    known = json.loads(listed.read_text())
    known[shape.WEIGHT] = hashlib.sha256(path.read_bytes()).hexdigest()
    listed.write_text(json.dumps(known, indent=2) + "\n")
    (weights / f"{shape.WEIGHT}.json").unlink(missing_ok=True)
    update_card(weights, shape.WEIGHT, sha256=known[shape.WEIGHT])


def _without_traces(path: Path) -> None:
    """Without what the exporter notes of this machine in each node."""
    import onnx

    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
    onnx.save(model, path)
