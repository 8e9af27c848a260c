"""A worker: brings files of a source to this disk, and has a confined process judge them.

It is the same for this machine, for an actor on a cluster and for a plan. What opens the files sees
a copy of one of them, and no network.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import site
import subprocess
import sys
import tempfile
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmask.fleet import spoken
from unmask.fleet.fetching import Fetcher
from unmask.fleet.judge import Unreadable
from unmask.sandbox.environment import environment

if TYPE_CHECKING:
    from unmask.fleet.judge import Maker
    from unmask.pipeline import Settings

MOST_SAID = 32 << 20
"""Most bytes of one answer; read, it needs at most thirty times as much memory."""

ENDING = 10.0
"""Seconds that a process which was killed, or closed its pipe, is given to end."""


class Died(Exception):
    """A worker is gone, or says what makes no sense; the text says how, as a clause about it."""


class Worker:
    """Holds one file at a time.

    The process that judges ends with the thread that made its worker.

    Args:
        source: source of the files.
        settings: settings of each check; known originals are in a folder, see `snapshot.here`.
        maker: makes what judges, in the process that judges.
        scratch: folder for temporary files.
    """

    def __init__(self, source: str, settings: Settings, maker: Maker, scratch: Path) -> None:
        self._scratch = Path(tempfile.mkdtemp(dir=scratch))
        held, own = self._scratch / "held", self._scratch / "own"
        held.mkdir()
        own.mkdir()
        self._fetcher, self._sha256 = Fetcher(source, held), ""
        self._pipe, theirs = Pipe()
        with theirs:
            self._process = _started(theirs.fileno(), settings, held, own, _importable(maker))
        with suppress(OSError):  # `ready` says how it died
            self._pipe.send((maker, settings))

    def ready(self) -> tuple[str, Any]:
        """Waits until files can be judged.

        Returns:
            ``ready``.

        Raises:
            Died: the process that judges is gone.
        """
        return self._heard()

    def answer(self, order: str, path: str = "") -> tuple[str, Any]:
        """Fetches a file, which is to ``identify`` it, or has the one that was fetched judged.

        Returns:
            ``identified`` and the sha256, ``judged`` and the rows, ``unreadable`` and why, or
            ``wrong`` and an error that no file is to blame for. A file may have taken over the
            process that judges, so only the first can be relied on.

        Raises:
            Died: the process that judges is gone.
        """
        if order == "judge":
            with suppress(OSError):  # `_heard` says how it died
                self._pipe.send((self._fetcher.path, self._sha256))
            return self._heard()
        try:
            self._sha256 = self._fetcher.fetch(path)
        except Unreadable as error:
            return "unreadable", str(error)
        return "identified", self._sha256

    def end(self) -> None:
        """Ends the process that judges, and deletes all temporary files.

        A thread that fetches a file is not waited for; it ends once its read does. The pipe closes
        with the last thread that uses it.
        """
        self._fetcher.stop()
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _heard(self) -> tuple[str, Any]:
        try:
            content = self._pipe.recv_bytes(MOST_SAID)
        except (EOFError, OSError):
            raise Died(self._how()) from None
        try:
            return spoken.heard(content)
        except Exception as error:  # a file that took the process over may send anything
            raise Died(f"it said what makes no sense ({type(error).__name__})") from None

    def _how(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING)
        self._process.kill()  # it closed its pipe, and lives
        code = self._process.wait()
        return (
            f"it was ended by {signal.Signals(-code).name}"
            if code < 0
            else f"it ended with code {code}"
        )


def _importable(maker: Maker) -> str:
    """Returns the folders, as PYTHONPATH, that hold Unmask and the maker, besides Python's own.

    The rest of ``sys.path`` stays out, because the process that judges may read all that is in its
    own: the current folder, for one, which may be the user's home.
    """
    own = {*site.getsitepackages(), site.getusersitepackages()}
    holders = dict.fromkeys(map(_holder, (__name__, maker.__module__)))
    return os.pathsep.join(holder for holder in holders if holder not in own)


def _holder(module: str) -> str:
    """Returns the folder in which Python finds the top package, or module, of a module."""
    top = sys.modules[module.partition(".")[0]]
    return str(Path(next(iter(getattr(top, "__path__", [top.__file__])))).absolute().parent)


def _started(
    pipe: int, settings: Settings, held: Path, own: Path, importable: str
) -> subprocess.Popen[bytes]:
    """Starts the process that judges, with its end of a pipe.

    It may read ``held`` and what the settings name, and write to ``own`` and the index of
    originals, which SQLite does even for reading.
    """
    register = [str(folder) for folder in (settings.models, settings.licences) if folder]
    order = {
        "parent": os.getpid(),
        "pipe": pipe,
        "readable": [str(held), *register],
        "writable": [str(own), *([settings.originals] if settings.originals else [])],
    }
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", "-m", "unmask.fleet.process", json.dumps(order)],
        pass_fds=[pipe],
        env=environment(PYTHONPATH=importable, TMPDIR=str(own), UNMASK_THREADS="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
