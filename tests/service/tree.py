"""A real service: `unmask serve` as a process tree on a free port, with a key for everything."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Event, Thread

import cv2
import numpy as np
from skimage.data import astronaut

from tests import clips
from unmask.client import Client
from unmask.service.people import accounts, keys
from unmask.service.people.actor import Actor, Scope
from unmask.service.settings import ServiceSettings
from unmask.service.store.database import Database

PATIENCE = 240.0
"""s that something may take on a busy machine, where a niced judge gets little CPU time."""


class Tree:
    """The running service.

    Args:
        data: its folder.
        settings: more settings, as environment variables without ``UNMASK_``; unless they tell how
            many, there are no readers for live checks.
    """

    def __init__(self, data: Path, **settings: str) -> None:
        self.data, self._log = data, data.with_suffix(".log")
        names = {f"UNMASK_{name.upper()}": value for name, value in settings.items()}
        few = {"OMP_NUM_THREADS": "1", "UNMASK_LIVE_READERS": "0"}
        self.environment = {**os.environ, **few, **names}
        self.port = 0
        self.start()
        self.key = self._key()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it on the port that it had.

        It tries again while a dying process still holds the port.
        """
        self._launch()
        self.port = int(until(self._listening))

    def _launch(self) -> None:
        program = "from unmask.cli import main; main()"
        command = [
            sys.executable,
            "-c",
            program,
            "serve",
            "--data",
            str(self.data),
            "--port",
            str(self.port),
        ]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stderr=log, start_new_session=True
            )

    def _listening(self) -> str | None:
        if self.process.poll() is not None and "already in use" in self._log.read_text():
            self._launch()
        assert self.process.poll() is None, self._log.read_text()
        found = re.search(r"listening on http://[^ ]*:(\d+)", self._log.read_text())
        return found and found[1]

    def client(self) -> Client:
        return Client(self.url, self.key)

    def processes(self, role: str) -> list[int]:
        """Returns the ids of the tree's processes of a role.

        Roles are ``supervisor``, ``http``, ``worker``, ``courier`` and ``judge``.
        """
        if role == "supervisor":
            return [self.process.pid]
        parents = [self.process.pid] if role != "judge" else self.processes("worker")
        module = "unmask.service.confined.judge" if role == "judge" else role
        return [pid for parent in parents for pid in processes_of(parent, module)]

    def kill(self, role: str) -> list[int]:
        """Kills all processes of a role with `kill -9`; returns their ids."""
        killed = self.processes(role)
        for pid in killed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return killed

    @contextmanager
    def killing(self, role: str, every: float = 0.05) -> Iterator[None]:
        """Kills every process of a role every ``every`` s, for as long as the context lasts."""
        enough = Event()

        def kill() -> None:
            while not enough.wait(every):
                self.kill(role)

        thread = Thread(target=kill)
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends the supervisor with a signal; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def _key(self) -> str:
        settings = ServiceSettings(
            data=self.data, database=self.environment.get("UNMASK_DATABASE", "")
        )
        database = Database(settings)
        with database.transaction() as session:
            tenant = accounts.organisation(session, "desk").id
            actor = Actor(tenant, "system", "system", "Unmask", frozenset(Scope))
            _, secret = keys.make(session, actor, "tests", list(Scope), 100_000)
        database.close()
        return secret


@contextmanager
def tree(data: Path, **settings: str) -> Iterator[Tree]:
    """Yields a service that is stopped at the end."""
    made = Tree(data, **settings)
    try:
        yield made
    finally:
        made.stop(signal.SIGKILL)


def until(true: object, patience: float = PATIENCE) -> object:
    """Waits until ``true()`` returns something true, and returns it."""
    end = time.monotonic() + patience
    while not (found := true()):  # type: ignore[operator]
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)
    return found


def processes_of(parent: int, module: str) -> list[int]:
    """Returns the ids of a process's children whose command names a module."""
    return [
        pid for pid, its_parent, command in _all() if its_parent == parent and module in command
    ]


def _all() -> list[tuple[int, int, str]]:
    """Returns id, parent and command line of every process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            found.append(
                (int(folder.name), parent, (folder / "cmdline").read_text().replace("\0", " "))
            )
        except OSError:
            continue
    return found


@cache
def face() -> np.ndarray:
    """Returns a portrait, rgb uint8 (480, 480, 3).

    It is NASA's of Eileen Collins, public domain, which scikit-image carries.
    """
    return cv2.resize(astronaut()[:300, 75:375], (480, 480), interpolation=cv2.INTER_CUBIC)


def clip(path: Path, seconds: float = 1.0, seed: int = 0) -> Path:
    """Writes a clip of a portrait before a camera that drifts; another seed gives another file."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-8, 8, 2)

    def frame(i: int) -> np.ndarray:
        matrix = np.float32([[1, 0, x + 4 * np.sin(i / 7)], [0, 1, y + 3 * np.cos(i / 9)]])
        return cv2.warpAffine(face(), matrix, (480, 480), borderMode=cv2.BORDER_REFLECT)

    return clips.write_video(
        path, (frame(i) for i in range(round(25 * seconds))), options={"crf": "20"}
    )


def nobody(path: Path, seed: int = 0) -> Path:
    """Writes a clip that shows nobody, which is judged soon; another seed gives another file."""
    return clips.write_video(path, (clips.numbered(100 * seed + i) for i in range(10)))
