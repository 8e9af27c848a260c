"""The HTTP process's end of the pipe to `live_reader`: a few readers for all its live checks.

A frame that a reader decoded may have taken it over and may write its messages. So every message is
bounded and checked. When a reader dies, its checks become inconclusive; the next check starts a new
process.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any

from unmask.live.challenge import LightChallenge, MovementChallenge
from unmask.live.protocol import CameraFrame
from unmask.live.verification import Advice, Result
from unmask.sandbox.confine import Limits
from unmask.service.confined.conclusion import Conclusion
from unmask.service.confined.launcher import Launcher
from unmask.service.settings import ServiceSettings

MEMORY = 2 << 30
"""Maximum address space of a reader, bytes."""

CPU_SECONDS = 7 * 86400
"""CPU time after which a reader is restarted in any case, s: some 10 million frames."""

WAITING = 128 << 20
"""Maximum bytes of frames that wait for a reader, about a hundred checks' worth.

Frames beyond that are skipped.
"""

FRAMES = (8.0, 15.0)
"""Minimum and maximum frames per second asked of a page; `unmask.live.verification` needs 6."""

READ_PER_SECOND = 300.0
"""Frames per second that a reader can read while it shares its core with the rest of the service.

One frame takes 2 ms.
"""

PATIENCE = 10.0
"""Seconds of silence, while it has work, after which a reader is killed.

A frame takes it 2 ms, the verification of a check 0.1 s.
"""

DETAILS, CHARACTERS = 50, 100
"""Maximum details of an outcome that are logged, and maximum characters of each."""

log = logging.getLogger(__name__)


class ReaderDied(Exception):
    """The process that read a check's frames ended during the check."""


class Sitting:
    """One check at one reader; made by `Readers.sitting`.

    Attributes:
        unreadable: whether a frame came that is no plain JPEG.
        skipped: number of frames left out because the reader was too slow.
    """

    def __init__(self, reader: _Reader, number: int) -> None:
        self._reader, self._number = reader, number
        self._end: asyncio.Future[Conclusion] = asyncio.get_running_loop().create_future()
        self.unreadable, self.skipped = False, 0

    def read(self, frame: CameraFrame) -> None:
        """Sends a frame to the reader.

        Raises:
            ReaderDied: the reader is gone.
        """
        if self._end.done():
            self._end.result()
        if self._reader.waiting >= WAITING:
            self.skipped += 1
            return
        self._reader.send("frame", self._number, frame.jpeg, time=frame.time)

    async def verify(
        self, sent: Sequence[float], shown: Sequence[float], counted: Sequence[float]
    ) -> Conclusion:
        """Asks the reader for its conclusion from the frames.

        Args:
            sent, shown: see `unmask.live.verification.verify`.
            counted: times of the frames that count, s.

        Raises:
            ReaderDied: the reader is gone.
        """
        self._reader.send("verify", self._number, sent=[*sent], shown=[*shown], counted=[*counted])
        while not self._end.done():
            await asyncio.wait([self._end], timeout=PATIENCE)
            if not self._end.done() and self._reader.silent > PATIENCE:
                self._reader.kill()
        return await self._end

    def hear(self, said: dict[str, Any]) -> None:
        """Handles a message of the reader; raises `ValueError` and the like if it is malformed."""
        if said.get("failed"):
            self.die()
        elif said["kind"] == "frame":
            self.unreadable |= not said["readable"]
        elif said["kind"] == "verify" and not self._end.done():
            self._end.set_result(_sound(said))

    def die(self) -> None:
        """Ends the sitting: the reader is gone, or cannot go on with this check."""
        if not self._end.done():
            self._end.set_exception(ReaderDied("the process that reads frames ended"))
            self._end.exception()  # else asyncio logs it as never retrieved, if nobody asks


