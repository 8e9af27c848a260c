"""Restricted view of the file system, only what is needed (Landlock, Linux 5.13)."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from unmask.sandbox.control import PR_SET_NO_NEW_PRIVS, control

CREATE_RULESET, ADD_RULE, RESTRICT_SELF, PATH_BENEATH, VERSION = 444, 445, 446, 1, 1
"""Landlock's system calls, the same on every machine, and their constants (linux/landlock.h)."""

READ, READ_FILES, TRUNCATE = 0b1101, 0b0101, 1 << 14
WRITE = 0x1FFF
"""Landlock's rights: all of its first version.

`READ` reads, lists and maps; `READ_FILES` is the part of it that a single file can have. `TRUNCATE`
came with version 3.
"""

SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/dev/null",
    "/dev/urandom",
    "/proc/self",
    "/proc/cpuinfo",
    "/sys/devices",
    "/sys/bus/pci/devices",
)
"""Folders of libraries, and files that these look up when they are loaded."""


def see_only(readable: Iterable[str], writable: Iterable[str] = ()) -> bool:
    """Hides the file system, except Python, the system's libraries and the given paths.

    This applies to this thread and those it starts from now on; threads started before still see
    it, so start them by `blind`. Other processes, and their entries in ``/proc``, are hidden as
    well.

    Args:
        readable, writable: files and folders; those that do not exist are left out.

    Returns:
        False where the kernel cannot do it: then nothing has changed.
    """
    version = offered()
    if version < 1:
        return False
    truncate = TRUNCATE if version >= 3 else 0
    rules = _landlock(CREATE_RULESET, struct.pack("=Q", WRITE | truncate), 8, 0)
    code = (*SYSTEM, sys.prefix, sys.base_prefix, *sys.path, str(Path(__file__).parents[1]))
    for path, rights in [
        *((path, READ) for path in (*code, *readable)),
        *((path, WRITE | truncate) for path in writable),
    ]:
        if path and Path(path).exists():
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
            held = rights if Path(path).is_dir() else rights & (READ_FILES | 0b10 | truncate)
            _landlock(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", held, folder), 0)
            os.close(folder)
    control(PR_SET_NO_NEW_PRIVS, 1)
    return rules >= 0 and _landlock(RESTRICT_SELF, rules, 0) == 0


def blind(function: Callable[[], None]) -> None:
    """Runs a function in a thread that sees no file except Python and the system's libraries.

    Threads that the function leaves running, such as those of inference, never see more.
    """
    with ThreadPoolExecutor(1, initializer=see_only, initargs=([],)) as thread:
        thread.submit(function).result()


def offered() -> int:
    """Returns the version of Landlock that this kernel has; below 1 for none."""
    return _landlock(CREATE_RULESET, None, 0, VERSION)


def _landlock(call: int, *arguments: int | bytes | None) -> int:
    """Returns the result of a Landlock call; below 0 if it failed."""
    if platform.system() != "Linux":
        return -1
    passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(call), *passed))
