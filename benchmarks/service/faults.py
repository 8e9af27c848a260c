"""Uploads over resumable connections while processes are killed at random."""

from __future__ import annotations

import argparse
import math
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from benchmarks.service.account import account_for
from benchmarks.service.clips import SIZE, Clips
from tests import postgresql
from tests.service.tree import Tree
from unmask.client import Client, ServiceError

PIECE = 500_000
"""Bytes of each piece of an upload."""


def faults(service: Tree, server: postgresql.Server, options: argparse.Namespace) -> None:
    """Uploads on resumable connections while processes are killed at random; counts results."""
    clips, rng = Clips(2, SIZE), random.Random(options.seed)  # noqa: S311
    with ThreadPoolExecutor(options.at_once) as pool:
        stop = threading.Event()
        one = SIZE / options.line
        working = [
            pool.submit(_until_told, service, clips, stop, one, one * i / options.at_once)
            for i in range(options.at_once)
        ]
        killed: Counter[str] = Counter()
        for _ in range(options.kills):
            time.sleep(rng.uniform(0.5, 1.5) * options.seconds / options.kills)
            killed[_kill_one(service, server, rng)] += 1
            print(f"\rkilled: {dict(killed)}", end="", file=sys.stderr, flush=True)
        stop.set()
        accepted = [check for some in working for check in some.result()]
        print(
            f"\n{sum(killed.values())} kills: {dict(killed)}; "
            f"{len(accepted)} uploads accepted meanwhile",
            flush=True,
        )
        account_for(service, accepted)


def _until_told(
    service: Tree, clips: Clips, stop: threading.Event, seconds: float, start: float
) -> list[str]:
    """Uploads one file after the other until ``stop`` is set; returns the ids of their checks."""
    accepted, pieces = [], math.ceil(SIZE / PIECE)
    stop.wait(start)
    with (
        tempfile.TemporaryDirectory() as folder,
        Client(service.url, service.key, piece=PIECE) as client,
    ):
        path = Path(folder) / "clip.mp4"
        while not stop.is_set():
            path.write_bytes(clips.new())
            with suppress(
                ServiceError
            ):  # the client gave up after a minute without an answer: nothing was accepted
                accepted.append(
                    client.upload(path, progress=lambda _done: time.sleep(seconds / pieces)).id
                )
    return accepted


def _kill_one(service: Tree, server: postgresql.Server, rng: random.Random) -> str:
    """Kills a random process of a random role.

    PostgreSQL is stopped as by a power failure, and started again.
    """
    role = rng.choice(("database", "http", "worker", "judge", "courier", "supervisor"))
    if role == "database":
        server.stop()
        time.sleep(rng.uniform(0, 3))
        server.start()
        return role
    if not service.processes(role):
        role = "worker" if service.processes("worker") else "supervisor"
    try:
        os.kill(rng.choice(service.processes(role)), signal.SIGKILL)
    except ProcessLookupError:
        return f"{role}, which had just ended"
    if role == "supervisor":
        service.start()
    return role
