"""Many live checks at once over real WebSockets: how many end how, and how fast.

    python -m benchmarks.live_load --sessions 100 --readers 2
        all begin, and so end, at one moment
    python -m benchmarks.live_load --sessions 100 --readers 2 --over 11
        they begin over 11 s; the last begins when the first ends

The delay is counted from the last frame to the outcome. Each client does what the page does. It
sends frames of a face (`tests.support.live_face`) that were drawn beforehand in the light of each
possible symbol, so every client should pass. The clients share the machine with the service.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import itertools
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from tests.service.tree import Tree, tree
from tests.support.live_face import Scene, jpeg, seen
from unmask.live.challenge import HIGH, LOW, PATTERNS, Symbol
from unmask.live.protocol import HEAD

VARIANTS = 3
"""Frames drawn for each symbol, each with its own noise."""

Frames = dict[str, list[bytes]]


@dataclass(slots=True)
class Run:
    """Results of all clients."""

    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    waits: list[float] = field(default_factory=list)
    sent: int = 0
    seconds: float = 0.0


def drawn(scene: Scene) -> Frames:
    """Returns JPEGs by symbol, as the service names it, and of the face before the first symbol."""
    noise, found = (
        np.random.default_rng(0),
        {"": [jpeg(seen(None, scene, np.random.default_rng(1)))]},
    )
    for patterns in itertools.product(PATTERNS, repeat=3):
        values = np.where(np.stack(patterns, axis=-1).astype(bool), HIGH, LOW).tolist()
        one, other = (tuple(tuple(colour) for colour in row) for row in values)
        frames = [jpeg(seen(Symbol((one, other)), scene, noise)) for _ in range(VARIANTS)]
        found[json.dumps(values)] = frames
    return found


async def client(
    url: str, frames: Frames, scene: Scene, begin: asyncio.Event, late: float, run: Run
) -> None:
    """Acts as one browser, which begins ``late`` s after the start signal."""
    parts = urlsplit(url)
    check, _, ticket = parts.fragment.partition(".")
    address = f"ws://{parts.netloc}/api/v1/live/{check}/session"
    async with connect(address, origin=f"http://{parts.netloc}", open_timeout=60) as socket:  # type: ignore[arg-type]
        await socket.send(json.dumps({"ticket": ticket}))
        assert "ready" in json.loads(await socket.recv())
        await begin.wait()
        await asyncio.sleep(late)
        await socket.send(json.dumps({"begin": "light", "time": time.monotonic()}))
        said = json.loads(await socket.recv())
        outcome = await attended(socket, said, frames, scene, run) if "go" in said else str(said)
    run.outcomes[outcome] += 1


async def attended(
    socket: ClientConnection, said: dict[str, Any], frames: Frames, scene: Scene, run: Run
) -> str:
    """Takes part in the check and returns its outcome."""
    shown: list[tuple[float, str]] = [(0.0, "")]
    pace = [said["go"]]
    sending = asyncio.create_task(film(socket, frames, scene, shown, pace, run))
    async for text in socket:
        said = json.loads(text)
        if "step" in said:
            shown.append((time.monotonic(), json.dumps(said["quarters"])))
            pace[0] = said["frames"]
            await socket.send(json.dumps({"painted": said["step"], "time": shown[-1][0]}))
        elif "judging" in said:
            sending.cancel()
            judging = time.monotonic()
        elif "outcome" in said:
            sending.cancel()
            if said["advice"] != "connection":
                run.waits.append(time.monotonic() - judging)
            return f"{said['outcome']} {said['advice']}".strip()
    sending.cancel()
    return "nothing"


async def film(
    socket: ClientConnection,
    frames: Frames,
    scene: Scene,
    shown: list[tuple[float, str]],
    pace: list[float],
    run: Run,
) -> None:
    """Sends what the camera sees, until it is cancelled."""
    for number in itertools.count():
        now = time.monotonic()
        symbol = next(symbol for at, symbol in reversed(shown) if at + scene.delay <= now)
        picture = frames[symbol][number % len(frames[symbol])] + number.to_bytes(4)
        await socket.send(HEAD.pack(number, now) + picture)
        run.sent += 1
        await asyncio.sleep(max(0.0, now + 1 / pace[0] - time.monotonic()))


async def together(service: Tree, sessions: int, over: float, frames: Frames, scene: Scene) -> Run:
    """Runs all clients, whose starts are spread over ``over`` s."""
    run, begin = Run(), asyncio.Event()
    async with httpx.AsyncClient(
        headers={"Authorization": f"Bearer {service.key}"}, timeout=60
    ) as http:
        made = [
            await http.post(f"{service.url}/api/v1/live", json={"subject": f"{i}"})
            for i in range(sessions)
        ]
    late = np.linspace(0, over, sessions).tolist()
    urls = [one.json()["url"] for one in made]
    clients = [
        asyncio.create_task(client(url, frames, scene, begin, after, run))
        for url, after in zip(urls, late, strict=True)
    ]
    await asyncio.sleep(10)
    begin.set()
    begun = time.monotonic()
    await asyncio.gather(*clients)
    run.seconds = time.monotonic() - begun
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--readers", type=int, default=2)
    parser.add_argument("--over", type=float, default=0.0, help="seconds over which they begin")
    parser.add_argument(
        "--details", action="store_true", help="what was measured, from the service's log"
    )
    given = parser.parse_args()
    scene, settings = (
        Scene(),
        {"live_readers": str(given.readers), "live_at_once": str(given.sessions), "workers": "0"},
    )
    frames = drawn(scene)
    with (
        tempfile.TemporaryDirectory() as folder,
        tree(Path(folder) / "data", **settings) as service,
    ):
        run = asyncio.run(together(service, given.sessions, given.over, frames, scene))
        if given.details:
            log = (Path(folder) / "data.log").read_text(encoding="utf-8").splitlines()
            print(*(line for line in log if "live check" in line), sep="\n")
        print(
            f"{given.sessions} sessions, {given.readers} readers, "
            f"{run.sent} frames in {run.seconds:.1f} s"
        )
    for outcome, count in run.outcomes.most_common():
        print(f"{count} {outcome}")
    if run.waits:
        low, middle, high = np.percentile(run.waits, [50, 95, 100])
        print(
            f"from the last frame to the outcome: median {low:.2f} s, "
            f"95 % {middle:.2f} s, at most {high:.2f} s"
        )


if __name__ == "__main__":
    main()
