"""Start of confined processes: `Launcher` starts one, which first calls `enter`."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import BinaryIO

from unmask.sandbox.confine import Limits, confine
from unmask.sandbox.control import die_with_parent
from unmask.sandbox.environment import environment


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts a module as a confined process, with pipes to its standard input and output.

    Attributes:
        module: full name; its ``main`` calls `enter` before anything else.
        limits: resources the process may use.
        unconfined: whether it may reach the network and start other programs.
    """

    module: str
    limits: Limits
    unconfined: bool

    def start(self) -> subprocess.Popen[bytes]:
        """Starts the process with unbuffered pipes."""
        pipe = subprocess.PIPE
        return subprocess.Popen(  # noqa: S603
            self._command(), stdin=pipe, stdout=pipe, env=environment(), bufsize=0
        )

    async def start_async(self) -> asyncio.subprocess.Process:
        """Starts the process for an asyncio event loop."""
        pipe = subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *self._command(), stdin=pipe, stdout=pipe, env=environment()
        )

    def _command(self) -> list[str]:
        order = {
            "parent": os.getpid(),
            "limits": asdict(self.limits),
            "unconfined": self.unconfined,
        }
        return [sys.executable, "-P", "-m", self.module, json.dumps(order)]


def enter() -> BinaryIO:
    """Confines this process as its `Launcher` ordered; it ends with the thread that started it.

    Returns:
        The pipe to the launcher. Whatever a library prints goes to the log instead.
    """
    order = json.loads(sys.argv[1])
    die_with_parent(order["parent"])
    confine(Limits(**order["limits"]), network=order["unconfined"])
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out
