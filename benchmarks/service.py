"""The service under load and under faults, on this machine, over loopback: what is lost, what is judged twice, how long it takes.

    python -m benchmarks.service load     50 uploads of 5 MB at any time for five minutes, 20 other requests a second, SQLite
    python -m benchmarks.service faults   such a run on PostgreSQL, in which 50 processes are killed at random
    python -m benchmarks.service answer   from the end of the upload of a 10-second clip to its verdict, on an idle machine

Uploads come at the pace of a line (``--line`` bytes per second), as from outside, for loopback would be faster than any. Run it
on an otherwise idle machine. The clips are simulated; no figure here says anything about how right the verdicts are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import httpx
import numpy as np

from benchmarks.speed import write_clip
from tests import postgresql
from unmask.client import Client, ServiceError

AT_ONCE, SIZE, SECONDS, LINE = 50, 5_000_000, 300, 125_000
"""Uploads at any time; bytes of each; s that they go on; bytes per second of each one's line."""

ASKED = 20
"""Other requests per second during the load."""

KILLS = 50
CHUNK = 64 << 10
PIECE = 500_000
MINUTE = 60.0
PASSWORD = "a benchmark nobody signs in to"  # noqa: S105


# ---------------------------------------------------------------- the service


class Service:
    """`unmask serve` on a port of this machine, started again when it was killed, as an init system would.

    Args:
        data: its folder.
        database: PostgreSQL's address; SQLite if empty.
    """

    def __init__(self, data: Path, database: str = "") -> None:
        self._data, self._log, self._port = data, data.with_suffix(".log"), 0
        self._environment = {**os.environ, "UNMASK_LEASE": "10", **({"UNMASK_DATABASE": database} if database else {})}
        self.command("accounts", "add", "ada@example.org", "--role", "admin", said=PASSWORD)
        self.start()
        self.key = self._key()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def command(self, *arguments: str, said: str = "") -> str:
        """What a command says about this service's data; raises `CalledProcessError` if it fails."""
        whole = [str(Path(sys.executable).with_name("unmask")), *arguments, "--data", str(self._data)]
        done = subprocess.run(whole, env=self._environment, input=said, capture_output=True, text=True, check=True)
        return done.stdout

    def start(self) -> None:
        """Starts it; again and again while its port is still taken."""
        program = str(Path(sys.executable).with_name("unmask"))
        while True:
            before = self._log.stat().st_size if self._log.exists() else 0
            with self._log.open("a") as log:
                command = [program, "serve", "--data", str(self._data), "--port", str(self._port)]
                self._process = subprocess.Popen(command, env=self._environment, stderr=log, start_new_session=True)
            while self._process.poll() is None:
                if found := re.search(r"listening on http://[^ ]*:(\d+)", self._log.read_text()[before:]):
                    self._port = int(found[1])
                    return
                time.sleep(0.1)
            time.sleep(0.5)

    def processes(self) -> dict[str, list[int]]:
        """Ids of its living processes by role."""
        found: dict[str, list[int]] = {"supervisor": [self._process.pid], "judge": []}
        for pid in _children(self._process.pid):
            role = _command(pid).partition("unmask.service ")[2].partition(" ")[0]
            if role:
                found.setdefault(role, []).append(pid)
        for worker in found.get("worker", []):
            found["judge"] += _children(worker)
        return {role: pids for role, pids in found.items() if pids}

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(MINUTE)

    def _key(self) -> str:
        """An API key, got as an admin gets it."""
        with httpx.Client(base_url=f"{self.url}/api/v1", headers={"Origin": self.url}, timeout=MINUTE) as browser:
            form = {"email": "ada@example.org", "password": PASSWORD}
            browser.headers["X-CSRF-Token"] = browser.post("/session", json=form).raise_for_status().json()["csrf"]
            wanted = {"name": "load", "scopes": ["checks:read", "checks:write"], "per_minute": 100_000}
            return str(browser.post("/keys", json=wanted).raise_for_status().json()["secret"])


