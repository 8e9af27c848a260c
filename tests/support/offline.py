"""A process that the kernel kills if anything in it asks for a network connection.

That includes libraries that are not Python.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import platform
import struct
from concurrent.futures import ProcessPoolExecutor

NO_NEW_PRIVS, SECCOMP, FILTER = 38, 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
SOCKET = {"x86_64": 41, "aarch64": 198}
"""Number of the system call ``socket``, per machine (linux/seccomp.h, linux/filter.h)."""
IPV4, IPV6 = 2, 10


def reader() -> ProcessPoolExecutor:
    """Returns one process without a network, which calls the functions that it is given.

    ``BrokenProcessPool`` is raised when it was killed.
    """
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=cut_off)


def cut_off() -> None:
    """Makes the kernel kill this process when it creates an internet socket."""
    number, family = 0, 16
    steps = [
        (LOAD, 0, 0, number),
        (EQUAL, 0, 4, SOCKET[platform.machine()]),
        (LOAD, 0, 0, family),
        (EQUAL, 1, 0, IPV4),
        (EQUAL, 0, 1, IPV6),
        (RETURN, 0, 0, KILL),
        (RETURN, 0, 0, ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(SECCOMP, FILTER, program, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
