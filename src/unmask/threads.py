"""Number of threads for one part of a check, such as decoding a picture or running a network."""

from __future__ import annotations

import os


def threads() -> int:
    """Returns two, or the value of the environment variable ``UNMASK_THREADS``.

    Set that to one where a check runs on every core.
    """
    given = os.environ.get("UNMASK_THREADS", "")
    return max(1, int(given)) if given.isdecimal() else 2
