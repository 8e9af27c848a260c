"""The confined process that judges: ``python -m unmask.fleet.process``, started by a `Worker`.

It confines itself before it loads anything else, and obeys the worker until that is gone.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmask.errors import UnmaskError
from unmask.fleet import spoken
from unmask.sandbox import landlock
from unmask.sandbox.control import die_with_parent, hide
from unmask.sandbox.filter import impossible, install

if TYPE_CHECKING:
    from unmask.fleet.judge import FileJudge

MEMORY = 4 << 30
"""Most bytes of data that a process may hold (``RLIMIT_DATA``).

A content that needs more cannot be judged.
"""


def main() -> None:
    """Judges one file after the other, as its first argument says."""
    order = json.loads(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(order["parent"])
    _bound()
    confine(order["readable"], order["writable"])
    with suppress(EOFError, OSError), Connection(order["pipe"]) as pipe:
        make, settings = pipe.recv()
        judge = make(settings)
        pipe.send_bytes(spoken.said("ready", None))
        while True:
            pipe.send_bytes(spoken.said(*_answer(judge, *pipe.recv())))


def _answer(judge: FileJudge, path: Path, sha256: str) -> tuple[str, Any]:
    """Judges a file.

    Returns:
        ``judged`` and the rows, ``unreadable`` and why, or ``wrong`` and an error that no file is
            to blame for.
    """
    from unmask.fleet.judge import Unreadable

    try:
        return "judged", judge.judge(path, sha256)
    except Unreadable as error:
        return "unreadable", str(error)
    except UnmaskError as error:
        return "wrong", str(error)
    except Exception as error:
        return "wrong", f"unexpected {type(error).__name__}: {error}"


def confine(readable: Sequence[str], writable: Sequence[str]) -> None:
    """Confines this process for good, as far as this kernel can.

    From now on it sees Python and these folders only, reaches no network, starts no program,
    signals no process, and cannot be read by another one.
    """
    hide()
    landlock.see_only(readable, writable)
    if not impossible():
        install()


def _bound() -> None:
    """Limits the memory of this process, and makes the kernel end it before others."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a copy of it would be left on disk
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    main()
