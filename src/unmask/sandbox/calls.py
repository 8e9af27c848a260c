"""System calls that a confined process may make, with their numbers.

They are the calls that decoding and inference were seen to make, and closely related ones. Numbers
are those of Linux's ``asm/unistd_64.h`` (x86-64) and ``asm-generic/unistd.h`` (ARM64).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Per machine: index into a call's numbers, and its number in the kernel's audit interface."""

FREE: Mapping[str, tuple[int, int]] = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67),
    "pwrite64": (18, 68), "preadv": (295, 69), "pwritev": (296, 70), "lseek": (8, 62),
    "openat": (257, 56), "close": (3, 57), "close_range": (436, 436), "fstat": (5, 80),
    "newfstatat": (262, 79), "statx": (332, 291), "faccessat": (269, 48), "faccessat2": (439, 439),
    "readlinkat": (267, 78), "getdents64": (217, 61), "getcwd": (79, 17), "mkdirat": (258, 34),
    "unlinkat": (263, 35), "renameat": (264, 38), "renameat2": (316, 276), "fchmod": (91, 52),
    "fchmodat": (268, 53), "fchown": (93, 55), "fchownat": (260, 54), "ftruncate": (77, 46),
    "truncate": (76, 45), "fallocate": (285, 47), "fsync": (74, 82), "fdatasync": (75, 83),
    "flock": (73, 32), "utimensat": (280, 88), "dup": (32, 23), "dup3": (292, 24),
    "pipe2": (293, 59), "umask": (95, 166), "statfs": (137, 43), "fstatfs": (138, 44),
    "fadvise64": (221, 223), "sendfile": (40, 71), "copy_file_range": (326, 285),
    "mmap": (9, 222), "munmap": (11, 215), "mprotect": (10, 226), "mremap": (25, 216),
    "madvise": (28, 233), "brk": (12, 214), "mbind": (237, 235), "get_mempolicy": (239, 236),
    "set_mempolicy": (238, 237), "membarrier": (324, 283), "msync": (26, 227), "mincore": (27, 232),
    "futex": (202, 98), "set_robust_list": (273, 99), "get_robust_list": (274, 100),
    "rseq": (334, 293), "set_tid_address": (218, 96), "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123), "sched_getparam": (143, 121), "sched_getscheduler": (145, 120),
    "sched_get_priority_max": (146, 125), "sched_get_priority_min": (147, 126),
    "getcpu": (309, 168), "exit": (60, 93), "exit_group": (231, 94), "gettid": (186, 178),
    "getpid": (39, 172), "getppid": (110, 173),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "restart_syscall": (219, 128),
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101), "gettimeofday": (96, 169), "times": (100, 153), "getrusage": (98, 165),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "getgroups": (115, 158), "getresuid": (118, 148), "getresgid": (120, 150), "uname": (63, 160),
    "sysinfo": (99, 179), "getpriority": (140, 141), "getrandom": (318, 278), "capget": (125, 90),
    "ppoll": (271, 73), "pselect6": (270, 72), "epoll_create1": (291, 20), "epoll_ctl": (233, 21),
    "epoll_pwait": (281, 22), "eventfd2": (290, 19),
    "landlock_create_ruleset": (444, 444), "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}  # fmt: skip
"""Calls allowed with any arguments: files, memory, threads, time, waiting, further confinement."""

OF_X86: Mapping[str, int] = {
    "open": 2, "stat": 4, "lstat": 6, "access": 21, "readlink": 89, "mkdir": 83, "rmdir": 84,
    "unlink": 87, "rename": 82, "chmod": 90, "dup2": 33, "pipe": 22, "poll": 7, "select": 23,
    "getdents": 78, "epoll_wait": 232, "epoll_create": 213, "eventfd": 284, "time": 201,
    "getrlimit": 97, "arch_prctl": 158,
}  # fmt: skip
"""Older calls of the same kind, which ARM64 never had."""

BOUNDED: Mapping[str, tuple[int, int]] = {
    "clone": (56, 220), "prctl": (157, 167), "ioctl": (16, 29), "fcntl": (72, 25),
    "prlimit64": (302, 261), "setpriority": (141, 140), "sched_setaffinity": (203, 122),
}  # fmt: skip
"""Calls allowed with some arguments only, see `filter`."""

ABSENT: Mapping[str, tuple[int, int]] = {"clone3": (435, 435)}
"""Calls answered as if the kernel did not have them.

The C library then makes the older call, whose arguments can be checked.
"""


def numbers(machine: str, calls: Mapping[str, tuple[int, int]]) -> Sequence[int]:
    """Returns the numbers of calls on a machine, in order."""
    column, _ = MACHINES[machine]
    return sorted(one[column] for one in calls.values())
