"""Environment of a confined process: what libraries look for, and no password or key."""

from __future__ import annotations

import os

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Variables that keep libraries from starting a thread per core."""

PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "HOME",
    "TMPDIR",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
)
"""Variables passed on; never the database's password or the bucket's keys."""


def environment(**more: str) -> dict[str, str]:
    """Returns the environment of a confined process, with ``more`` variables.

    An empty part of PYTHONPATH is left out: it means the current folder, which Python, and so the
    process, could read.
    """
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    folders = passed_on.get("PYTHONPATH", "").split(os.pathsep)
    passed_on["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
    return passed_on | ONE_THREAD | more
