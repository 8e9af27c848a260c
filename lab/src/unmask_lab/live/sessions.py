"""Many simulated sessions: which ones, run side by side, each written down as it ends, so that a long run can go on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
FIND_EVERY = 0.3

from unmask.live.challenge import LightChallenge, MovementChallenge, light_challenge, movement_challenge
from unmask.live.reading import Reading, read
from unmask.live.verification import verify
from unmask_lab.data import BONA_FIDE, DataError
from unmask_lab.data import read as read_rows
from unmask_lab.live import moves, species
from unmask_lab.live.head import TONES
from unmask_lab.live.scene import Portrait, astronaut, setting
from unmask_lab.live.trial import TAIL, cells, frames, painted, read_frames, readings

LIGHT, MOVEMENT = "light", "movement"
READINGS, FRAMES = "readings", "frames"
HONEST, STALE = "honest", "stale answer"

LUX = (50, 100, 200, 300, 600, 1200, 2500, 5000, 10_000)
"""At the face: a dim room to the shade on a bright day."""

ORDINARY = 300
"""lux up to which the check must work for nearly everybody; the skin tones are compared there."""

OFFERED = 10
"""Challenges that each stale answer is offered to."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Sessions to run.

    Attributes:
        tone: honest persons of each tone at each lux up to `ORDINARY`; half of it above.
        species: of each attack by light.
        stale: false answers, each to a challenge of its own.
        frames: with whole frames, of each kind of person or attack by light.
        moves: with whole frames, of each kind by movement.
    """

    tone: int = 100
    species: int = 300
    stale: int = 30_000
    frames: int = 20
    moves: int = 30

    def scaled(self, share: float) -> Counts:
        """A share of all; at least one of each."""
        return Counts(*(max(1, round(count * share)) for count in asdict(self).values()))


@dataclass(frozen=True, slots=True)
class Case:
    """One session to run; its ``seed`` decides everything that is not given."""

    way: str
    level: str
    kind: str
    seed: int
    lux: float | None = None
    tone: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """How it ended: ``result``, ``advice`` and ``details`` of the outcome."""

    case: Case
    result: str
    advice: str
    details: dict[str, float | str]


def plan(counts: Counts, seed: int) -> list[Case]:
    """All sessions, in an order that is theirs under the same counts and seed."""
    cases = [
        Case(LIGHT, READINGS, HONEST, 0, lux, tone)
        for lux in LUX
        for tone in TONES
        for _ in range(counts.tone if lux <= ORDINARY else max(1, counts.tone // 2))
    ]
    cases += [Case(LIGHT, READINGS, kind, 0) for kind in species.ATTACKS for _ in range(counts.species)]
    cases += [Case(LIGHT, READINGS, STALE, 0) for _ in range(max(1, counts.stale // OFFERED))]
    cases += [Case(LIGHT, FRAMES, kind, 0) for kind in (HONEST, *species.ATTACKS) for _ in range(counts.frames)]
    cases += [Case(MOVEMENT, FRAMES, kind, 0) for kind in (HONEST, *moves.ATTACKS) for _ in range(counts.moves)]
    return [Case(c.way, c.level, c.kind, seed * 10**6 + i, c.lux, c.tone) for i, c in enumerate(cases)]


def run(cases: Sequence[Case], files: Sequence[Path], log: Path, workers: int = 2) -> list[Session]:
    """Run the sessions that ``log`` does not hold yet, write each down there as it ends, and give all of them.

    Args:
        cases: from `plan`.
        files: collected data sets whose bona fide faces dress the heads; none: scikit-image's astronaut.
        log: JSON, a line each; delete it when the check or the simulator has changed.
        workers: processes; 0 runs everything in this one.
    """
    known = _logged(log)
    open_ = [case for case in cases if case not in known]
    log.parent.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True)
    ended = zip(open_, _all(open_, files, workers), strict=True)
    shown = track(ended, "sessions", len(open_), console=console, disable=not console.is_terminal)
    with log.open("a") as lines:
        for case, found in shown:
            known[case] = found
            lines.write("".join(json.dumps(asdict(session)) + "\n" for session in found))
            lines.flush()
    return [session for case in cases for session in known[case]]


def trial(case: Case, portraits: Sequence[Portrait]) -> list[Session]:
    """One case; a stale answer gives one session for each challenge that it is offered to."""
    random = np.random.default_rng(case.seed)
    where = setting(random, portraits, case.lux, case.tone)
    if case.way == MOVEMENT:
        asked = movement_challenge(species.drawn(random))
        shown = moves.asked_at(asked)
        act = {HONEST: moves.honest, **moves.ATTACKS}[case.kind](where, asked, shown, random)
        seen: list[Reading] = []
        for frame in moves.frames(where, act, float(shown[-1]) + asked.seconds + TAIL, random):
            seen.append(read(frame, seen[-1] if seen else None, FIND_EVERY))
        return [_judged(case, asked, shown, seen)]
    challenge = light_challenge(species.drawn(random))
    shown = painted(challenge, random)
    end = float(shown[-1]) + challenge.seconds + TAIL
    kinds = {HONEST: species.honest, STALE: species.honest, **species.ATTACKS}
    act_ = kinds[case.kind](where, species.playing(challenge, shown), random)
    if case.level == FRAMES:
        return [_judged(case, challenge, shown, read_frames(where, act_, end, random))]
    grid = cells(act_.stage, where.camera, random)
    found = [Reading(0.0, None, 0.0)] if grid is None else readings(where, act_, grid, end, random)
    asked_for = [light_challenge(species.drawn(random)) for _ in range(OFFERED)] if case.kind == STALE else [challenge]
    return [_judged(case, one, shown, found) for one in asked_for]


def seconds_after(files: Sequence[Path], seed: int, n: int) -> list[float]:
    """From the last whole frame of a session by light to its verdict, s, for ``n`` sessions, one after the other."""
    found = []
    for i in range(n):
        random = np.random.default_rng((seed, i))
        where, challenge = setting(random, _portraits(tuple(files))), light_challenge(species.drawn(random))
        shown = painted(challenge, random)
        act = species.honest(where, species.playing(challenge, shown), random)
        seen: list[Reading] = []
        for frame in frames(where, act, float(shown[-1]) + challenge.seconds + TAIL, random):
            start = perf_counter()
            seen.append(read(frame, seen[-1] if seen else None))
        verify(challenge, shown.tolist(), seen)
        found.append(perf_counter() - start)
    return found


def _judged(
    case: Case, asked: LightChallenge | MovementChallenge, shown: NDArray[np.float64], seen: Sequence[Reading]
) -> Session:
    outcome = verify(asked, shown.tolist(), seen)
    details = {
        name: value if isinstance(value, str) else round(float(value), 4) for name, value in outcome.details.items()
    }
    return Session(case, outcome.result, outcome.advice or "", details)


def _all(cases: Sequence[Case], files: Sequence[Path], workers: int) -> Iterator[list[Session]]:
    """Each case's sessions, in order."""
    one = partial(_alone, files=tuple(files))
    if not workers:
        yield from map(one, cases)
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield from pool.map(one, cases)


def _alone(case: Case, files: tuple[Path, ...]) -> list[Session]:
    return trial(case, _portraits(files))


@cache
def _portraits(files: tuple[Path, ...]) -> tuple[Portrait, ...]:
    """What a process dresses its heads in."""
    cv2.setNumThreads(1)
    rows = read_rows(files) if files else []
    return tuple(Portrait(row.rgb, row.points) for row in rows if row.label == BONA_FIDE) or astronaut()


def _logged(log: Path) -> dict[Case, list[Session]]:
    """What a log holds.

    Raises:
        DataError: a line of it cannot be read.
    """
    found: dict[Case, list[Session]] = {}
    for line in log.read_text().splitlines() if log.is_file() else ():
        try:
            values = json.loads(line)
            session = Session(**{**values, "case": Case(**values["case"])})
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{log}: not a log of simulated sessions; delete it ({error})") from None
        found.setdefault(session.case, []).append(session)
    return found
