"""The service under load and under faults, on this machine, over loopback.

Counts uploads that are lost or judged twice, and measures how long an answer takes.

    python -m benchmarks.service load
        50 uploads of 5 MB at any time for five minutes, 20 other requests a second, SQLite
    python -m benchmarks.service faults
        such a run on PostgreSQL, in which 50 processes are killed at random
    python -m benchmarks.service answer
        from the end of the upload of a 10-second clip to its verdict, on an idle machine

Uploads are limited to the speed of a line (``--line`` bytes per second), because loopback would be
faster than any real line. Run it on an otherwise idle machine. The clips are simulated; no figure
here says how often the verdicts are right.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.service.answer import answer
from benchmarks.service.faults import faults
from benchmarks.service.load import load
from tests import postgresql
from tests.service.tree import tree

AT_ONCE, SECONDS, LINE = 50, 300, 125_000
"""Concurrent uploads; duration of the load, s; bytes per second of each upload's line."""

ASKED = 20
"""Other requests per second during the load."""

KILLS = 50
LEASE = "10"
"""s after which another worker takes over."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("load", "faults", "answer"))
    parser.add_argument(
        "--seconds", type=int, default=SECONDS, help=f"that uploads go on (default {SECONDS})"
    )
    parser.add_argument(
        "--at-once", type=int, default=AT_ONCE, help=f"uploads at any time (default {AT_ONCE})"
    )
    parser.add_argument(
        "--line", type=int, default=LINE, help=f"bytes per second of an upload (default {LINE:,})"
    )
    parser.add_argument(
        "--asked", type=int, default=ASKED, help=f"other requests per second (default {ASKED})"
    )
    parser.add_argument(
        "--kills", type=int, default=KILLS, help=f"processes that are killed (default {KILLS})"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the order of the kills")
    parser.add_argument("--runs", type=int, default=20, help="clips to be answered (default 20)")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        if options.what == "faults":
            server = stack.enter_context(postgresql.server())
            faults(
                stack.enter_context(tree(folder / "data", lease=LEASE, database=server.url)),
                server,
                options,
            )
        else:
            service = stack.enter_context(tree(folder / "data", lease=LEASE))
            (load if options.what == "load" else answer)(service, options)


if __name__ == "__main__":
    main()
