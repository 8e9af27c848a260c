"""Report of simulated sessions: rates with intervals, a page and a plot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from math import isinf
from pathlib import Path
from typing import Any

import numpy as np

from unmask.live.challenge import MOVE_SECONDS, MOVES, SYMBOL_SECONDS, SYMBOLS
from unmask.live.verification import Result
from unmask_lab import records
from unmask_lab.live import moves
from unmask_lab.live.head import TONES
from unmask_lab.live.retimed import program
from unmask_lab.live.sessions import (
    ATTACKS,
    BRIGHT,
    DAY,
    FRAMES,
    HONEST,
    LIGHT,
    LUX,
    MOVEMENT,
    OFFERED,
    ORDINARY,
    READINGS,
    RETIMED,
    STALE,
    Scenario,
    SessionResult,
    run,
    seconds_after,
)
from unmask_lab.live.trial import LEAD, TAIL
from unmask_lab.metrics import Estimate, binomial
from unmask_lab.tables import percent, table

COMMAND = "make lab-live"
TIMED = "timed.json"

Rates = dict[str, Any]
"""Number of sessions ``n``, and for each result its count, share and 95 % interval."""


def simulate(
    cases: Sequence[Scenario],
    files: Sequence[Path],
    out: Path,
    target: Path,
    workers: int,
    command: str = COMMAND,
) -> str:
    """Records the sessions that ``out`` lacks, judges all, and writes the page to ``target``.

    Returns the page.

    Args:
        cases: of `unmask_lab.live.sessions.plan`.
        files: collected data sets whose bona fide faces dress the heads; none: scikit-image's
            astronaut.
        command: that gives this page.
    """
    sessions = run(cases, files, out / "recordings", workers)
    dressed = (
        f"the portraits of {', '.join(path.stem for path in files)}"
        if files
        else "scikit-image's astronaut"
    )
    about: dict[str, Any] = {
        "command": command,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "seed": cases[0].seed,
        "faces": dressed,
    }
    if (out / TIMED).is_file():
        about["timed"] = json.loads((out / TIMED).read_text())
    return write(summary(sessions, about), target)


def timed(files: Sequence[Path], out: Path, seed: int = 1, n: int = 20) -> str:
    """Measures the time from the last frame to the verdict, for the page.

    Runs ``n`` sessions by light with whole frames.
    """
    found = _spread(seconds_after(files, seed, n))
    out.mkdir(parents=True, exist_ok=True)
    (out / TIMED).write_text(json.dumps(found) + "\n")
    return f"from the last frame to the verdict: {_ms(found)} {found['n']} sessions"


def summary(sessions: Sequence[SessionResult], about: dict[str, Any]) -> dict[str, Any]:
    """Computes all figures as JSON values; ``about`` says how they were made."""

    def those(way: str, level: str, kind: str, **more: Any) -> list[SessionResult]:
        return [
            s
            for s in sessions
            if (s.case.way, s.case.level, s.case.kind) == (way, level, kind)
            and all(getattr(s.case, name) in value for name, value in more.items())
        ]

    stale = those(LIGHT, READINGS, STALE)
    mixed = [s for s in those(LIGHT, READINGS, RETIMED) if isinf(program(s.case.number).ahead)]
    ordinary = [lux for lux in LUX if lux <= ORDINARY]
    return {
        **about,
        "simulated": True,
        "lux": {str(lux): rates(those(LIGHT, READINGS, HONEST, lux=[lux])) for lux in LUX},
        "ordinary": rates(those(LIGHT, READINGS, HONEST, lux=ordinary)),
        "tones": {
            tone: rates(those(LIGHT, READINGS, HONEST, lux=ordinary, tone=[tone])) for tone in TONES
        },
        "attacks": {kind: rates(those(LIGHT, READINGS, kind)) for kind in ATTACKS},
        "stale": rates(stale) | {"first": _first(stale)},
        "retimed": {"first": _first(those(LIGHT, READINGS, RETIMED)), "mixed": rates(mixed)},
        "frames": {
            f"honest, {lux} lux": rates(those(LIGHT, FRAMES, HONEST, lux=[lux]))
            for lux in LUX
            if lux <= BRIGHT
        }
        | {kind: rates(those(LIGHT, FRAMES, kind)) for kind in ATTACKS},
        "movement": {
            kind: rates(those(MOVEMENT, FRAMES, kind)) for kind in (HONEST, *moves.ATTACKS)
        },
    }


def rates(sessions: Sequence[SessionResult]) -> Rates:
    """Counts each result, and each advice where the result was not `live`."""
    n = len(sessions)
    found: Rates = {"n": n}
    for result in Result:
        count = sum(s.result == result for s in sessions)
        found[result] = {"count": count, **asdict(binomial(count, n))}
    advices = sorted({s.advice for s in sessions if s.advice})
    found["advice"] = {advice: sum(s.advice == advice for s in sessions) for advice in advices}
    return found


def _first(sessions: Sequence[SessionResult]) -> dict[str, float]:
    """Computes the share of ranked answers that came first among the decoys."""
    ranks = [s.details["rank"] for s in sessions if "rank" in s.details]
    count = sum(rank == 1 for rank in ranks)
    return {"n": len(ranks), "count": count, **asdict(binomial(count, len(ranks)))}


def write(record: dict[str, Any], target: Path) -> str:
    """Writes ``live.json``, ``live.md`` and ``live.png`` to ``target``; returns the page."""
    target.mkdir(parents=True, exist_ok=True)
    (target / "live.json").write_text(records.dumps(record) + "\n")
    text = page(record)
    (target / "live.md").write_text(text)
    _plot(record, target / "live.png")
    return text


def page(record: dict[str, Any]) -> str:
    """Renders the figures as Markdown."""
    return "\n".join(
        [
            *_introduction(record),
            *_reach(record),
            *_honest(record),
            *_attacked(record),
            *_whole_frames(record),
            *_moved(record),
            *_time(record),
        ]
    )


INTRODUCTION = """# The live check, simulated

