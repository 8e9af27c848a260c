"""What the process that decodes strangers' media may use: bounded memory, time and files, no network, no other program, and
of the file system what it needs.

The kernel enforces it on this process and all it would start (seccomp in filter mode, Linux 3.5; Landlock, Linux 5.13;
``setrlimit``): without root and inside containers, where a network namespace of one's own is mostly forbidden. Once set it
cannot be undone.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from unmask.errors import UnmaskError

OPEN_FILES = 256
"""Files that may be open at once: libraries, weights and one clip need about 60."""

GRACE = 1
"""s of CPU time between the signal that says why (SIGXCPU) and the one that only kills."""

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 1, 38, 22, 2
LOAD, JUMP_EQUAL, JUMP_ABOVE, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, DENY, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000

X32 = 0x40000000
"""System calls of x86-64 from here on are a second table of the same calls."""

ARCHITECTURES = {
    "x86_64": (
        0xC000003E,
        {
            "socket": 41, "socketpair": 53, "connect": 42, "bind": 49, "listen": 50, "execve": 59, "execveat": 322,
            "ptrace": 101, "process_vm_writev": 311, "io_uring_setup": 425, "bpf": 321, "keyctl": 250, "unshare": 272,
            "setns": 308, "mount": 165, "userfaultfd": 323, "perf_event_open": 298,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "socket": 198, "socketpair": 199, "connect": 203, "bind": 200, "listen": 201, "execve": 221, "execveat": 281,
            "ptrace": 117, "process_vm_writev": 271, "io_uring_setup": 425, "bpf": 280, "keyctl": 219, "unshare": 97,
            "setns": 268, "mount": 40, "userfaultfd": 282, "perf_event_open": 241,
        },
    ),
}  # fmt: skip
"""Per machine: its number in the kernel's audit interface, and the numbers of the calls that are denied. io_uring is among
them because it opens sockets, too."""


CREATE_RULESET, ADD_RULE, RESTRICT_SELF, PATH_BENEATH, VERSION = 444, 445, 446, 1, 1
"""Landlock's system calls, the same on every machine, and their constants (linux/landlock.h)."""

READ, READ_FILES, TRUNCATE = 0b1101, 0b0101, 1 << 14
WRITE = 0x1FFF
"""Landlock's rights: to read, list and map; of these those that a single file can have; all of its first version."""

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
)
"""Where libraries lie, and what they look up when they are loaded."""


class Unconfined(UnmaskError):
    """This system offers no way to keep a process off the network."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one process: ``memory`` in bytes of address space, ``cpu_seconds``, ``written`` in bytes of one file."""

    memory: int
    cpu_seconds: int
    written: int


def confine(limits: Limits, network: bool = False) -> None:
    """Confines this process for good. Call it before any other thread is started.

    Args:
        network: whether the network may be reached, and other programs started.

    Raises:
        Unconfined: it cannot be kept off the network here.
    """
    for what, soft, hard in (
        (resource.RLIMIT_AS, limits.memory, limits.memory),
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + GRACE),
        (resource.RLIMIT_FSIZE, limits.written, limits.written),
        (resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        given = resource.getrlimit(what)[1]
        most = hard if given == resource.RLIM_INFINITY else min(hard, given)
        resource.setrlimit(what, (min(soft, most), most))
    if not network:
        _deny()


def see_only(readable: Iterable[str], writable: Iterable[str] = ()) -> bool:
    """Hides the file system from this thread and those it starts from now on, but for Python, the system's libraries and these.

    Processes outside, and what ``/proc`` tells of them, are hidden as well. Threads that were started before see on.

    Args:
        readable, writable: files and folders; those that do not exist are left out.

    Returns:
        False where the kernel cannot do it: then nothing has changed.
    """
    version = _landlock(CREATE_RULESET, None, 0, VERSION)
    if version < 1:
        return False
    truncate = TRUNCATE if version >= 3 else 0
    rules = _landlock(CREATE_RULESET, struct.pack("=Q", WRITE | truncate), 8, 0)
    code = (*SYSTEM, sys.prefix, sys.base_prefix, *sys.path, str(Path(__file__).parents[2]))
    for path, rights in [
        *((path, READ) for path in (*code, *readable)),
        *((path, WRITE | truncate) for path in writable),
    ]:
        if path and Path(path).exists():
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
            held = rights if Path(path).is_dir() else rights & (READ_FILES | 0b10 | truncate)
            _landlock(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", held, folder), 0)
            os.close(folder)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    return rules >= 0 and _landlock(RESTRICT_SELF, rules, 0) == 0


def impossible() -> str:
    """Why a process cannot be kept off the network here; empty if it can. Tried out in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            _deny()
        except UnmaskError as error:
            os.write(writing, str(error).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        why = pipe.read().decode()
    os.waitpid(child, 0)
    return why


def die_with_parent(parent: int) -> None:
    """Has the kernel kill this process as soon as the thread that started it ends (Linux; nothing elsewhere)."""
    if platform.system() != "Linux":
        return
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _deny() -> None:
    machine = platform.machine()
    if platform.system() != "Linux" or machine not in ARCHITECTURES:
        raise Unconfined(_advice(f"{platform.system()} on {machine} has no filter of system calls that is known here"))
    program = _program(*ARCHITECTURES[machine])
    code = ctypes.create_string_buffer(program)
    count = len(program) // 8
    holder = ctypes.create_string_buffer(struct.pack("@HP", count, ctypes.addressof(code)))
    try:
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(holder))
    except OSError as error:
        raise Unconfined(_advice(f"the kernel refuses a filter of system calls ({error.strerror})")) from error


def _advice(reason: str) -> str:
    return f"media cannot be decoded off the network: {reason}; if you accept that, set UNMASK_JUDGE_UNCONFINED=1"


def _program(machine: int, denied: dict[str, int]) -> bytes:
    """Classic BPF over the kernel's ``struct seccomp_data``: number of the call at byte 0, of the machine at byte 4."""
    calls = sorted(denied.values())
    steps = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, machine), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    steps += [(JUMP_ABOVE, len(calls) + 1, 0, X32)]
    steps += [(JUMP_EQUAL, len(calls) - i, 0, call) for i, call in enumerate(calls)]
    steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, DENY)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _prctl(option: int, *arguments: int) -> None:
    values = [ctypes.c_ulong(int(value)) for value in (*arguments, 0, 0, 0, 0)[:4]]
    if ctypes.CDLL(None, use_errno=True).prctl(option, *values):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _landlock(call: int, *arguments: int | bytes | None) -> int:
    """The call's answer; below 0 where it failed."""
    if platform.system() != "Linux":
        return -1
    passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(call), *passed))
