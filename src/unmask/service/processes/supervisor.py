"""The process tree: a supervisor and its children, which answer HTTP, judge and deliver messages.

The supervisor does nothing but restart its children when they die, so there is little that could
kill it. If something does, its children die with it, and whoever started it starts it again. It
holds the listening socket: while the HTTP process is restarted, connections wait instead of being
refused.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from unmask.errors import UsageError
from unmask.sandbox.confine import offered
from unmask.sandbox.control import hide
from unmask.sandbox.filter import impossible
from unmask.service.processes import starting
from unmask.service.processes.stopping import Stopping
from unmask.service.settings import ServiceSettings, unknown
from unmask.service.store.folders import keep_private
from unmask.service.store.service import Service

LOOK = 0.2
"""Seconds between two checks whether all children live."""

SHORT, LONGEST = 5.0, 30.0
"""Shortest normal life of a child, and longest wait before it is restarted, s.

A child that lived no longer than the first is restarted after a growing wait, at most the second.
"""

PATIENCE = 20.0
"""Seconds that children have to end."""

BACKLOG = 512

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Child:
    """A child process to keep running.

    Attributes:
        role: see `unmask.service.__main__`.
        process: None while it is not running.
        begun, due: when it was started, and when it may be started again, s of `time.monotonic`.
        wait: s to wait next time.
    """

    role: str
    process: subprocess.Popen[bytes] | None = None
    begun: float = 0.0
    due: float = 0.0
    wait: float = 0.0


def serve(
    settings: ServiceSettings,
    host: str,
    port: int,
    ready: Callable[[int, bool], None] = lambda *_: None,
) -> None:
    """Runs the service until SIGTERM or SIGINT.

    Args:
        ready: called with the port once it is listened on, and with whether any account exists.

    Raises:
        UsageError: the address cannot be listened on, the data folder cannot be written to, media
            cannot be decoded safely here, or the tables are, or become, too new for this version.
        DatabaseUnusable: the database refuses.
    """
    stopping = Stopping()
    check(settings)
    _tell_walls()
    keep_private()
    hide()
    service = Service.opened(settings)
    with closing(service.database):
        inhabited = starting.upgraded(service, stopping)
        if inhabited is None:
            return
        starting.tell_storage(service)
    with _listening(host, port) as listening:
        log.info("listening on http://%s:%d", host, listening.getsockname()[1])
        ready(listening.getsockname()[1], inhabited)
        children = [Child(role) for role in ("http", "courier", *["worker"] * settings.workers)]
        try:
            while not stopping():
                for child in children:
                    _look_after(child, settings, listening)
                time.sleep(LOOK)
        finally:
            _stop(children)


def _tell_walls() -> None:
    """Logs what an operator should know about this machine and its settings."""
    for line in unknown(os.environ):
        log.warning(line)
    for wall, what in offered().items():
        log.info("a judge is confined: %s: %s", wall, what)
    if os.geteuid() == 0:
        log.warning(
            "this service runs as root: give it a user of its own, to whom these walls hold in full"
        )


def check(settings: ServiceSettings) -> None:
    """Refuses settings that this machine cannot run with.

    Raises:
        UsageError: media cannot be decoded safely here.
    """
    if (
        (settings.workers or settings.live_readers)
        and not settings.judge_unconfined
        and (why := impossible())
    ):
        raise UsageError(why)


def _look_after(child: Child, settings: ServiceSettings, listening: socket.socket) -> None:
    now = time.monotonic()
    if child.process is not None and (code := child.process.poll()) is not None:
        if code == os.EX_CONFIG:
            raise UsageError("this version cannot go on with the tables; the log says which can")
        log.warning("%s ended with %d; it is started again", child.role, code)
        lived = now - child.begun
        child.wait = min(LONGEST, max(0.5, 2 * child.wait)) if lived < SHORT else 0.0
        child.process, child.due = None, now + child.wait
    if child.process is None and now >= child.due:
        command = [
            sys.executable,
            "-P",
            "-m",
            "unmask.service",
            child.role,
            str(os.getpid()),
            str(listening.fileno()),
        ]
        passed = [listening.fileno()] if child.role == "http" else []
        environment = {**os.environ, **settings.environment()}
        child.process = subprocess.Popen(  # noqa: S603
            command, env=environment, pass_fds=passed, stdin=subprocess.DEVNULL
        )
        child.begun = now


def _stop(children: list[Child]) -> None:
    running = [child.process for child in children if child.process is not None]
    for process in running:
        process.terminate()
    until = time.monotonic() + PATIENCE
    for process in running:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"cannot listen on {host} port {port}: {reason}; choose another with --port"
        ) from error
    return made