`{command}`, {date}, seed {seed}; heads dressed in {faces}. \
**Every figure on this page is simulated**: it says what the
mathematics of the check does with light, skin, cameras and \
attacks as physics describes them, not how people fare. No person
took part, and no laboratory tested the check after ISO/IEC \
30107-3. Its thresholds were set on sessions of seeds 1, 2, 101 and
103 to 105, its network was taught by sessions of seed 102; from 101 on heads had other portraits.

A head has a nose, sockets, lips and a chin, one of six skin \
tones, and a portrait's features. A phone's or a laptop's screen,
30 to 50 cm away, lights it with the challenge's colours; a room \
lights it with 50 to 10,000 lux *at the face*, from one side and
all around. The camera has noise, exposure and white-balance \
automatics, a tone curve, 8 bits, JPEG, a rolling shutter, uneven
and dropped frames; steps reach the page with delay and jitter. \
`lab/src/unmask_lab/live/` has each number and its source. What it
lacks: frames that are late, shadows that a nose throws, \
glasses, beards, faces that talk, motion blur, and light from the
screen that comes back from the walls. The shape of its heads and \
the shape that the check expects follow the same anthropometry.

Two levels. *Whole frames* go as JPEG through the check's own \
finder and reader. *Readings* are made without pictures, with the
noise that whole frames show. Intervals are exact 95 % ones (Clopper and Pearson).
"""

ATTACKED = """## Attacks

