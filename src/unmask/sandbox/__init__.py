"""Sandbox of a process that opens strangers' media: it may decode and compute, and nothing else.

`confine` sets it up: bounded memory, time and files (``setrlimit``), an allow list of system calls
(`calls`, `filter`), no access for other processes (`control`); `landlock` narrows the file system.
All of it works without root and inside containers, where a network namespace of one's own is mostly
forbidden. It cannot be undone.

The number of a user's processes (``RLIMIT_NPROC``) is not bounded: the kernel counts all threads of
the user, the service's among them, and does not apply the limit to root. No process is made anyway,
because no call that makes one is allowed.
"""
