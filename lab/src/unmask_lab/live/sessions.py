"""Simulated sessions: their plan, and their runs, side by side and each recorded.

So a long run can be resumed.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from zlib import crc32

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from unmask.live.challenge import (
    LightChallenge,
    MovementChallenge,
    light_challenge,
    movement_challenge,
)
from unmask.live.movement import FIND_EVERY
from unmask.live.reading import FrameReading, read
from unmask.live.verification import verify
from unmask_lab.data import BONA_FIDE
from unmask_lab.data import read as read_rows
from unmask_lab.live import moves, species
from unmask_lab.live.head import TONES
from unmask_lab.live.retimed import program, retimed
from unmask_lab.live.scene import HeadPortrait, Setting, astronaut, setting
from unmask_lab.live.trial import TAIL, SymbolTiming, cells, frames, read_frames, readings, timing

LIGHT, MOVEMENT = "light", "movement"
READINGS, FRAMES = "readings", "frames"
HONEST, STALE, RETIMED = "honest", "stale answer", "re-timed recording"
ATTACKS = (*species.ATTACKS, RETIMED)
"""Attacks on the challenge by light."""

LUX = (50, 100, 200, 300, 600, 1200, 2500, 5000, 10_000)
"""Illuminance at the face, lux: a dim room to the shade on a bright day."""

ORDINARY = 300
"""Illuminance up to which the check must work for nearly everybody, lux.

The skin tones are compared there.
"""

BRIGHT = 600
"""Illuminance up to which a good part of persons must still pass, lux.

Whole frames are simulated up to it.
"""

DAY = 5000
"""Illuminance from which on the check must say that it is too bright, lux."""

OFFERED = 100
"""Number of challenges that each stale answer is offered to."""


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """Numbers of sessions to run.

    Attributes:
        tone: honest persons of each tone at each lux up to `ORDINARY`; half of it above.
        species: of each attack by light.
        stale: false answers, each to a challenge of its own.
        frames: with whole frames, honest at each lux up to `BRIGHT`, and of each attack by light.
        moves: with whole frames, of each kind by movement.
    """

    tone: int = 100
    species: int = 300
    stale: int = 30_000
    frames: int = 25
    moves: int = 25

    def scaled(self, share: float) -> SessionCounts:
        """Returns a share of all numbers; at least one of each."""
        return SessionCounts(*(max(1, round(count * share)) for count in asdict(self).values()))


@dataclass(frozen=True, slots=True)
class Scenario:
    """One session: the ``number``-th of its kind.

    All that is not given is drawn from ``seed`` and all of these.
    """

    seed: int
    way: str
    level: str
    kind: str
    number: int
    lux: int | None = None
    tone: str | None = None

    @property
    def name(self) -> str:
        """Name that no other case has; fit for a file."""
        parts = (self.seed, self.way, self.level, self.kind, self.lux, self.tone, self.number)
        return "-".join(str(part).replace(" ", "_") for part in parts if part is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Record of a case: the challenge, and the data that `unmask.live.verification.verify` gets."""

    challenge: LightChallenge | MovementChallenge
    sent: tuple[float, ...]
    readings: tuple[FrameReading, ...]
    shown: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SessionResult:
    """Outcome of a case: its ``result``, ``advice`` and ``details``."""

    case: Scenario
    result: str
    advice: str
    details: Mapping[str, float | str]