APCER is the share called `live`, of each species. The relit face \
is a virtual camera that sees the screen's quarters, knows the
victim's shape to 11 degrees and answers within 0.2 s: no check \
by screen light alone can be sure to stop it, so its rate is
published and nothing is promised. The re-timed recording holds \
and hurries the frames of another check, as the symbols come in,
until they fit; fifteen programs take turns, of which \
nine take the frames in any order and six add noise.
"""


def _introduction(record: dict[str, Any]) -> list[str]:
    return [INTRODUCTION.format(**record)]


def _reach(record: dict[str, Any]) -> list[str]:
    """Lists the goals, each with its result."""
    stale, ordinary, bright = record["stale"], record["ordinary"], record["lux"][str(BRIGHT)]
    day = [of for lux, of in record["lux"].items() if int(lux) >= DAY]
    dazzled = binomial(
        sum(of[Result.INCONCLUSIVE]["count"] for of in day), sum(of["n"] for of in day)
    )
    promised = {kind: of for kind, of in record["attacks"].items() if kind != "relit face"}
    worst = max(promised, key=lambda kind: promised[kind][Result.LIVE]["count"])
    rows = [
        ("false accepts of stale answers", "0.01 % of 30,000", stale[Result.LIVE], stale["n"]),
        (
            f"APCER, worst species ({worst})",
            "1 % of 300",
            promised[worst][Result.LIVE],
            promised[worst]["n"],
        ),
        (f"not passed, to {ORDINARY} lux", "3 %", asdict(_not_passed(ordinary)), ordinary["n"]),
        (f"not passed, {BRIGHT} lux", "10 %", asdict(_not_passed(bright)), bright["n"]),
        (
            f"inconclusive from {DAY:,} lux on",
            "at least 95 %",
            asdict(dazzled),
            sum(of["n"] for of in day),
        ),
    ]
    return [
        "## Against the goals\n",
        table(
            ("simulated, readings", "goal", "found", "n"),
            [(name, goal, percent(of, 2), f"{n:,}") for name, goal, of, n in rows],
        ),
        "",
    ]


def _honest(record: dict[str, Any]) -> list[str]:
    by_light = {f"{int(lux):,}": of for lux, of in record["lux"].items()} | {
        f"to {ORDINARY}": record["ordinary"]
    }
    lines = [
        "## Honest persons\n",
        (
            "BPCER is the share called `not live`. Whoever gets `inconclusive` is told what to do "
            "and tries again; *not passed*"
        ),
        "counts both.\n",
        "![Simulated results by light](live.png)\n",
        _honest_table("simulated, readings: lux at the face", by_light),
        "",
        _honest_table(f"simulated, readings: skin tone, to {ORDINARY} lux", record["tones"]),
        "",
    ]
    passed = {
        tone: 100 * of[Result.LIVE]["value"] for tone, of in record["tones"].items() if of["n"]
    }
    if passed:
        worst, best = min(passed, key=passed.__getitem__), max(passed, key=passed.__getitem__)
        gap = passed[best] - passed[worst]
        lines.append(
            f"The tones differ by at most {gap:.1f} points of passing ({worst} to {best}).\n"
        )
    return lines


def _attacked(record: dict[str, Any]) -> list[str]:
    stale, first, retimed = record["stale"], record["stale"]["first"], record["retimed"]["first"]
    mixed = record["retimed"]["mixed"]
    return [
        ATTACKED,
        _attack_table("simulated, readings: species", record["attacks"], "APCER"),
        "",
        (
            f"Freshness: {stale['n']:,} times a living person's answer to one challenge was "
            f"offered to another ({OFFERED} others"
        ),
        (
            f"each), at the right times: {stale[Result.LIVE]['count']} were accepted, "
            f"{percent(stale[Result.LIVE], 4)};"
        ),
        (
            f"{first['count']} of {first['n']:,} came first among the decoys, {percent(first, 4)}; "
            "by construction 1 in 10,000 does"
        ),
        (
            "(simulated, readings). "
            "Re-timed recordings do depend on the sequence, so this does not bind them:"
        ),
        (
            f"{retimed['count']} of {retimed['n']:,} came first, {percent(retimed)}; what they "
            "leave unexplained gives most away."
        ),
        (
            "Programs that take frames in any order are the strongest: "
            f"{mixed[Result.LIVE]['count']} of {mixed['n']} accepted,"
        ),
        f"{percent(mixed[Result.LIVE])}.\n",
    ]


def _whole_frames(record: dict[str, Any]) -> list[str]:
    return [
        "## The same through whole frames\n",
        "All tones; the attacks at 50 to 600 lux.\n",
        _attack_table("simulated, whole frames", record["frames"]),
        "",
    ]


def _moved(record: dict[str, Any]) -> list[str]:
    return [
        "## The challenge by movement\n",
        _attack_table("simulated, whole frames", record["movement"]),
        "",
        (
            "Not simulated: a face swapped or animated live in a virtual camera, which can do all "
            "moves that its owner does.\n"
        ),
    ]


def _time(record: dict[str, Any]) -> list[str]:
    light = LEAD + SYMBOLS * SYMBOL_SECONDS + TAIL
    movement = LEAD + MOVES * MOVE_SECONDS + TAIL
    lines = [
        "## Time\n",
        (
            f"A challenge by light lasts {light:.1f} s with {LEAD} s before and {TAIL} s after it, "
            f"one by movement {movement:.1f} s;"
        ),
        "the goal is 12 s for either.",
    ]
    if timed := record.get("timed"):
        lines += [
            (
                "From the last frame to the verdict, reading it included, on one core of an "
                f"otherwise idle machine: {_ms(timed)}"
            ),
            f"over {timed['n']} sessions by light (`unmask-lab live --time`).",
        ]
    return [*lines, ""]


def _honest_table(title: str, rates: Mapping[str, Rates]) -> str:
    rows = [[name, *_results(of), percent(asdict(_not_passed(of)))] for name, of in rates.items()]
    return table((title, "n", "live", "BPCER", "inconclusive", "not passed"), rows)


def _attack_table(title: str, rates: Mapping[str, Rates], accepted: str = "live") -> str:
    rows = [[name, *_results(of)] for name, of in rates.items()]
    return table((title, "n", accepted, "not live", "inconclusive"), rows)


def _results(of: Rates) -> list[str]:
    return [
        str(of["n"]),
        *(percent(of[r]) for r in (Result.LIVE, Result.NOT_LIVE, Result.INCONCLUSIVE)),
    ]


def _not_passed(of: Rates) -> Estimate:
    return binomial(of["n"] - of[Result.LIVE]["count"], of["n"])


def _spread(seconds: Iterable[float]) -> dict[str, float]:
    """Computes n, median, 95th percentile and maximum, s."""
    of = np.array(list(seconds))
    return {
        "n": of.size,
        "median": round(float(np.median(of)), 4),
        "p95": round(float(np.percentile(of, 95)), 4),
        "max": round(float(of.max()), 4),
    }


def _ms(of: dict[str, float]) -> str:
    return (
        f"median {1000 * of['median']:.0f} ms, 95 % within {1000 * of['p95']:.0f} ms, "
        f"at most {1000 * of['max']:.0f} ms,"
    )


def _plot(record: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    looks = {
        Result.LIVE: ("#3b6ea8", "o"),
        Result.NOT_LIVE: ("#b3402a", "s"),
        Result.INCONCLUSIVE: ("#8a8a8a", "^"),
    }
    for result, (colour, marker) in looks.items():
        of = [
            Estimate(*(record["lux"][str(lux)][result][name] for name in ("value", "low", "high")))
            for lux in LUX
        ]
        values = 100 * np.array([[e.value, e.low, e.high] for e in of])
        spread = np.abs(values[:, 1:] - values[:, :1]).T
        axes.errorbar(
            LUX, values[:, 0], spread, color=colour, marker=marker, capsize=3, label=f"{result}"
        )
    axes.set(
        xscale="log",
        xlabel="lux at the face",
        ylabel="% of honest persons, simulated",
        ylim=(-2, 102),
    )
    axes.set_xticks(LUX, [f"{lux:,}" for lux in LUX], fontsize=8)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
