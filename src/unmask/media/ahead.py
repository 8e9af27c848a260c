"""Work of a generator done in a thread, while what it gave last is used."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from unmask.threads import threads

T = TypeVar("T")


def ahead(results: Generator[T]) -> Generator[T]:
    """Yields what a generator yields, and computes the next while the caller uses the last.

    FFmpeg and ONNX Runtime work without Python's lock, so decoding and networks share the cores.
    Where a check has one thread (``UNMASK_THREADS``), nothing is computed ahead. An error of the
    generator is raised in its turn.
    """
    if threads() == 1:
        yield from results
        return
    ended = object()
    with closing(results), ThreadPoolExecutor(1, "ahead") as worker:
        coming = worker.submit(next, results, ended)
        while (result := coming.result()) is not ended:
            coming = worker.submit(next, results, ended)
            yield result  # type: ignore[misc]