@contextmanager
def running(database: str = "") -> Iterator[Service]:
    """A service that is gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        service = Service(Path(folder) / "data", database)
        try:
            yield service
        finally:
            service.stop()


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, its_parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(its_parent) == parent and state != "Z":
            found.append(int(stat.parent.name))
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _resident(pid: int) -> float:
    """MB of memory of a process."""
    try:
        return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):
        return math.nan


# ---------------------------------------------------------------- media


class Clips:
    """As many different files of one size as are wanted: one clip, with a box of free bytes at its end.

    Args:
        seconds: length of the clip, 1080p.
        size: bytes of each file; at least as many as the clip has.
    """

    def __init__(self, seconds: float, size: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_clip(Path(folder) / "clip.mp4", seconds)
            clip = (Path(folder) / "clip.mp4").read_bytes()
        free = max(24, size - len(clip))
        self._start = clip + free.to_bytes(4, "big") + b"free" + bytes(free - 24)

    def new(self) -> bytes:
        return self._start + secrets.token_bytes(16)


# ---------------------------------------------------------------- load


@dataclass
class Seen:
    """What a run saw.

    Attributes:
        spent: s of each request by what it was; of an upload, from its last byte on.
        accepted: ids of checks by the number of the upload.
        refused: uploads that were not accepted, and how.
        memory: MB of all processes of a role, at times in s since the start.
        queued: of each look, whether a check waited, as it does only while all workers are busy.
    """

    spent: dict[str, list[float]] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    queued: list[int] = field(default_factory=list)

    def note(self, what: str, seconds: float) -> None:
        self.spent.setdefault(what, []).append(seconds)


async def uploads(http: httpx.AsyncClient, clips: Clips, seen: Seen, line: int, until: float, start: float) -> None:
    """Uploads one file after the other, at the pace of a line."""
    await asyncio.sleep(start)
    while time.monotonic() < until:
        body, sent = clips.new(), [0.0]

        async def trickle(body: bytes = body, sent: list[float] = sent) -> AsyncIterator[bytes]:
            began = time.monotonic()
            for at in range(0, len(body), CHUNK):
                await asyncio.sleep(max(0.0, began + min(at + CHUNK, len(body)) / line - time.monotonic()))
                yield body[at : at + CHUNK]
            sent[0] = time.monotonic()

        headers = {"Content-Length": str(len(body))}
        answer = await http.post("/checks", params={"name": "load.mp4"}, content=trickle(), headers=headers)
        seen.note("upload, from its last byte", time.monotonic() - sent[0])
        if answer.status_code == 201:
            seen.accepted.append(answer.json()["id"])
        else:
            seen.refused[str(answer.status_code)] += 1


async def questions(http: httpx.AsyncClient, seen: Seen, per_second: float, until: float) -> None:
    """Asks for a check, for its result, and for the newest checks, in turn, whether or not the last answer is there."""

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
        kinds = (("a check", f"/checks/{check}"), ("its result", f"/checks/{check}/result"), ("the list", "/checks"))
        if seen.accepted:
            task = asyncio.create_task(ask(*kinds[number % 3]))
            asked.add(task)
            task.add_done_callback(asked.discard)
    await asyncio.gather(*asked)


async def watch(service: Service, http: httpx.AsyncClient, seen: Seen, until: float) -> None:
    """Looks at memory and at the queue every five seconds."""
    began = time.monotonic()
    while time.monotonic() < until:
        for role, pids in service.processes().items():
            seen.memory.setdefault(role, []).append((time.monotonic() - began, sum(map(_resident, pids))))
        waiting = (await http.get("/checks", params={"state": "queued", "limit": 1})).json()["items"]
        seen.queued.append(len(waiting))
        await asyncio.sleep(5)


async def under_load(service: Service, clips: Clips, options: argparse.Namespace) -> Seen:
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


def load(options: argparse.Namespace) -> None:
    """Uploads for some minutes, then waits until all are judged, and counts."""
    clips = Clips(2, SIZE)
    with running() as service:
        seen = asyncio.run(under_load(service, clips, options))
        print(f"{len(seen.accepted)} uploads accepted in {options.seconds} s; refused: {dict(seen.refused) or 'none'}")
        print(f"looks at which a check was waiting for a worker: {sum(seen.queued)} of {len(seen.queued)}")
        print("\n| ms | requests | median | p95 (95 % interval) | most |\n| --- | --- | --- | --- | --- |")
        for what, spent in (*seen.spent.items(), ("all", list(chain(*seen.spent.values())))):
            print(
                f"| {what} | {len(spent):,} | {_quantile(spent, 0.5)} | {_quantile(spent, 0.95)} | {1000 * max(spent):.0f} |"
            )
        print("\n| MB | second minute | last minute | most |\n| --- | --- | --- | --- |")
        for role, found in seen.memory.items():
            early = np.nanmedian([mb for at, mb in found if MINUTE <= at < 2 * MINUTE] or [math.nan])
            late = np.nanmedian([mb for at, mb in found if at >= options.seconds - MINUTE])
            print(f"| {role} | {early:.0f} | {late:.0f} | {np.nanmax([mb for _, mb in found]):.0f} |")
        sys.stdout.flush()
        account_for(service, seen.accepted)


def _quantile(values: list[float], share: float) -> str:
    """A quantile in ms; for the 95th percentile with the interval that order statistics give."""
    ordered, n = sorted(values), len(values)
    at = ordered[min(n - 1, math.ceil(share * n) - 1)]
    if share == 0.5:
        return f"{1000 * at:.0f}"
    spread = 1.96 * math.sqrt(n * share * (1 - share))
    low, high = (ordered[min(n - 1, max(0, round(share * n + side * spread) - 1))] for side in (-1, 1))
    return f"{1000 * at:.0f} ({1000 * low:.0f} to {1000 * high:.0f})"


# ---------------------------------------------------------------- what became of it


def account_for(service: Service, accepted: list[str]) -> None:
    """Waits until every check has ended, and says how many did, how often, and whether the audit log agrees."""
    began = time.monotonic()
    with Client(service.url, service.key) as client:
        states = Counter(client.wait(check, every=2.0).state for check in accepted)
        there = {check.id for check in client.checks()}
        results = sum(bool(client.result(check)) for check in accepted)
    print(f"\nall judged {time.monotonic() - began:.0f} s later: {dict(states)}; results: {results}")
    logged: Counter[tuple[str, str]] = Counter()
    for line in service.command("audit", "export").splitlines():
        entry = json.loads(line)["entry"]
        logged[entry["subject"], entry["action"].replace("check.failed", "check.done")] += 1
    lost = [check for check in accepted if not logged[check, "check.done"]]
    twice = [check for check in there if logged[check, "check.done"] > 1 or logged[check, "check.created"] > 1]
    n = len(set(accepted))
    print(
        f"accepted {n}, of them lost {len(lost)}, judged twice {len(twice)} (95 %: under {3 / n:.2%} of uploads each, if none)"
    )
    print(f"checks there that nobody was told of: {len(there - set(accepted))}")
    print(f"audit log: {service.command('audit', 'verify').strip()}")


# ---------------------------------------------------------------- faults


def faults(options: argparse.Namespace) -> None:
    """Uploads on resumable connections while processes are killed at random, and counts what became of it all."""
    clips, rng = Clips(2, SIZE), random.Random(options.seed)  # noqa: S311
    with postgresql.server() as server, running(server.url) as service, ThreadPoolExecutor(options.at_once) as pool:
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
        print(f"\n{sum(killed.values())} kills: {dict(killed)}; {len(accepted)} uploads accepted meanwhile", flush=True)
        account_for(service, accepted)


def _until_told(service: Service, clips: Clips, stop: threading.Event, seconds: float, start: float) -> list[str]:
    """Uploads one file after the other; the ids of their checks."""
    accepted, pieces = [], math.ceil(SIZE / PIECE)
    stop.wait(start)
    with tempfile.TemporaryDirectory() as folder, Client(service.url, service.key, piece=PIECE) as client:
        path = Path(folder) / "clip.mp4"
        while not stop.is_set():
            path.write_bytes(clips.new())
            with suppress(ServiceError):  # the client gave up after a minute without an answer: nothing was accepted
                accepted.append(client.upload(path, progress=lambda _done: time.sleep(seconds / pieces)).id)
    return accepted


def _kill_one(service: Service, server: postgresql.Server, rng: random.Random) -> str:
    """Kills a process of a role that is drawn first; PostgreSQL as a power failure would, and it comes back."""
    processes = service.processes()
    role = rng.choice(("database", "http", "worker", "judge", "courier", "supervisor"))
    if role == "database":
        server.stop()
        time.sleep(rng.uniform(0, 3))
        server.start()
        return role
    if role not in processes:
        role = "worker" if "worker" in processes else "supervisor"
    try:
        os.kill(rng.choice(processes[role]), signal.SIGKILL)
    except ProcessLookupError:
        return f"{role}, which had just ended"
    if role == "supervisor":
        service.start()
    return role


# ---------------------------------------------------------------- the first answer


def answer(options: argparse.Namespace) -> None:
    """How long a verdict takes on an idle machine."""
    clips, spent = Clips(10, 0), []
    with running() as service, Client(service.url, service.key) as client, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        for _ in range(options.runs):
            time.sleep(5)  # a person, too, comes to a service that waits
            path.write_bytes(clips.new())
            check = client.upload(path)
            began = time.monotonic()
            assert client.wait(check, every=0.05).state == "done"
            spent.append(time.monotonic() - began)
    ordered, n = sorted(spent), len(spent)
    half = 1.96 * np.std(spent, ddof=1) / math.sqrt(n)
    print(f"10 s of 1080p ({len(clips.new()) / 1e6:.1f} MB), from the end of the upload to the verdict, {n} runs:")
    print(f"mean {np.mean(spent):.2f} s (95 %: {np.mean(spent) - half:.2f} to {np.mean(spent) + half:.2f}), ", end="")
    print(f"least {ordered[0]:.2f}, most {ordered[-1]:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("load", "faults", "answer"))
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"that uploads go on (default {SECONDS})")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help=f"uploads at any time (default {AT_ONCE})")
    parser.add_argument("--line", type=int, default=LINE, help=f"bytes per second of an upload (default {LINE:,})")
    parser.add_argument("--asked", type=int, default=ASKED, help=f"other requests per second (default {ASKED})")
    parser.add_argument("--kills", type=int, default=KILLS, help=f"processes that are killed (default {KILLS})")
    parser.add_argument("--seed", type=int, default=0, help="of the order of the kills")
    parser.add_argument("--runs", type=int, default=20, help="clips to be answered (default 20)")
    options = parser.parse_args()
    {"load": load, "faults": faults, "answer": answer}[options.what](options)


if __name__ == "__main__":
    main()