def plan(counts: SessionCounts, seed: int) -> list[Scenario]:
    """Plans all cases, each kind's spread evenly over the whole."""
    lit = partial(Scenario, seed, LIGHT)
    kinds: list[tuple[int, partial[Scenario]]] = []
    for lux in LUX:
        n = counts.tone if lux <= ORDINARY else max(1, counts.tone // 2)
        kinds += [(n, partial(lit, READINGS, HONEST, lux=lux, tone=tone)) for tone in TONES]
    kinds += [(counts.species, partial(lit, READINGS, kind)) for kind in ATTACKS]
    kinds += [(max(1, counts.stale // OFFERED), partial(lit, READINGS, STALE))]
    kinds += [
        (counts.frames, partial(lit, FRAMES, HONEST, lux=lux)) for lux in LUX if lux <= BRIGHT
    ]
    kinds += [(counts.frames, partial(lit, FRAMES, kind)) for kind in ATTACKS]
    kinds += [
        (counts.moves, partial(Scenario, seed, MOVEMENT, FRAMES, kind))
        for kind in (HONEST, *moves.ATTACKS)
    ]
    spread = [(k / n, case(number=k)) for n, case in kinds for k in range(n)]
    return [case for _, case in sorted(spread, key=lambda one: one[0])]


def run(
    cases: Sequence[Scenario], files: Sequence[Path], out: Path, workers: int = 2
) -> list[SessionResult]:
    """Records the cases that ``out`` does not hold yet, and judges all.

    Args:
        cases: from `plan`.
        files: collected data sets whose bona fide faces dress the heads; none: scikit-image's
            astronaut.
        out: folder of recordings; empty it when the simulator, `unmask.live.challenge` or
            `unmask.live.reading` has changed.
        workers: processes; 0 runs everything in this one.
    """
    out.mkdir(parents=True, exist_ok=True)
    one = partial(_ended, files=tuple(files), out=out)
    console = Console(stderr=True)
    with ProcessPoolExecutor(workers, get_context("spawn")) if workers else nullcontext() as pool:
        ended = pool.map(one, cases) if pool else map(one, cases)
        shown = track(
            ended, "sessions", len(cases), console=console, disable=not console.is_terminal
        )
        return [session for sessions in shown for session in sessions]


def record(case: Scenario, portraits: Sequence[HeadPortrait]) -> Recording:
    """Plays one case before the camera and reads it."""
    kind = f"{case.way}/{case.level}/{case.kind}/{case.lux}/{case.tone}"
    random = np.random.default_rng([case.seed, crc32(kind.encode()), case.number])
    where = setting(random, portraits, case.lux, case.tone)
    if case.way == MOVEMENT:
        return _moved(case, where, random)
    challenge = light_challenge(species.drawn(random))
    when = timing(challenge, random)
    found = _seen(case, where, challenge, when, random)
    if case.kind == RETIMED:
        return _retimed(case, challenge, when, found, random)
    return Recording(challenge, when.sent, tuple(found), when.shown)


def recorded(case: Scenario, files: tuple[Path, ...], out: Path) -> Recording:
    """Returns the record of a case, from ``out`` if it is there; otherwise makes and keeps it."""
    path = out / f"{case.name}.pickle"
    if path.is_file():
        kept: Recording = pickle.loads(path.read_bytes())  # noqa: S301 - our own
        return kept
    what = record(case, _portraits(files))
    partial_ = path.with_suffix(".part")
    partial_.write_bytes(pickle.dumps(what))
    partial_.replace(path)
    return what


def judge(case: Scenario, what: Recording) -> list[SessionResult]:
    """Judges a case.

    A stale answer gets one verdict for each of the other challenges that it is offered to.
    """
    asked = [what.challenge]
    if case.kind == STALE:
        random = species.drawn(np.random.default_rng([case.seed, case.number]))
        asked = [light_challenge(random) for _ in range(OFFERED)]
    sessions = []
    for one in asked:
        outcome = verify(one, what.sent, what.readings, shown=what.shown)
        found = {
            name: of if isinstance(of, str) else round(float(of), 4)
            for name, of in outcome.details.items()
        }
        sessions.append(SessionResult(case, outcome.result, outcome.advice or "", found))
    return sessions


def seconds_after(files: Sequence[Path], seed: int, n: int) -> list[float]:
    """Measures the time from the last whole frame of a session by light to its verdict, s.

    Runs ``n`` sessions, one after the other.
    """
    found = []
    for i in range(n):
        random = np.random.default_rng((seed, i))
        where, challenge = (
            setting(random, _portraits(tuple(files))),
            light_challenge(species.drawn(random)),
        )
        when = timing(challenge, random)
        act = species.honest(where, species.playing(challenge, when.painted), random)
        seen: list[FrameReading] = []
        for frame in frames(where, act, float(when.painted[-1]) + challenge.seconds + TAIL, random):
            start = perf_counter()
            seen.append(read(frame, seen[-1] if seen else None))
        verify(challenge, when.sent, seen, shown=when.shown)
        found.append(perf_counter() - start)
    return found


def _seen(
    case: Scenario,
    where: Setting,
    challenge: LightChallenge,
    when: SymbolTiming,
    random: np.random.Generator,
) -> list[FrameReading]:
    """Simulates the readings of an act that is lit by a challenge."""
    end = float(when.painted[-1]) + challenge.seconds + TAIL
    act = species.ATTACKS.get(case.kind, species.honest)(
        where, species.playing(challenge, when.painted), random
    )
    if case.level == FRAMES:
        return read_frames(where, act, end, random)
    grid = cells(act.stage, where.camera, random)
    return readings(where, act, grid, end, random) if grid else _nothing(end)


def _retimed(
    case: Scenario,
    earlier: LightChallenge,
    when: SymbolTiming,
    recorded: Sequence[FrameReading],
    random: np.random.Generator,
) -> Recording:
    """Simulates a program that re-times an honest answer to an earlier challenge.

    Without a face, the answer stays as it is.
    """
    asked = light_challenge(species.drawn(random))
    if not any(reading.face for reading in recorded):
        return Recording(asked, when.sent, tuple(recorded), when.shown)
    made = retimed(asked, earlier, when.painted.tolist(), recorded, program(case.number), random)
    return Recording(asked, made.sent, made.readings, made.shown)


def _nothing(end: float) -> list[FrameReading]:
    """Returns the readings of a camera before which the finder finds nobody."""
    return [FrameReading(float(time), None, float(time)) for time in np.arange(0, end, 0.1)]


def _moved(case: Scenario, where: Setting, random: np.random.Generator) -> Recording:
    challenge = movement_challenge(species.drawn(random))
    shown = moves.asked_at(challenge)
    act = {HONEST: moves.honest, **moves.ATTACKS}[case.kind](where, challenge, shown, random)
    seen: list[FrameReading] = []
    for frame in moves.frames(where, act, float(shown[-1]) + challenge.seconds + TAIL, random):
        seen.append(read(frame, seen[-1] if seen else None, FIND_EVERY))
    since = tuple(shown.tolist())
    return Recording(challenge, since, tuple(seen), since)


def _ended(case: Scenario, files: tuple[Path, ...], out: Path) -> list[SessionResult]:
    """Returns a case's sessions."""
    return judge(case, recorded(case, files, out))


@cache
def _portraits(files: tuple[Path, ...]) -> tuple[HeadPortrait, ...]:
    """Loads the portraits with which a process dresses its heads."""
    cv2.setNumThreads(1)
    rows = read_rows(files) if files else []
    return (
        tuple(HeadPortrait(row.rgb, row.points) for row in rows if row.label == BONA_FIDE)
        or astronaut()
    )
