"""Uploads for some minutes, each at the speed of a line, with other requests at the same time."""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import httpx
import numpy as np

from benchmarks.service.account import account_for
from benchmarks.service.clips import SIZE, Clips
from tests.service.tree import Tree

ROLES = ("supervisor", "http", "courier", "worker", "judge")
CHUNK = 64 << 10
MINUTE = 60.0


@dataclass
class Seen:
    """Observations of a run.

    Attributes:
        spent: s of each request by its kind; of an upload, from its last byte on.
        accepted: ids of checks by the number of the upload.
        refused: uploads that were not accepted, and how.
        memory: MB of all processes of a role, at times in s since the start.
        queued: for each look, whether a check waited; that happens only while all workers are busy.
    """

    spent: dict[str, list[float]] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    queued: list[int] = field(default_factory=list)

    def note(self, what: str, seconds: float) -> None:
        self.spent.setdefault(what, []).append(seconds)


async def uploads(
    http: httpx.AsyncClient, clips: Clips, seen: Seen, line: int, until: float, start: float
) -> None:
    """Uploads one file after the other, at the speed of a line."""
    await asyncio.sleep(start)
    while time.monotonic() < until:
        body, sent = clips.new(), [0.0]

        async def trickle(body: bytes = body, sent: list[float] = sent) -> AsyncIterator[bytes]:
            began = time.monotonic()
            for at in range(0, len(body), CHUNK):
                await asyncio.sleep(
                    max(0.0, began + min(at + CHUNK, len(body)) / line - time.monotonic())
                )
                yield body[at : at + CHUNK]
            sent[0] = time.monotonic()

        headers = {"Content-Length": str(len(body))}
        answer = await http.post(
            "/checks", params={"name": "load.mp4"}, content=trickle(), headers=headers
        )
        seen.note("upload, from its last byte", time.monotonic() - sent[0])
        if answer.status_code == 201:
            seen.accepted.append(answer.json()["id"])
        else:
            seen.refused[str(answer.status_code)] += 1


async def questions(http: httpx.AsyncClient, seen: Seen, per_second: float, until: float) -> None:
    """Requests a check, its result, and the newest checks, in turn, without waiting for answers."""

    async def ask(what: str, path: str) -> None:
        began = time.monotonic()
        answer = await http.get(path)
        seen.note(what, time.monotonic() - began)
        if answer.status_code not in (200, 409):
            seen.refused[f"{what}: {answer.status_code}"] += 1

    asked, due, number = set(), time.monotonic(), 0
    while time.monotonic() < until:
        due, number = due + 1 / per_second, number + 1
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        check = random.choice(seen.accepted) if seen.accepted else "0"  # noqa: S311
        kinds = (
            ("a check", f"/checks/{check}"),
            ("its result", f"/checks/{check}/result"),
            ("the list", "/checks"),
        )
        if seen.accepted:
            task = asyncio.create_task(ask(*kinds[number % 3]))
            asked.add(task)
            task.add_done_callback(asked.discard)
    await asyncio.gather(*asked)


async def watch(service: Tree, http: httpx.AsyncClient, seen: Seen, until: float) -> None:
    """Records memory and the queue every five seconds."""
    began = time.monotonic()
    while time.monotonic() < until:
        for role in ROLES:
            if pids := service.processes(role):
                seen.memory.setdefault(role, []).append(
                    (time.monotonic() - began, sum(map(_resident, pids)))
                )
        waiting = (await http.get("/checks", params={"state": "queued", "limit": 1})).json()[
            "items"
        ]
        seen.queued.append(len(waiting))
        await asyncio.sleep(5)


async def under_load(service: Tree, clips: Clips, options: argparse.Namespace) -> Seen:
    seen, until = Seen(), time.monotonic() + options.seconds
    one = SIZE / options.line
    headers = {"Authorization": f"Bearer {service.key}"}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=f"{service.url}/api/v1", headers=headers, timeout=MINUTE, limits=limits
    ) as http:
        starts = [one * i / options.at_once for i in range(options.at_once)]
        await asyncio.gather(
            *(uploads(http, clips, seen, options.line, until, start) for start in starts),
            questions(http, seen, options.asked, until),
            watch(service, http, seen, until),
        )
    return seen


def load(service: Tree, options: argparse.Namespace) -> None:
    """Uploads for some minutes, then waits until all are judged, and counts."""
    clips = Clips(2, SIZE)
    seen = asyncio.run(under_load(service, clips, options))
    print(
        f"{len(seen.accepted)} uploads accepted in {options.seconds} s; "
        f"refused: {dict(seen.refused) or 'none'}"
    )
    print(
        f"looks at which a check was waiting for a worker: {sum(seen.queued)} of {len(seen.queued)}"
    )
    print(
        "\n| ms | requests | median | p95 (95 % interval) | most |\n| --- | --- | --- | --- | --- |"
    )
    for what, spent in (*seen.spent.items(), ("all", list(chain(*seen.spent.values())))):
        print(
            f"| {what} | {len(spent):,} | {_quantile(spent, 0.5)} | {_quantile(spent, 0.95)} | "
            f"{1000 * max(spent):.0f} |"
        )
    print("\n| MB | second minute | last minute | most |\n| --- | --- | --- | --- |")
    for role, found in seen.memory.items():
        early = np.nanmedian([mb for at, mb in found if MINUTE <= at < 2 * MINUTE] or [math.nan])
        late = np.nanmedian([mb for at, mb in found if at >= options.seconds - MINUTE])
        print(f"| {role} | {early:.0f} | {late:.0f} | {np.nanmax([mb for _, mb in found]):.0f} |")
    sys.stdout.flush()
    account_for(service, seen.accepted)


def _quantile(values: list[float], share: float) -> str:
    """Formats a quantile in ms; the 95th percentile with its interval from order statistics."""
    ordered, n = sorted(values), len(values)
    at = ordered[min(n - 1, math.ceil(share * n) - 1)]
    if share == 0.5:
        return f"{1000 * at:.0f}"
    spread = 1.96 * math.sqrt(n * share * (1 - share))
    low, high = (
        ordered[min(n - 1, max(0, round(share * n + side * spread) - 1))] for side in (-1, 1)
    )
    return f"{1000 * at:.0f} ({1000 * low:.0f} to {1000 * high:.0f})"


def _resident(pid: int) -> float:
    """Returns the resident memory of a process, MB."""
    try:
        return (
            int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1024 / 1e6
        )
    except (OSError, IndexError):
        return math.nan