class Readers:
    """All readers of this process.

    Args:
        settings: tell how many there may be.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        limits = Limits(MEMORY, CPU_SECONDS, written=0)
        launcher = Launcher(
            "unmask.service.confined.live_reader", limits, settings.judge_unconfined
        )
        self._readers = [_Reader(launcher) for _ in range(settings.live_readers)]
        self._most, self._numbers = settings.live_at_once, iter(range(1 << 62))

    @property
    def full(self) -> bool:
        """Tells whether no more checks may be begun now."""
        return self._taken >= self._most

    @property
    def any(self) -> bool:
        """Tells whether this machine does live checks."""
        return bool(self._readers)

    @property
    def frames_per_second(self) -> float:
        """Frames per second that each page should send now; the more checks, the fewer frames."""
        each = READ_PER_SECOND * len(self._readers) / max(1, self._taken)
        return round(min(FRAMES[1], max(FRAMES[0], each)), 1)

    def warm(self) -> None:
        """Starts the reader that the next check would get.

        If that fails, it is started again when it is needed.
        """

        async def start() -> None:
            with suppress(ReaderDied):
                await self._least().start()

        self._warming = asyncio.create_task(start())

    async def close(self) -> None:
        """Ends all readers, and waits until they have ended."""
        for reader in self._readers:
            await reader.close()

    @asynccontextmanager
    async def sitting(
        self, challenge: LightChallenge | MovementChallenge
    ) -> AsyncIterator[Sitting]:
        """Takes a place at the reader with the fewest checks.

        Raises:
            ReaderDied: the reader cannot be started.
        """
        reader, number = self._least(), next(self._numbers)
        reader.taken += 1
        try:
            await reader.start()
            sitting = reader.sittings[number] = Sitting(reader, number)
            reader.send("open", number, challenge=asdict(challenge))
            yield sitting
        finally:
            reader.taken -= 1
            reader.sittings.pop(number, None)
            reader.send("close", number)

    @property
    def _taken(self) -> int:
        return sum(reader.taken for reader in self._readers)

    def _least(self) -> _Reader:
        return min(self._readers, key=lambda reader: reader.taken)


class _Reader:
    """One process, restarted when needed, and its checks.

    Args:
        launcher: starts it.

    Attributes:
        taken: places for checks that are taken, including those that wait for it to start.
        sittings: by number.
    """

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._ready: asyncio.Future[None]
        self._listening: asyncio.Task[None] | None = None
        self._heard, self._closed = 0.0, False
        self.taken = 0
        self.sittings: dict[int, Sitting] = {}

    async def start(self) -> None:
        """Starts the process if it is not running, and waits until it has loaded all it needs.

        Raises:
            ReaderDied: the process ended before that.
        """
        async with self._starting:
            if self._process is None:
                if self._listening:
                    await asyncio.wait([self._listening])
                self._process = process = await self._launcher.start_async()
                self._ready = asyncio.get_running_loop().create_future()
                self._listening = asyncio.create_task(self._listen(process, self._ready))
        await asyncio.shield(self._ready)

    def send(self, kind: str, number: int, content: bytes = b"", **values: Any) -> None:
        """Sends a message; one to a process that ended is dropped."""
        if self._process and self._process.returncode is None and self._process.stdin:
            head = json.dumps({"kind": kind, "check": number, "bytes": len(content), **values})
            self._process.stdin.write(head.encode() + b"\n" + content)

    @property
    def waiting(self) -> int:
        """Number of bytes sent that the process has not yet read."""
        return (
            self._process.stdin.transport.get_write_buffer_size()
            if self._process and self._process.stdin
            else 0
        )

    @property
    def silent(self) -> float:
        """Seconds since the process last sent a message."""
        return asyncio.get_running_loop().time() - self._heard

    def kill(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()

    async def close(self) -> None:
        """Ends the process for good, and waits until it has ended."""
        self._closed = True
        self.kill()
        if self._listening:
            await asyncio.wait([self._listening])

    async def _listen(
        self, process: asyncio.subprocess.Process, ready: asyncio.Future[None]
    ) -> None:
        """Reads the process's messages until it ends or sends a malformed one."""
        try:
            async for line in process.stdout or asyncio.StreamReader():
                said, self._heard = json.loads(line), asyncio.get_running_loop().time()
                if said["kind"] == "ready" and not ready.done():
                    ready.set_result(None)
                if sitting := self.sittings.get(said.get("check", -1)):
                    sitting.hear(said)
        except Exception as error:  # a stranger's file may have taken the process over
            log.warning("a reader of frames said what makes no sense: %s", type(error).__name__)
        finally:
            self._process = None  # the next check starts another
            if process.returncode is None:
                process.kill()
            for sitting in list(self.sittings.values()):
                sitting.die()
            if not ready.done():
                ready.set_exception(ReaderDied("the process that reads frames did not start"))
                ready.exception()  # as for a sitting
            code = await process.wait()
            if not self._closed:
                log.warning("a reader of frames ended with %s", code)


def _sound(said: dict[str, Any]) -> Conclusion:
    """Checks the types of an outcome's parts; details of another type are left out."""
    details: dict[str, float | str] = {}
    for name, value in list(said["details"].items())[:DETAILS]:
        if isinstance(value, str):
            details[name[:CHARACTERS]] = value[:CHARACTERS]
        elif isinstance(value, int | float) and math.isfinite(value):
            details[name[:CHARACTERS]] = value
    return Conclusion(
        Result(said["result"]), Advice(said["advice"]) if said["advice"] else "", details=details
    )
