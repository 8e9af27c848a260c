"""Confines a process: first its resources, then the system calls that it may make."""

from __future__ import annotations

from dataclasses import dataclass

from unmask.sandbox import landlock
from unmask.sandbox.control import hide
from unmask.sandbox.filter import impossible, install

OPEN_FILES = 256
"""Most files open at once; libraries, weights and one clip need about 60."""

GRACE = 1
"""Seconds of CPU time between the signal that says why (SIGXCPU) and the one that only kills."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one process.

    ``memory`` in bytes of address space, ``cpu_seconds``, ``written`` in bytes of one file.
    """

    memory: int
    cpu_seconds: int
    written: int


def confine(limits: Limits, network: bool = False) -> None:
    """Confines this process, all its threads included, for good.

    Args:
        network: whether the network may be reached, and other programs started.

    Raises:
        Unconfined: it cannot be kept off the network here.
    """
    import resource

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
    hide()
    if not network:
        install()


def offered() -> dict[str, str]:
    """Describes, for people, what this kernel offers, by kind of protection."""
    version = landlock.offered()
    seen = (
        f"only what is needed (Landlock, version {version})"
        if version >= 1
        else "all of the user's (no Landlock)"
    )
    calls = (
        impossible()
        or "an allow list (seccomp): no network, no other process or program, no signals"
    )
    return {"system calls": calls, "files": seen}
