"""How many threads one part of a check may use: decoding a picture, running a network."""

from __future__ import annotations

import os


def threads() -> int:
    """Two; or as many as the environment variable ``UNMASK_THREADS`` says, one where there is a
    check per core.
    """
    given = os.environ.get("UNMASK_THREADS", "")
    return max(1, int(given)) if given.isdecimal() else 2
