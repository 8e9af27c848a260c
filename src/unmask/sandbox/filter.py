"""Filter of system calls that the kernel applies to this process for good.

It is seccomp in filter mode, Linux 3.17. A call that is not allowed fails with EPERM, so that a
library can continue without it.

The program is classic BPF over the kernel's ``struct seccomp_data``: the call's number at byte 0,
the machine's at 4, its arguments from 16 on, 8 bytes each. Only the lower half of an argument is
checked: the arguments that are bounded here have no more.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator, Sequence

from unmask.errors import UnmaskError
from unmask.sandbox.calls import ABSENT, BOUNDED, FREE, MACHINES, OF_X86, numbers
from unmask.sandbox.control import PR_SET_NAME, PR_SET_NO_NEW_PRIVS, PR_SET_VMA, control

SECCOMP = {"x86_64": 317, "aarch64": 277}
SET_MODE_FILTER, TSYNC = 1, 1
"""The call ``seccomp`` by machine, and its constants (linux/seccomp.h)."""

LOAD, JUMP_EQUAL, JUMP_ABOVE, JUMP_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
DENY = ERROR | errno.EPERM

X32 = 0x40000000
"""Number from which x86-64 has a second table of the same system calls."""

CLONE_THREAD = 0x10000

TERMINAL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""Requests of ``ioctl`` that are allowed (asm-generic/ioctls.h).

They ask whether it is a terminal, how large it is and how much data waits, and set non-blocking
mode and close-on-exec.
"""

DESCRIPTORS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030)
"""Commands of ``fcntl`` that are allowed: duplicates, flags and locks (asm-generic/fcntl.h).

The commands that set which process a descriptor signals, and how, are not, because signals can
kill.
"""

EQUAL: dict[str, Sequence[tuple[int, Sequence[int]]]] = {
    "prctl": [(0, (PR_SET_NAME, PR_SET_NO_NEW_PRIVS, PR_SET_VMA))],
    "ioctl": [(1, TERMINAL)],
    "fcntl": [(1, DESCRIPTORS)],
    "prlimit64": [(0, (0,))],
    "setpriority": [(0, (0,)), (1, (0,))],
    "sched_setaffinity": [(0, (0,))],
}
"""Arguments of each bounded call, by number, and the values that each may have.

0 for a process is the calling one.
"""

Step = tuple[int, int, int, int]


class Unconfined(UnmaskError):
    """This system offers no way to keep a process off the network."""


def install() -> None:
    """Binds all threads of this process, now and later, to the calls that are allowed.

    Raises:
        Unconfined: the kernel cannot filter calls, or refuses.
    """
    if why := impossible():
        raise Unconfined(why)
    code = program(platform.machine())
    kept = ctypes.create_string_buffer(code)
    holder = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(kept)))
    try:
        control(PR_SET_NO_NEW_PRIVS, 1)
        _seccomp(ctypes.addressof(holder))
    except OSError as error:
        raise Unconfined(
            _advice(f"the kernel refuses a filter of system calls ({error.strerror})")
        ) from error


def impossible() -> str:
    """Tells why a process cannot be kept off the network here; empty if it can.

    If the kernel has filters, it complains only of the address in the trial call.
    """
    system, machine = platform.system(), platform.machine()
    if system != "Linux" or machine not in MACHINES:
        return _advice(f"{system} on {machine} has no filter of system calls that is known here")
    try:
        _seccomp(0)
    except OSError as error:
        return (
            ""
            if error.errno == errno.EFAULT
            else _advice(f"the kernel has no filter of system calls ({error.strerror})")
        )
    return ""


def program(machine: str) -> bytes:
    """Returns the filter for a machine of `MACHINES`, 8 bytes per instruction."""
    column, audited = MACHINES[machine]
    free = sorted([*numbers(machine, FREE), *(OF_X86.values() if machine == "x86_64" else ())])
    steps: list[Step] = [
        (LOAD, 0, 0, 4),
        (JUMP_EQUAL, 1, 0, audited),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0),
    ]
    steps += [(JUMP_ABOVE, 0, 1, X32), (RETURN, 0, 0, DENY)]
    for number in numbers(machine, ABSENT):
        steps += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ERROR | errno.ENOSYS)]
    for name, of_machines in BOUNDED.items():
        looks = [*_looks(name), (RETURN, 0, 0, ALLOW)]
        steps += [(JUMP_EQUAL, 0, len(looks), of_machines[column]), *looks]
    steps += [(JUMP_EQUAL, len(free) - i, 0, number) for i, number in enumerate(free)]
    steps += [(RETURN, 0, 0, DENY), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _looks(name: str) -> Iterator[Step]:
    """Yields the steps that check a bounded call's arguments.

    Allowed arguments lead to the step after the last.
    """
    if name == "clone":
        yield from (
            (LOAD, 0, 0, _argument(0)),
            (JUMP_BITS, 1, 0, CLONE_THREAD),
            (RETURN, 0, 0, DENY),
        )
    for argument, values in EQUAL.get(name, ()):
        yield (LOAD, 0, 0, _argument(argument))
        yield from ((JUMP_EQUAL, len(values) - i, 0, value) for i, value in enumerate(values))
        yield (RETURN, 0, 0, DENY)


def _argument(number: int) -> int:
    """Returns the offset of an argument's lower half; both machines are little-endian."""
    return 16 + 8 * number


def _seccomp(address: int) -> None:
    """Sets the filter at an address in all threads; raises `OSError` if the kernel refuses."""
    values = [
        ctypes.c_ulong(one)
        for one in (SECCOMP[platform.machine()], SET_MODE_FILTER, TSYNC, address)
    ]
    if failed := ctypes.CDLL(None, use_errno=True).syscall(*values):
        number = errno.ESRCH if failed > 0 else ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _advice(reason: str) -> str:
    return (
        f"media cannot be decoded off the network: {reason}; if you accept that, set "
        f"UNMASK_JUDGE_UNCONFINED=1"
    )
