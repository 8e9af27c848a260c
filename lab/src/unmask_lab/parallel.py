"""Work spread over processes, each of which is handed the task once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

import cv2
import torch

Result = TypeVar("Result")

_task: list[Callable[[int], Any]] = []


def spread(
    task: Callable[[int], Result], numbers: Sequence[int], processes: int, chunk: int = 1
) -> Iterator[Result]:
    """Yields what a task returns for each number, in order.

    Args:
        task: called with a number; it travels to each process once.
        numbers: numbers to call it with.
        processes: that share the work; 0 to stay in this one.
        chunk: numbers that a process is given at a time.
    """
    if not processes:
        yield from map(task, numbers)
        return
    # A fork would inherit ONNX Runtime's threads in an unknown state.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, initializer=_take, initargs=(task,)) as pool:
        yield from pool.map(_do, numbers, chunksize=chunk)


def _take(task: Callable[[int], Any]) -> None:
    """Limits the process to one thread, as the processes already share the cores."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    _task.append(task)


def _do(number: int) -> Any:
    return _task[0](number)
