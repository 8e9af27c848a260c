"""Agreement of the people found by `identity` with those of a data set.

It is measured as pairwise precision and recall. ``python -m unmask_lab.collect.agreement
FACES.parquet [ROWS]`` takes bona fide rows, each as a track of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unmask_lab.collect import identity
from unmask_lab.data import BONA_FIDE, DataError, Row, read

ROUNDS = 2000


def pairwise(
    known: Sequence[str], told: Sequence[str], rounds: int = ROUNDS
) -> NDArray[np.float64]:
    """Computes precision and recall of "these two are one person" over all pairs.

    The 95 % intervals are by bootstrap over people.

    Args:
        known, told: each face's person by the data set and by the clustering.

    Returns:
        float64 ``(2, 3)``: precision and recall, each with the lower and the upper end; nan where
        there are no such pairs.
    """
    people, person = np.unique(known, return_inverse=True)
    clusters, cluster = np.unique(told, return_inverse=True)
    count = np.zeros((people.size, clusters.size))
    np.add.at(count, (person, cluster), 1)
    right = (count * (count - 1) / 2).sum(axis=1)
    real = count.sum(axis=1) * (count.sum(axis=1) - 1) / 2
    wrong = count @ count.T * (1 - np.eye(people.size))
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(people.size, np.full(people.size, 1 / people.size), size=rounds)
    weights = np.vstack([np.ones(people.size), drawn])
    hits, misses = (
        weights @ right,
        np.einsum("rp,pq,rq->r", weights, wrong, weights, optimize=True) / 2,
    )
    with np.errstate(invalid="ignore"):
        figures = np.stack([hits / (hits + misses), hits / (weights @ real)])
    return np.column_stack(
        [figures[:, 0], np.nanquantile(figures[:, 1:], [0.025, 0.975], axis=1).T]
    )


def main(path: Path, rows: int) -> None:
    """Prints the figures on ``rows`` bona fide rows, drawn with a fixed seed."""
    if not identity.available():
        raise DataError(
            "no face embedding is installed; run pip install --editable 'lab[identity]'"
        )
    bona_fide = [row for row in read([path]) if row.label == BONA_FIDE]
    drawn = np.random.default_rng(0).permutation(len(bona_fide))[:rows]
    chosen: list[Row] = [bona_fide[i] for i in drawn]
    embeddings = {
        f"{i:06}": identity.embed([(row.rgb, row.points)]) for i, row in enumerate(chosen)
    }
    person = identity.people(embeddings)
    known, told = [row.identity for row in chosen], [person[name] for name in embeddings]
    print(f"{len(chosen)} faces, {len(set(known))} people known, {len(set(told))} told apart")
    for name, (figure, low, high) in zip(
        ("precision", "recall"), pairwise(known, told), strict=True
    ):
        print(f"pairwise {name} {figure:.3f} ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 600)
    except DataError as error:
        raise SystemExit(f"agreement: {error}") from None
