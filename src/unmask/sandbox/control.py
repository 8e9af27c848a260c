"""The kernel's ``prctl``: settings of the calling process (linux/prctl.h)."""

from __future__ import annotations

import ctypes
import os
import platform
import signal

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NAME, PR_SET_NO_NEW_PRIVS, PR_SET_VMA = (
    1,
    4,
    15,
    38,
    0x53564D41,
)


def control(option: int, *arguments: int) -> None:
    """Calls ``prctl``; raises `OSError` if the kernel refuses."""
    values = [ctypes.c_ulong(int(value)) for value in (*arguments, 0, 0, 0, 0)[:4]]
    if ctypes.CDLL(None, use_errno=True).prctl(option, *values):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def hide() -> None:
    """Keeps other processes of this user from reading this one's memory and environment (Linux).

    They cannot trace it either.
    """
    if platform.system() == "Linux":
        control(PR_SET_DUMPABLE, 0)


def die_with_parent(parent: int) -> None:
    """Makes the kernel kill this process when the thread that started it ends (Linux only)."""
    if platform.system() != "Linux":
        return
    control(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
