"""Confining a process: its share of the machine, then the calls that it may make."""

from __future__ import annotations

from dataclasses import dataclass

from unmask.sandbox import landlock
from unmask.sandbox.control import hide
from unmask.sandbox.filter import impossible, install

OPEN_FILES = 256
"""Files that may be open at once: libraries, weights and one clip need about 60."""

GRACE = 1
"""s of CPU time between the signal that says why (SIGXCPU) and the one that only kills."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one process: ``memory`` in bytes of address space, ``cpu_seconds``, ``written`` in bytes
    of one file.
    """

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
    """What this kernel gives, for people: by wall, what of it there is."""
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
