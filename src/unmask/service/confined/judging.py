"""The worker's end of the pipe to `judge`: starts it ahead, gives it a file, and reads its answer.

The file that a judge reads may have taken it over and may write its messages. So every message is
bounded and checked.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, cast

from unmask.report.document import Document
from unmask.report.take import TakeDocument
from unmask.sandbox.confine import Limits
from unmask.service.confined import tasks
from unmask.service.confined.launcher import Launcher
from unmask.service.confined.tasks import Task
from unmask.service.settings import ServiceSettings
from unmask.words import codes

MOST_SAID = 256 << 20
"""Maximum bytes that one judge may send in all; a report of 600 telling frames has about 8 MB."""

MOST_LINE = 64 << 10
SCRATCH = 4 << 30
"""Maximum bytes a judge may write to one file; a film's index has some hundred MB."""


class JudgeDied(Exception):
    """A judge ended without a result; the text says how.

    ``again`` tells whether another attempt may succeed.
    """

    def __init__(self, how: str, again: bool) -> None:
        self.again = again
        super().__init__(how)


@dataclass(frozen=True, slots=True)
class JudgeAnswer:
    """Answer of a judge: the result, the HTML page, and a zip of pictures.

    `unmask.report.pictures` made the zip. Where the file could not be judged, page and pictures are
    empty.
    """

    result: Document
    page: bytes = b""
    pictures: bytes = b""


@dataclass(frozen=True, slots=True)
class Registered:
    """Outcome of registering footage; ``error`` says why it failed, None if it succeeded."""

    error: str | None


@dataclass(frozen=True, slots=True)
class TakeAnswered:
    """Answer of a judge on a take: the result, and its HTML page by the code of its language.

    There are no pages where the file could not be judged.
    """

    result: TakeDocument
    pages: Mapping[str, bytes] = field(default_factory=dict)


Answer = JudgeAnswer | Registered | TakeAnswered


@dataclass(slots=True)
class _Heard:
    """Messages received from one judge so far."""

    files: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, bytes] = field(default_factory=dict)
    answer: Answer | None = None
    progress: float = 0.0
    waiting: bytearray = field(default_factory=bytearray)
    said: int = 0


class Judge:
    """One confined process, for one file.

    Args:
        settings: limits of the process.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        limits = Limits(settings.judge_bytes, settings.judge_seconds, SCRATCH)
        launcher = Launcher("unmask.service.confined.judge", limits, settings.judge_unconfined)
        self._process = launcher.start()
        self._wall_seconds = 2 * settings.judge_seconds
        self._in, self._out = (
            cast("IO[bytes]", self._process.stdin),
            cast("IO[bytes]", self._process.stdout),
        )
        os.set_blocking(self._out.fileno(), False)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def judge(self, task: Task, tick: Callable[[float], bool], every: float = 1.0) -> Answer | None:
        """Gives the judge a file and waits for its answer; None if ``tick`` called it off.

        Args:
            task: what to do with the file.
            tick: called every ``every`` s with the progress, 0 to 1; returns False to call it off.

        Raises:
            JudgeDied: it ended without an answer.
        """
        heard, deadline = _Heard(), time.monotonic() + self._wall_seconds
        try:
            self._in.write(tasks.write(task))
        except OSError as error:
            raise self._death() from error
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            due = time.monotonic() + every
            while heard.answer is None:
                if selector.select(max(0.0, due - time.monotonic())) and not self._hear(heard):
                    raise self._death()
                if time.monotonic() > deadline:
                    raise JudgeDied(f"it was not done after {self._wall_seconds} s", again=False)
                if time.monotonic() >= due:
                    due = time.monotonic() + every
                    if not tick(heard.progress):
                        return None
        return heard.answer

    def close(self) -> None:
        """Kills the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._in.close()
        self._out.close()

    def _hear(self, heard: _Heard) -> bool:
        """Reads what the judge has sent so far; False at the end of the stream."""
        data = self._out.read(1 << 20)
        if data is None:
            return True
        heard.said += len(data)
        if not data:
            return False
        if heard.said > MOST_SAID:
            raise JudgeDied(f"it said more than {MOST_SAID:,} bytes", again=False)
        heard.waiting += data
        try:
            while _take(heard):
                pass
        except (ValueError, TypeError, KeyError) as error:
            raise JudgeDied("what it said makes no sense", again=False) from error
        return True

    def _death(self) -> JudgeDied:
        code = self._process.wait()
        if code == -signal.SIGXCPU:
            return JudgeDied("it used up its CPU time", again=False)
        if code < 0:
            return JudgeDied(f"it was ended by {signal.Signals(-code).name}", again=True)
        return JudgeDied(f"it ended with code {code}", again=True)


def _take(heard: _Heard) -> bool:
    """Takes one whole message, if there is one; raises `ValueError` or the like for a bad one."""
    end = heard.waiting.find(b"\n")
    if end < 0:
        if len(heard.waiting) > MOST_LINE:
            raise ValueError("a line without an end")
        return False
    head = json.loads(heard.waiting[:end])
    size = int(head["bytes"])
    if not 0 <= size <= MOST_SAID:
        raise ValueError("a length out of bounds")
    if len(heard.waiting) < end + 1 + size:
        return False
    content = bytes(heard.waiting[end + 1 : end + 1 + size])
    del heard.waiting[: end + 1 + size]
    _understand(heard, head, content)
    return True


def _understand(heard: _Heard, head: Mapping[str, Any], content: bytes) -> None:
    if head["kind"] == "progress":
        heard.progress = min(1.0, max(0.0, float(head["done"])))
    elif head["kind"] in ("page", "pictures"):
        heard.files[head["kind"]] = content
    elif head["kind"] == "result":
        heard.answer = JudgeAnswer(Document.model_validate_json(content), **heard.files)
    elif head["kind"] == "registered":
        heard.answer = Registered(None if head["error"] is None else str(head["error"]))
    elif head["kind"] == "take page":
        if head["language"] not in codes():  # it becomes part of a name in the storage
            raise ValueError("a page in no language of ours")
        heard.pages[head["language"]] = content
    elif head["kind"] == "take":
        heard.answer = TakeAnswered(TakeDocument.model_validate_json(content), heard.pages)
