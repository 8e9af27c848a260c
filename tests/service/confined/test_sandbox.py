"""Forbidden actions of a judge, tried in a process that is confined in the same way."""

from __future__ import annotations

import json
import os
import platform
import struct
import subprocess
import sys
import zipfile
import zlib
from functools import cache
from pathlib import Path

import pytest

from tests.service.tree import clip
from unmask.sandbox import calls, landlock
from unmask.sandbox.filter import impossible, program
from unmask.service.confined import judging, tasks
from unmask.service.confined.judging import Judge, JudgeAnswer, JudgeDied
from unmask.service.confined.tasks import CheckTask, TakeTask
from unmask.service.settings import ServiceSettings

pytestmark = pytest.mark.slow

NUMBERS = {
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "rt_sigqueueinfo": (129, 138), "clone": (56, 220),
    "clone3": (435, 435), "ptrace": (101, 117), "unshare": (272, 97),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "kcmp": (312, 272), "io_uring_setup": (425, 425), "bpf": (321, 280), "keyctl": (250, 219),
    "mount": (165, 40), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "prctl": (157, 167), "prlimit64": (302, 261), "setpriority": (141, 140),
    "sched_setaffinity": (203, 122), "ioctl": (16, 29), "fcntl": (72, 25), "setns": (308, 268),
    "memfd_create": (319, 279),
}  # fmt: skip
"""Numbers of system calls on x86-64 and ARM64."""

HOSTILE = {
    "kill the parent": "kill(os.getppid(), 9)",
    "kill all that the user has": "kill(-1, 9)",
    "kill a thread": "tkill(os.getppid(), 9)",
    "kill a thread of a group": "tgkill(os.getppid(), os.getppid(), 9)",
    "a signal with a value": "rt_sigqueueinfo(os.getppid(), 9, 0)",
    "a handle on a process": "pidfd_open(os.getppid(), 0)",
    "a signal through a handle": "pidfd_send_signal(0, 9, 0, 0)",
    "a descriptor that kills whom it tells": "fcntl(0, 8, os.getppid())",
    "a descriptor that tells by killing": "fcntl(0, 10, 9)",
    "fork": "os.fork()",
    "a process by clone": "clone(17, 0, 0, 0, 0)",
    "vfork": "clone(0x4000 | 0x100 | 17, 0, 0, 0, 0)",
    "another program": "os.execv('/bin/true', ['true'])",
    "a program in a child": "import subprocess; subprocess.run(['/bin/true'], check=True)",
    "a connection": "import socket; socket.create_connection(('127.0.0.1', 9), 1)",
    "a socket of any family": "import socket; socket.socket(socket.AF_UNIX)",
    "a socket for datagrams": "import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
    "a netlink socket": "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "io_uring, which opens sockets, too": "io_uring_setup(1, ctypes.create_string_buffer(120))",
    "reading another's memory": "process_vm_readv(os.getppid(), 0, 0, 0, 0, 0)",
    "writing another's memory": "process_vm_writev(os.getppid(), 0, 0, 0, 0, 0)",
    "another's open file": "pidfd_getfd(0, 0, 0)",
    "tracing a process": "ptrace(16, os.getppid(), 0, 0)",
    "comparing processes": "kcmp(os.getppid(), os.getpid(), 0, 0, 0)",
    "another namespace": "unshare(0x40000000)",
    "entering a namespace": "setns(0, 0)",
    "mounting": "mount(0, 0, 0, 0, 0)",
    "a program for the kernel": "bpf(0, 0, 0)",
    "keys of the kernel": "keyctl(0, 0, 0, 0, 0)",
    "page faults by hand": "userfaultfd(0)",
    "counters of the machine": "perf_event_open(0, 0, 0, 0, 0)",
    "a file in memory to run": "memfd_create(b'x', 0)",
    "being seen again": "prctl(4, 1, 0, 0, 0)",
    "outliving the parent": "prctl(1, 0, 0, 0, 0)",
    "limits of another": "prlimit64(os.getppid(), 0, 0, 0)",
    "pushing others back": "setpriority(2, 0, 19)",
    "pushing another back": "setpriority(0, os.getppid(), 19)",
    "another's processor": (
        "sched_setaffinity(os.getppid(), 8, ctypes.create_string_buffer(b'\\1' * 8))"
    ),
    "typing into a terminal": "ioctl(0, 0x5412, 0)",
}
"""Attacks that a process taken over by a file would try, by what it would gain."""

