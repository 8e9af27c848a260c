"""Commands that measure, and write pages of docs/benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unmask_lab.cli.options import (
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
from unmask_lab.data import never_seen, read, refuse_leak

PAGES = Path("docs/benchmark")


@dataclass(frozen=True)
class Benchmark:
    """Measure the exported detector.

    Attributes:
        swapped: collected Parquet files forged with networks that nobody trained on.
    """

    portraits: Portraits
    others: Others
    trained_on: TrainedOn
    target: Page = PAGES
    swapped: Files = ()

    def run(self) -> None:
        from unmask_lab.benchmark import benchmark

        more = read(self.swapped) if self.swapped else []
        refuse_leak(read(self.trained_on), more)
        fresh, foreign = never_seen(self.trained_on, self.portraits, self.others)
        benchmark(fresh, foreign, self.target, swapped=more)
        print((self.target / "benchmark.md").read_text())


@dataclass(frozen=True)
class Unseen:
    """Measure the whole check on swaps never seen. What is not here is left out.

    Attributes:
        stills: Parquet files of photos.
        clips: folders of clips with labels.csv.
        others: Parquet files of photos, some of whose swaps failed.
    """

    stills: Files = ()
    clips: Files = ()
    others: Files = ()
    target: Page = PAGES
    out: Resumed = Path("lab/out/unseen")

    def run(self) -> None:
        from unmask_lab.benchmark.unseen import unseen

        if unseen(self.stills, self.clips, self.others, self.target, self.out):
            print((self.target / "unseen.md").read_text())


@dataclass(frozen=True)
class Lines:
    """Measure each line of evidence alone, and learned, named and fused lines side by side.

    Attributes:
        faces: how many of each set, drawn at random; all if not given.
    """

    portraits: Portraits
    others: Others
    trained_on: TrainedOn
    target: Page = PAGES
    faces: int | None = None

    def run(self) -> None:
        import numpy as np

        from unmask_lab.benchmark.lines import COMMAND, lines
        from unmask_lab.benchmark.motion import motion

        draw = np.random.default_rng(0)
        fresh, foreign = (
            [rows[i] for i in draw.permutation(len(rows))[: self.faces]]
            for rows in never_seen(self.trained_on, self.portraits, self.others)
        )
        command = f"{COMMAND} FACES_DRAWN={self.faces}" if self.faces else COMMAND
        print(lines(fresh, foreign, self.target, command=command))
        print(motion(fresh, self.target))


@dataclass(frozen=True)
class Clips:
    """Check simulated clips, bona fide and changed for two seconds, the whole way."""

    portraits: Portraits
    trained_on: TrainedOn
    target: Page = PAGES

    def run(self) -> None:
        from unmask_lab.clips import clips

        (fresh,) = never_seen(self.trained_on, self.portraits)
        print(clips(fresh, self.target))


@dataclass(frozen=True)
class Footage:
    """Check versions of simulated clips, bona fide and changed.

    Versions are broken, joined, blended, interlaced and enlarged.

    Attributes:
        people: number of people filmed.
        each: versions of each person's clip, in turn.
    """

    portraits: Portraits
    trained_on: TrainedOn
    target: Page = PAGES
    out: Resumed = Path("lab/out/footage")
    people: int = 300
    each: int = 1

    def __post_init__(self) -> None:
        require("people", self.people, 2)
        require("each", self.each, 1, 6)

    def run(self) -> None:
        from unmask_lab.benchmark.footage import footage

        (fresh,) = never_seen(self.trained_on, self.portraits)
        footage(fresh, self.target, self.out, self.people, self.each)
        print((self.target / "footage.md").read_text())


@dataclass(frozen=True)
class Live:
    """Simulate live checks, honest and attacked, by light and by movement.

    Attributes:
        faces: collected Parquet files of bona fide faces.
        share: share of the sessions that the full run has.
        time: only measure how long a verdict takes, on an idle machine.
    """

    faces: Files = ()
    out: Resumed = Path("lab/out/live")
    target: Page = PAGES
    share: float = 1.0
    seed: Seed = 1
    workers: Workers = 2
    time: bool = False

    def __post_init__(self) -> None:
        require("share", self.share, 0.0001, 1)
        require("seed", self.seed, 1)
        require("workers", self.workers, 0)

    def run(self) -> None:
        from unmask_lab.live.report import simulate, timed
        from unmask_lab.live.sessions import SessionCounts, plan

        if self.time:
            print(timed(self.faces, self.out, self.seed))
            return
        dressed = f" --faces {' '.join(map(str, self.faces))}" if self.faces else ""
        command = f"unmask-lab live{dressed} --share {self.share:g} --seed {self.seed}"
        cases = plan(SessionCounts().scaled(self.share), self.seed)
        print(simulate(cases, self.faces, self.out, self.target, self.workers, command))
