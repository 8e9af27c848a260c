"""The HTTP process's end of the pipe to `live_reader`: a few such processes for all live checks of
a machine.

What comes out of a reader may have been written by a frame that it read: every message is bounded
and checked. A reader that dies takes its checks with it, which then are inconclusive; the next
check starts it again.
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
from unmask.live.session import CameraFrame
from unmask.live.verification import Advice, Result
from unmask.sandbox.confine import Limits
from unmask.service.confined.conclusion import Conclusion
from unmask.service.confined.launcher import Launcher
from unmask.service.settings import Settings

MEMORY = 2 << 30
"""bytes of address space of a reader."""

CPU_SECONDS = 7 * 86400
"""After so much it is started again, whatever it does: some 10 million frames."""

WAITING = 128 << 20
"""bytes of frames that may wait for a reader, a hundred checks' worth; those that come when it is
slower still are left out.
"""

FRAMES = (8.0, 15.0)
"""Frames per second that a page is asked for at least and at most; `unmask.live.verification` needs
6.
"""

READ_PER_SECOND = 300.0
"""Frames that a reader can read per second, while it shares its core with the rest of the service:
one takes 2 ms.
"""

PATIENCE = 10.0
"""s without a word, while it has work, after which a reader is ended: a frame takes it 2 ms, the
last word on a check 0.1 s.
"""

DETAILS, CHARACTERS = 50, 100
"""Most details of an outcome that are logged, and most characters of each."""

log = logging.getLogger(__name__)


class ReaderDied(Exception):
    """The process that read a check's frames ended in mid-check."""


class Sitting:
    """One check at one reader; made by `Readers.sitting`.

    Attributes:
        unreadable: whether a frame came that is no plain JPEG.
        skipped: frames left out because the reader was too slow.
    """

    def __init__(self, reader: _Reader, number: int) -> None:
        self._reader, self._number = reader, number
        self._end: asyncio.Future[Conclusion] = asyncio.get_running_loop().create_future()
        self.unreadable, self.skipped = False, 0

    def read(self, frame: CameraFrame) -> None:
        """Hands a frame over.

        Raises:
            ReaderDied: there is nobody to take it.
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
        """What the reader makes of the frames.

        Args:
            sent, shown: see `unmask.live.verification.verify`.
            counted: times of the frames that count, s.

        Raises:
            ReaderDied: there is nobody to ask.
        """
        self._reader.send("verify", self._number, sent=[*sent], shown=[*shown], counted=[*counted])
        while not self._end.done():
            await asyncio.wait([self._end], timeout=PATIENCE)
            if not self._end.done() and self._reader.silent > PATIENCE:
                self._reader.kill()
        return await self._end

    def hear(self, said: dict[str, Any]) -> None:
        """Takes in a message of the reader; raises `ValueError` and its like for what is none."""
        if said.get("failed"):
            self.die()
        elif said["kind"] == "frame":
            self.unreadable |= not said["readable"]
        elif said["kind"] == "verify" and not self._end.done():
            self._end.set_result(_sound(said))

    def die(self) -> None:
        """The reader is gone, or cannot go on with this check."""
        if not self._end.done():
            self._end.set_exception(ReaderDied("the process that reads frames ended"))
            self._end.exception()  # whoever asks is told; where nobody does, there is nothing to complain of


class Readers:
    """All readers of this process.

    Args:
        settings: how many there may be.
    """

    def __init__(self, settings: Settings) -> None:
        limits = Limits(MEMORY, CPU_SECONDS, written=0)
        launcher = Launcher(
            "unmask.service.confined.live_reader", limits, settings.judge_unconfined
        )
        self._readers = [_Reader(launcher) for _ in range(settings.live_readers)]
        self._most, self._numbers = settings.live_at_once, iter(range(1 << 62))

    @property
    def full(self) -> bool:
        """Whether no more checks may be begun now."""
        return self._taken >= self._most

    @property
    def any(self) -> bool:
        """Whether this machine does live checks."""
        return bool(self._readers)

    @property
    def frames_per_second(self) -> float:
        """What each page should send now: the fewer, the more checks there are."""
        each = READ_PER_SECOND * len(self._readers) / max(1, self._taken)
        return round(min(FRAMES[1], max(FRAMES[0], each)), 1)

    def warm(self) -> None:
        """Has the reader started that the next check would get; where that fails, it is tried again
        when it is needed.
        """

        async def start() -> None:
            with suppress(ReaderDied):
                await self._least().start()

        self._warming = asyncio.create_task(start())

    @asynccontextmanager
    async def sitting(
        self, challenge: LightChallenge | MovementChallenge
    ) -> AsyncIterator[Sitting]:
        """A place at the reader with the fewest checks.

        Raises:
            ReaderDied: it does not even start.
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
    """One process, started again when it is needed, and the checks that it has.

    Args:
        launcher: starts it.

    Attributes:
        taken: places for checks that are taken, those included that wait for it to start.
        sittings: by number.
    """

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._ready: asyncio.Future[None]
        self._listening: asyncio.Task[None] | None = None
        self._heard = 0.0
        self.taken = 0
        self.sittings: dict[int, Sitting] = {}

    async def start(self) -> None:
        """Starts the process unless it lives, and waits until it has loaded all it needs.

        Raises:
            ReaderDied: it did not get that far.
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
        """Writes a message; one to a process that ended goes nowhere."""
        if self._process and self._process.returncode is None and self._process.stdin:
            head = json.dumps({"kind": kind, "check": number, "bytes": len(content), **values})
            self._process.stdin.write(head.encode() + b"\n" + content)

    @property
    def waiting(self) -> int:
        """bytes that were sent and that the process has not taken."""
        return (
            self._process.stdin.transport.get_write_buffer_size()
            if self._process and self._process.stdin
            else 0
        )

    @property
    def silent(self) -> float:
        """s since the process said something."""
        return asyncio.get_running_loop().time() - self._heard

    def kill(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()

    async def _listen(
        self, process: asyncio.subprocess.Process, ready: asyncio.Future[None]
    ) -> None:
        """Hears the process out until it ends, or says what makes no sense."""
        try:
            async for line in process.stdout or asyncio.StreamReader():
                said, self._heard = json.loads(line), asyncio.get_running_loop().time()
                if said["kind"] == "ready" and not ready.done():
                    ready.set_result(None)
                if sitting := self.sittings.get(said.get("check", -1)):
                    sitting.hear(said)
        except (
            Exception
        ) as error:  # whatever a process says that a stranger's file may have taken over
            log.warning("a reader of frames said what makes no sense: %s", type(error).__name__)
        finally:
            self._process = None  # whoever comes from here on starts another
            if process.returncode is None:
                process.kill()
            for sitting in list(self.sittings.values()):
                sitting.die()
            if not ready.done():
                ready.set_exception(ReaderDied("the process that reads frames did not start"))
                ready.exception()  # as for a sitting
            log.warning("a reader of frames ended with %s", await process.wait())


def _sound(said: dict[str, Any]) -> Conclusion:
    """An outcome whose parts have the right kind; details of another kind are left out."""
    details: dict[str, float | str] = {}
    for name, value in list(said["details"].items())[:DETAILS]:
        if isinstance(value, str):
            details[name[:CHARACTERS]] = value[:CHARACTERS]
        elif isinstance(value, int | float) and math.isfinite(value):
            details[name[:CHARACTERS]] = value
    return Conclusion(
        Result(said["result"]), Advice(said["advice"]) if said["advice"] else "", details=details
    )
