"""Arena: in rounds, the attacker finds the detector's weakest point and the detector trains on it.

An attack is a pair of a forgery family and a degradation that is applied afterwards. The detector
is trained on every attack chosen so far, each as often as it was chosen, as in fictitious play
(Brown 1951, "Iterative solution of games by fictitious play").
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from unmask_lab import records
from unmask_lab.data import DataError, Row
from unmask_lab.degrade import NAMED
from unmask_lab.held_out import RESEARCH, HeldOut, hold_out
from unmask_lab.nets import SEE_CLOSE_UPS
from unmask_lab.samples import Attack
from unmask_lab.tables import interval, table
from unmask_lab.train import Config, load, train

COMMAND = "make lab-arena"
PLAIN = "as it is"


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Faces of the arena, in three sets that share no person; none was trained on.

    Attributes:
        attacker: faces on which the attacker looks for its best attack.
        league: faces on which every detector is measured against every attack.
        research: faces that bring their own labels, changed in ways never trained on.
    """

    attacker: HeldOut
    league: HeldOut
    research: HeldOut


def ground(
    portraits: Sequence[Row],
    others: Sequence[Row],
    families: Sequence[str],
    at_most: int = 120,
    seed: int = 700,
) -> Ground:
    """Splits the portraits' people in half, for the attacker and for the league.

    Each half holds at most ``at_most`` faces.

    Raises:
        DataError: there are fewer than two people.
    """
    people = sorted({row.identity for row in portraits})
    if len(people) < 2:
        raise DataError(
            "the arena needs portraits of at least two people: "
            "one for the attacker, one for the league"
        )
    half = set(np.random.default_rng(seed).permutation(people)[: len(people) // 2])
    sides = (
        [row for row in portraits if (row.identity in half) == attacks] for attacks in (True, False)
    )
    attacker, league = (hold_out(side, [], families, tuple(NAMED), at_most, seed) for side in sides)
    return Ground(attacker, league, hold_out([], others, (), [PLAIN], 2 * at_most, seed))


def arena(
    config: Config,
    on: Ground,
    rounds: int,
    out: Path,
    target: Path,
    every: int = 125,
    workers: int = 2,
) -> dict[str, Any]:
    """Plays the rounds, or resumes after the last one; writes ``arena.md``, ``.json`` and ``.png``.

    Args:
        config: of each round's training, which resumes from the weights of the round before.
            ``config.start`` is the folder of the detector that enters; a copy of it is kept as
            round 0.
        on: the faces.
        rounds: number of rounds in all, with those played before.
        out: folder for a folder per round.
        target: folder of the page.
        every: steps between checkpoints.
        workers: processes that make forgeries to train on.

    Raises:
        DataError: no detector enters, the data are unusable, or ``out`` holds an arena of another
            config or other faces.
    """
    record, close = _enter(config, on, out), config.net in SEE_CLOSE_UPS
    fought = record["rounds"]
    while len(fought) <= rounds:
        k = len(fought)
        before = out / f"round-{k - 1}"
        attack, seen = strongest(load(before)[0], on.attacker, close)
        print(
            f"round {k} of {rounds}: {_named(attack)}, AUC {seen:.3f}", file=sys.stderr, flush=True
        )
        attacks = (*(tuple(past["attack"]) for past in fought[1:]), attack)
        learning = replace(config, start=str(before), attacks=attacks, seed=config.seed + k)
        net = train(learning, out / f"round-{k}", every, workers)
        fought.append({"attack": list(attack), "attacker_auc": seen, **_standing(net, on, close)})
        _keep(record, out)
    target.mkdir(parents=True, exist_ok=True)
    (target / "arena.json").write_text(records.dumps(record) + "\n")
    (target / "arena.md").write_text(page(record))
    _plot(record, target / "arena.png")
    return record


def strongest(net: nn.Module, faces: HeldOut, close: bool) -> tuple[Attack, float]:
    """Returns the attack against which the network's AUC is lowest, and that AUC.

    AUC is used rather than TPR at 1 % FPR, which would depend on the one or two highest-scoring of
    a hundred bona fide faces.
    """
    scores = faces.score(net, close)
    found = {attack: faces.figures(scores, [attack])["auc"][0] for attack in faces.sets}
    attack = min(found, key=lambda one: found[one])
    return attack, found[attack]


def _enter(config: Config, on: Ground, out: Path) -> dict[str, Any]:
    """Loads the record so far; a new one holds the detector that enters as round 0."""
    kept = out / "arena.json"
    faces = {
        "attacker": _faces(on.attacker),
        "league": _faces(on.league),
        RESEARCH: _faces(on.research),
    }
    about = json.loads(json.dumps({"config": asdict(config), "faces": faces}))
    if kept.is_file():
        record: dict[str, Any] = json.loads(kept.read_text())
        if any(record[key] != value for key, value in about.items()):
            raise DataError(
                f"{kept}: an arena of another config or other faces; "
                "choose another folder, or delete it"
            )
        return record
    net, _ = load(Path(config.start))
    (out / "round-0").mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(config.start) / "checkpoint.pt", out / "round-0")
    standing = _standing(net, on, config.net in SEE_CLOSE_UPS)
    record = {"date": datetime.now(UTC).date().isoformat(), **about, "rounds": [standing]}
    _keep(record, out)
    return record


def _keep(record: dict[str, Any], out: Path) -> None:
    partial = out / "arena.partial"
    partial.write_text(json.dumps(record))
    partial.replace(out / "arena.json")


def _faces(of: HeldOut) -> dict[str, int]:
    return of.counts(next(iter(of.sets)))


def _standing(net: nn.Module, on: Ground, close: bool) -> dict[str, Any]:
    """Measures a detector in the league: per attack, their mean, and the research set."""
    league, research = on.league.score(net, close), on.research.score(net, close)
    return {
        "attacks": [[*attack, on.league.figures(league, [attack])] for attack in on.league.sets],
        "mean": on.league.figures(league, list(on.league.sets)),
        "research": on.research.figures(research, list(on.research.sets)),
    }


def worst(standing: dict[str, Any]) -> tuple[Attack, list[float]]:
    """Returns the attack with a detector's lowest AUC in the league, and that AUC.

    The AUC comes with its interval.
    """
    family, way, figures = min(standing["attacks"], key=lambda attack: attack[2]["auc"][0])
    return (family, way), figures["auc"]


def _against(standing: dict[str, Any], attack: Sequence[str]) -> list[float]:
    return next(figures["auc"] for *one, figures in standing["attacks"] if one == list(attack))


def page(record: dict[str, Any]) -> str:
    """Renders the record of `arena` as Markdown."""
    config, faces, fought = record["config"], record["faces"], record["rounds"]
    rows = []
    for k, now in enumerate(fought):
        attack, auc = worst(now)
        tried = ["the detector that enters", "", "", ""]
        if k:
            before, after = (
                interval(*_against(one, now["attack"])) for one in (fought[k - 1], now)
            )
            tried = [_named(now["attack"]), f"{now['attacker_auc']:.3f}", before, after]
        rows.append(
            [
                str(k),
                *tried,
                f"{interval(*auc)} {_named(attack)}",
                interval(*now["mean"]["auc"]),
                interval(*now["research"]["auc"]),
            ]
        )
    head = [
        "round",
        "attacker's best",
        "AUC it saw",
        "AUC before",
        "after",
        "worst of all",
        "mean of all",
        "research set",
    ]
    return f"""# The arena

`{COMMAND}`, begun {record["date"]}, seed {config["seed"]}. \
An attack is a forgery family and a way that the picture goes
afterwards. In every round the attacker tries {len(fought[0]["attacks"])} \
attacks, each on {_counted(faces["attacker"])},
and chooses the one that the detector sees worst, by AUC. The \
detector then goes on learning for {config["pairs"]:,} pairs;
half of them are the attacks chosen so far, each as often as it was chosen, the rest all families.

The league measures every detector against every attack, each on {_counted(faces["league"])},
none of them the attacker's, and on the research set, {_counted(faces[RESEARCH])},
changed in ways that no detector here was trained on.
AUC with its 95 % interval over people. The worst of many attacks is low partly by chance.

![AUC over the rounds](arena.png)

{table(head, rows)}
"""


def _counted(faces: dict[str, int]) -> str:
    return (
        f"{faces['bona_fide']} bona fide faces and {faces['changed']} "
        f"changed ones of {faces['people']} people"
    )


def _named(attack: Sequence[str]) -> str:
    family, way = attack
    return family if way == PLAIN else f"{family}, {way}"


def _plot(record: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    fought = record["rounds"]
    series = {
        "mean of all attacks": [standing["mean"]["auc"] for standing in fought],
        "worst of all attacks": [worst(standing)[1] for standing in fought],
        "research set, never trained on": [standing["research"]["auc"] for standing in fought],
    }
    figure, axes = plt.subplots(figsize=(7, 4))
    for name, aucs in series.items():
        value, low, high = np.array(aucs).T
        axes.plot(range(len(fought)), value, marker="o", label=name)
        axes.fill_between(range(len(fought)), low, high, alpha=0.15)
    axes.axhline(0.5, color="0.7", lw=1, ls=":")
    axes.set(xlabel="round", ylabel="AUC on people never seen, 95 %", xticks=range(len(fought)))
    axes.legend()
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