CALL = f"""
import ctypes, os
NUMBERS = {NUMBERS!r}
def call(number, *arguments):
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(number, *(ctypes.c_long(one) if isinstance(one, int) else one \
for one in arguments)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
for name, numbers in NUMBERS.items():
    number = numbers[os.uname().machine != "x86_64"]
    globals()[name] = lambda *arguments, number=number: call(number, *arguments)
"""


def confined(
    program: str, memory: int = 1 << 30, cpu_seconds: int = 20, written: int = 1 << 20
) -> tuple[int, str]:
    """Returns the exit code and stderr of a program that first confines itself."""
    limits = f"Limits({memory}, {cpu_seconds}, {written})"
    text = (
        f"{CALL}\nfrom unmask.sandbox.confine import Limits, confine\nconfine({limits})\n{program}"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_this_system_can_confine() -> None:
    assert impossible() == ""


def test_a_confined_process_still_works(tmp_path: Path) -> None:
    path = tmp_path / "file"
    code, said = confined(
        f"import threading; t = threading.Thread(target=print); t.start(); open({str(path)!r}, 'w')"
    )
    assert (code, said) == (0, "")


def test_whatever_a_file_that_took_over_would_try_is_refused() -> None:
    """One confined process tries all of them.

    If one attempt worked, later ones would not be reported, or the parent would be gone.
    """
    told = [
        "def attempt(text):",
        "    try: exec(text)",
        "    except OSError as error: return error.strerror",
        "    return 'it worked'",
        f"for name, text in {HOSTILE!r}.items(): print(name, attempt(text), sep=': ')",
    ]
    code, said = confined("import sys; sys.stdout = sys.stderr\n" + "\n".join(told))
    assert code == 0, said
    lines = dict(line.split(": ") for line in said.splitlines())
    assert lines == dict.fromkeys(HOSTILE, "Operation not permitted")


def test_the_call_that_hides_its_arguments_is_not_there() -> None:
    code, said = confined("clone3(ctypes.create_string_buffer(88), 88)")
    assert (code, "Function not implemented" in said) == (1, True), said


def test_a_filter_is_made_for_every_machine() -> None:
    for machine, (_, audited) in calls.MACHINES.items():
        steps = list(struct.iter_unpack("=HBBI", program(machine)))
        assert steps[1][3] == audited
        assert len(steps) < 256, "a jump reaches no further"
        ends = [
            (i, i + 1 + max(yes, no))
            for i, (kind, yes, no, _) in enumerate(steps)
            if kind & 0x07 == 0x05
        ]
        assert max(end for _, end in ends) == len(steps) - 1


def test_a_process_that_hides_cannot_be_dumped() -> None:
    text = (
        f"{CALL}\nfrom unmask.sandbox.control import hide\nhide()\n"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_memory_is_bounded() -> None:
    code, said = confined("bytearray(2 << 30)")
    assert code == 1
    assert "MemoryError" in said


def test_time_is_bounded() -> None:
    code, _ = confined("while True: pass", cpu_seconds=1)
    assert code == -24  # SIGXCPU


def test_files_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "file"
    code, said = confined(f"open({str(path)!r}, 'wb').write(bytes(2 << 20))")
    assert code == 1
    assert "File too large" in said
    code, said = confined("kept = [open('/dev/null') for _ in range(1000)]")
    assert "Too many open files" in said


def test_of_the_file_system_only_what_is_needed_is_seen(tmp_path: Path) -> None:
    mine, other, folder = tmp_path / "mine", tmp_path / "other", tmp_path / "folder"
    mine.write_bytes(b"mine")
    other.write_bytes(b"other")
    folder.mkdir()
    see = (
        "from unmask.sandbox.landlock import see_only\n"
        f"assert see_only([{str(mine)!r}], [{str(folder)!r}])\n"
    )
    if "AssertionError" in confined(see)[1]:
        pytest.skip("this kernel has no Landlock")
    code, said = confined(
        f"{see}import sqlite3, numpy\nassert open({str(mine)!r}).read() == 'mine'\n"
        f"open({str(folder / 'new')!r}, 'w')"
    )
    assert (code, said) == (0, "")
    parent = "f'/proc/{os.getppid()}/environ'"
    for attempt in (
        f"open({str(other)!r})",
        f"open({str(mine)!r}, 'a')",
        f"os.listdir({str(tmp_path)!r})",
        f"os.truncate({str(other)!r}, 0)",
        f"os.unlink({str(other)!r})",
        f"open({str(tmp_path / 'new')!r}, 'w')",
        f"open({parent})",
    ):
        code, said = confined(see + attempt)
        assert code == 1, attempt
        assert "PermissionError" in said, said
    assert other.read_bytes() == b"other"


def test_threads_from_before_are_bound_by_the_filter_too() -> None:
    early = (
        "import threading\n"
        "go, said = threading.Event(), []\n"
        "def attempt():\n"
        "    go.wait()\n"
        "    try: import socket; socket.socket()\n"
        "    except OSError as error: said.append(error.strerror)\n"
        "before = threading.Thread(target=attempt); before.start()\n"
        "from unmask.sandbox.confine import Limits, confine\n"
        "confine(Limits(1 << 30, 20, 1 << 20)); go.set(); before.join(); print(said)"
    )
    done = subprocess.run(
        [sys.executable, "-c", early], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("['Operation not permitted']\n", "")


EVERY_THREAD = """
import ctypes, json, os, sys, threading, time
from unmask.service.confined import judge
seen, other, handler = {}, sys.argv[1], ctypes.CFUNCTYPE(None, ctypes.c_int)
@handler
def attempt(_signal):
    try: open(other).close()
    except OSError as error: seen[threading.get_native_id()] = error.strerror
    else: seen[threading.get_native_id()] = "it worked"
def ask_every_thread(_code):
    threads, own = [int(one) for one in os.listdir("/proc/self/task")], os.getpid()
    library = ctypes.CDLL(None)
    library.signal(10, attempt)
    for thread in threads:
        library.syscall({number}, own, thread, 10)
    until = time.monotonic() + 30
    while len(seen) < len(threads) and time.monotonic() < until: time.sleep(0.01)
    print(len(threads), len(seen), *set(seen.values()), sep=", ", flush=True)
    leave(0)
leave, os._exit = os._exit, ask_every_thread
judge.enter = lambda: open(os.devnull, "wb")  # without the filter, which forbids the signals
judge.main()
"""
"""A judge whose threads, when it has judged, are each made to open another file by a signal."""


def test_of_a_judge_no_thread_at_all_sees_another_file(tmp_path: Path) -> None:
    if landlock.offered() < 1:
        pytest.skip("this kernel has no Landlock")
    other, path = tmp_path / "other", clip(tmp_path / "clip.mp4", seconds=1)
    other.write_bytes(b"other")
    text = EVERY_THREAD.replace("{number}", str(NUMBERS["tgkill"][platform.machine() != "x86_64"]))
    task = tasks.write(CheckTask(str(path), "clip.mp4", {}, None))
    done = subprocess.run(
        [sys.executable, "-c", text, str(other)],
        input=task,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "2"},  # a library that starts threads of its own
        capture_output=True,
        timeout=300,
        check=False,
    )
    there, answered, *said = done.stdout.decode().strip().split(", ")
    assert int(there) > 1, done.stderr
    assert (answered, said) == (there, ["Permission denied"])


def test_a_judge_gets_no_secret_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNMASK_DATABASE", "postgresql://user:secret@host/db")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    judge = Judge(ServiceSettings(data=tmp_path))
    environment = Path(f"/proc/{judge.pid}/environ").read_bytes()
    judge.close()
    assert b"secret" not in environment


def test_a_judge_out_of_time_is_not_tried_again(tmp_path: Path) -> None:
    path = clip(tmp_path / "clip.mp4", seconds=4)
    judge = Judge(ServiceSettings(data=tmp_path, judge_seconds=1))
    task = CheckTask(str(path), "clip.mp4", {}, None)
    with pytest.raises(JudgeDied) as died:
        judge.judge(task, lambda _: True)
    judge.close()
    assert not died.value.again


def test_a_judge_that_dies_of_memory_may_be_tried_again(tmp_path: Path) -> None:
    judge = Judge(ServiceSettings(data=tmp_path, judge_bytes=200 << 20))
    task = CheckTask(os.devnull, "clip.mp4", {}, None)
    with pytest.raises(JudgeDied) as died:
        judge.judge(task, lambda _: True)
    judge.close()
    assert died.value.again


def test_a_judge_that_is_called_off_ends(tmp_path: Path) -> None:
    path = clip(tmp_path / "clip.mp4", seconds=4)
    judge = Judge(ServiceSettings(data=tmp_path))
    task = CheckTask(str(path), "clip.mp4", {}, None)
    assert judge.judge(task, lambda _: False, every=0.01) is None
    judge.close()
    assert not judge.alive


class TakenOver:
    """Fake launcher, of a process that says what it wants instead of judging.

    Args:
        said: what it writes to its pipe.
    """

    def __init__(self, said: bytes) -> None:
        self._said = said

    def start(self) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-c",
            f"import sys; input(); sys.stdout.buffer.write({self._said!r})",
        ]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0)


