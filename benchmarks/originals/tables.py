"""Tables of what was measured, as Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

OUT = Path("out/originals")
WEIGHT = Path("src/unmask/weights/originals.json")

KINDS = ("none", "take", "face", "mouth")
NO_LR = "no LR: "

FITTED_FROM = 1_000_000
"""First seed of the trials used for fitting; lower seeds are for measuring."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Returns the 95 % interval of a proportion (Wilson 1927)."""
    if not n:
        return 0.0, 1.0
    p, z = hits / n, 1.96
    middle, half = (p + z * z / (2 * n)), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, float((middle - half) / (1 + z * z / n))), float(
        (middle + half) / (1 + z * z / n)
    )


def share(hits: Iterable[bool]) -> str:
    """Formats a proportion, as ``99.1 % (97.4 to 99.7), n = 331``."""
    values = list(hits)
    low, high = wilson(sum(values), len(values))
    part = 100 * sum(values) / max(1, len(values))
    return f"{part:.1f} % ({100 * low:.1f} to {100 * high:.1f}), n = {len(values)}"


def auc(changed: np.ndarray, bona_fide: np.ndarray, rounds: int = 1000) -> str:
    """Formats the AUC with a 95 % interval by bootstrap."""

    def area(a: np.ndarray, b: np.ndarray) -> float:
        below, upto = (np.searchsorted(np.sort(b), a, side) for side in ("left", "right"))
        return float((below + upto).mean() / (2 * b.size))

    rng = np.random.default_rng(0)
    drawn = [
        area(rng.choice(changed, changed.size), rng.choice(bona_fide, bona_fide.size))
        for _ in range(rounds)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return (
        f"{area(changed, bona_fide):.4f} ({low:.4f} to {high:.4f}), "
        f"n = {changed.size} / {bona_fide.size}"
    )


def measured(part: str) -> list[dict[str, Any]]:
    """Reads the results of a part."""
    path = OUT / f"{part}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def report() -> None:
    """Prints all tables as Markdown."""
    print(
        "| attack (simulated) | found | time code within one frame | whole-frame PDQ at 31 |\n"
        "| --- | --- | --- | --- |"
    )
    rows, exact = measured("recall"), list[bool]()
    for attack in dict.fromkeys(row["attack"] for row in rows):
        mine = [row for row in rows if row["attack"] == attack]
        near = [float(np.median(row["frames_off"])) <= 1.01 for row in mine if row["frames_off"]]
        pdq = share(row["pdq"] <= 31 for row in mine if row["pdq"] is not None)
        print(f"| {attack} | {share(row['found'] for row in mine)} | {share(near)} | {pdq} |")
        exact += near
    print(
        f"\nfound {share(row['found'] for row in rows)}; time code within one frame {share(exact)}"
    )
    taken = np.percentile([row["seconds"] for row in rows] or [0], [50, 95])
    print(f"a clip took {taken[0]:.1f} s, 95 in 100 of them at most {taken[1]:.1f} s")
    print(f"another film named as well: {share(row['wrong'] > 0 for row in rows)}")
    print(
        "\nfalse matches of unrelated clips: "
        f"{share(row['matches'] > 0 for row in measured('unrelated'))}\n"
    )
    tried = [row for row in measured("trials") if row["seed"] < FITTED_FROM]
    if tried:
        compared(tried)
    for row in measured("scale") + measured("ingest"):
        print({key: round(value, 3) for key, value in row.items()})


def compared(tried: list[dict[str, Any]]) -> None:
    """Prints results of trials: changed faces and mouths against edits and another take."""
    told = [row for row in tried if row["score"] is not None]
    changed, edited, acted = (
        np.array([row["score"] for row in told if row["kind"] in kinds])
        for kinds in ({"face", "mouth"}, {"none"}, {"take"})
    )
    print(f"trials: compared {share(row['score'] is not None for row in tried)}")
    for kind in KINDS:
        print(
            f"{kind}: compared "
            f"{share(row['score'] is not None for row in tried if row['kind'] == kind)}"
        )
    line = json.loads(WEIGHT.read_text())["lines"]["originals"]
    even = -line["intercept"] / line["terms"]["score of originals"]
    print(f"right at an LR of 1, a score of {even:.2f}:")
    for name, others in (
        ("edited", edited),
        ("edited or acted once more", np.append(edited, acted)),
    ):
        print(
            f"changed against {name}: AUC {auc(changed, others)}; "
            f"right {share([*(changed >= even), *(others < even)])}"
        )
    print(
        f"missed {share(changed < even)}; edited, above {share(edited >= even)}; "
        f"acted, above {share(acted >= even)}"
    )
    wrong = [row for row in told if (row["score"] >= even) != (row["kind"] in {"face", "mouth"})]
    print(
        "the wrong ones: "
        f"{[(row['seed'], row['kind'], row['edit'], round(row['score'], 2)) for row in wrong]}\n"
    )
    counts = Counter((row["kind"], _came_to(row)) for row in tried)
    columns = sorted({name for _, name in counts}, key=lambda name: (name.startswith(NO_LR), name))
    print("| made | " + " | ".join(columns) + " |\n| --- |" + " --- |" * len(columns))
    for kind in KINDS:
        print(f"| {kind} | " + " | ".join(str(counts[kind, name]) for name in columns) + " |")


def _came_to(row: dict[str, Any]) -> str:
    """Returns the outcome of a trial, a column of the table."""
    return (
        row["finding"]
        if row["score"] is not None
        else NO_LR + (row["finding"] or "no match, no face")
    )
