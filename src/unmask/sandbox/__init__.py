"""What a process that opens strangers' media may do: decode and compute, and nothing else.

`confine` sets it: bounded memory, time and files (``setrlimit``), an allow list of system calls
(`calls`, `filter`), no window for other processes (`control`); `landlock` narrows the file system.
All without root and inside containers, where a network namespace of one's own is mostly forbidden;
once set it cannot be undone.

How many processes a user may have (``RLIMIT_NPROC``) is not bounded: the kernel counts all threads
of the user, the service's among them, and does not hold root to it. No process is made, because no
call that makes one is allowed.
"""
