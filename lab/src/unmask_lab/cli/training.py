"""Commands that train, fit, export and calibrate."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from unmask_lab.cli.options import (
    Collected,
    Files,
    Others,
    Page,
    Portraits,
    Resumed,
    Seed,
    TrainedOn,
    Workers,
    require,
)
from unmask_lab.config import Config, PatchConfig
from unmask_lab.data import never_seen, read

LEARNED = Path("lab/out/learned")
"""Folder of the training that is served."""


@dataclass(frozen=True)
class Train:
    """Train a network, or go on where it stopped.

    Attributes:
        config: what determines the result.
        out: folder for checkpoints, logs and plots.
        every: steps between validations and checkpoints.
        workers: processes that make forgeries.
    """

    config: Config
    out: Path = LEARNED
    every: int = 400
    workers: int = 2

    def __post_init__(self) -> None:
        require("batch", self.config.batch, 1)

    def run(self) -> None:
        from unmask_lab.train import train

        train(self.config, self.out, self.every, self.workers)


@dataclass(frozen=True)
class Export:
    """Hand a trained network to the runtime.

    Attributes:
        out: folder of the training.
    """

    out: Path = LEARNED

    def run(self) -> None:
        from unmask_lab.export import export

        print(export(self.out))


@dataclass(frozen=True)
class Patches:
    """Fit the head of the strong look that judges each patch, on its tower as exported.

    Calibrate afterwards.

    Attributes:
        config: what determines the result.
        out: folder for what the tower says of each pair; run again, it goes on.
        workers: processes that make forgeries and look at them.
    """

    config: PatchConfig
    out: Path = Path("lab/out/patches")
    workers: int = 2

    def run(self) -> None:
        from unmask_lab.patch_head import teach

        print(teach(self.config, self.out, self.workers))


@dataclass(frozen=True)
class FitLines:
    """Fit the small models of texture and skin; calibrate afterwards.

    Attributes:
        faces: portraits to forge, drawn at random.
    """

    data: Collected
    faces: int = 1500
    seed: Seed = 1

    def run(self) -> None:
        from unmask_lab.line_models import fit_lines

        print(json.dumps(fit_lines(read(self.data), self.faces, seed=self.seed), indent=2))


@dataclass(frozen=True)
class Calibrate:
    """Fit likelihood ratios to the lines' scores, for every set of lines.

    Attributes:
        models: folder of added models, to calibrate together; the calibration goes there.
    """

    portraits: Portraits
    others: Others
    trained_on: TrainedOn
    models: Path | None = None

    def run(self) -> None:
        from unmask_lab.calibrate import calibrate

        fresh, foreign = never_seen(self.trained_on, self.portraits, self.others)
        print(json.dumps(calibrate(fresh, foreign, folder=self.models), indent=2))


@dataclass(frozen=True)
class Compare:
    """Train and compare: one family left out, other networks. Goes on where it stopped.

    Attributes:
        dev: collected Parquet files of people never trained on.
        pairs: pairs that each network sees.
        faces: portraits to measure on; twice as many of the others.
        out: folder with a folder per training.
        workers: processes that make forgeries.
        finished: NAME=FOLDER of trainings to measure, too.
    """

    data: Collected
    dev: Files
    others: Others
    pairs: int = 4800
    faces: int = 240
    seed: Seed = 1
    out: Path = Path("lab/out/compare")
    target: Page = Path("docs/benchmark")
    workers: int = 2
    finished: tuple[str, ...] = ()

    def run(self) -> None:
        from unmask_lab.compare import compare, plan

        # The average of the weights spans 50 steps, as 4,800 pairs are only 300.
        reference = Config(
            tuple(map(str, self.data)), (), pairs=self.pairs, seed=self.seed, average=0.98
        )
        named = (one.partition("=") for one in self.finished)
        compare(
            plan(reference),
            read(self.dev),
            read(self.others),
            self.out,
            self.target,
            at_most=self.faces,
            workers=self.workers,
            finished={name: Path(folder) for name, _, folder in named},
        )
        print((self.target / "compare.md").read_text())


@dataclass(frozen=True)
class Arena:
    """Let attacker and detector answer each other in rounds. Goes on where it stopped.

    Attributes:
        dev: collected Parquet files of people never trained on.
        rounds: number of rounds in all, with those fought before.
        start: folder of the detector that enters.
        pairs: pairs that the detector learns from in a round.
        faces: portraits each for attacker and league.
        out: folder with a folder per round.
        workers: processes that make forgeries.
    """

    data: Collected
    dev: Files
    others: Others
    rounds: int = 6
    start: Path = LEARNED
    pairs: int = 2000
    faces: int = 120
    seed: Seed = 1
    out: Path = Path("lab/out/arena")
    target: Page = Path("docs")
    workers: int = 2

    def run(self) -> None:
        from unmask_lab.arena import arena, ground

        portraits, foreign = never_seen(self.data, self.dev, self.others)
        # A quarter of a fresh training's rates, and an average over 50 steps: a round is 125.
        gentle = Config(
            tuple(map(str, self.data)),
            (),
            net="close_detector",
            rate=5e-4,
            trunk_rate=1.5e-4,
            average=0.98,
        )
        config = replace(gentle, start=str(self.start), pairs=self.pairs, seed=self.seed)
        on = ground(portraits, foreign, config.families, self.faces)
        arena(config, on, self.rounds, self.out, self.target, workers=self.workers)
        print((self.target / "arena.md").read_text())


@dataclass(frozen=True)
class LiveShape:
    """Teach the live check's network on simulated sessions, or test it on an attack left out.

    Attributes:
        faces: collected Parquet files of bona fide faces.
        without: attacks to leave out one by one, to see what comes of them; writes nothing.
    """

    faces: Files
    out: Resumed = Path("lab/out/live/taught")
    workers: Workers = 2
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require("workers", self.workers, 1)
        if self.without:
            from unmask_lab.live.taught import KINDS

            if unknown := set(self.without) - set(KINDS[1:]):
                called = ", ".join(sorted(unknown))
                raise ValueError(f"--without: no attack that teaches is called {called}")

    def run(self) -> None:
        from unmask_lab.live import taught

        course = taught.Course()
        found = (
            taught.without(self.without, self.faces, self.out, course, self.workers)
            if self.without
            else taught.teach(self.faces, self.out, course, workers=self.workers)
        )
        print(json.dumps(found, indent=2))