@pytest.mark.parametrize(
    "head",
    [
        {"kind": "take page", "bytes": 0, "language": "../../other/media"},
        {"kind": "take page", "bytes": 0, "language": ["en"]},
        {"kind": "take", "bytes": 2},
    ],
    ids=str,
)
def test_what_a_judge_says_of_a_take_is_not_believed_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: dict[str, object]
) -> None:
    said = json.dumps(head).encode() + b"\n{}"
    monkeypatch.setattr(judging, "Launcher", lambda *_: TakenOver(said))
    judge = Judge(ServiceSettings(data=tmp_path))
    with pytest.raises(JudgeDied, match="makes no sense"):
        judge.judge(TakeTask(os.devnull, "clip.mp4", 60.0), lambda _: True)
    judge.close()


@cache
def zeros() -> bytes:
    """Compresses 200 MB of zeros to 200 KB."""
    return zlib.compress(bytes(200 << 20), 9)


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    whole = ((b"IHDR", header), *chunks, (b"IEND", b""))
    made = (
        len(data).to_bytes(4, "big") + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in whole
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def zipped(path: Path) -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("zeros.mp4", bytes(200 << 20))
    return path.read_bytes()


BLACK = (b"IDAT", zlib.compress(bytes(64 * 193)))
BOMBS = {
    "bytes of memory to decode": lambda _: png(30_000, 30_000, (b"IDAT", zeros())),
    "No face was found": lambda _: png(64, 64, (b"IDAT", zeros())),
    "too large for PngImagePlugin.MAX_TEXT_CHUNK": lambda _: png(
        64, 64, (b"zTXt", b"Comment\0\0" + zeros()), BLACK
    ),
    "Decompressed data too large": lambda _: png(
        64, 64, (b"iCCP", b"profile\0\0" + zeros()), BLACK
    ),
    "neither a photo nor a video": zipped,
}
"""Makers of decompression bombs, by what is said of them.

In order: giant, more data than pixels, a giant comment, a giant colour profile, an archive.
"""


@pytest.mark.parametrize("said", BOMBS)
def test_a_bomb_is_answered_and_not_unpacked(tmp_path: Path, said: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(BOMBS[said](tmp_path / "archive"))
    judge = Judge(ServiceSettings(data=tmp_path))
    task = CheckTask(str(path), "bomb.png", {}, None)
    answer = judge.judge(task, lambda _: True)
    judge.close()
    assert isinstance(answer, JudgeAnswer)
    assert said in answer.result.reason
    assert answer.result.verdict in (None, "cannot tell")
