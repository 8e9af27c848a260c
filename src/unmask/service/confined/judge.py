"""The process that decodes and judges one file: ``python -m unmask.service.confined.judge``.

A fresh one is started for every file, ahead of time: it confines itself (`unmask.sandbox`) and
loads what it needs. Only then it reads its task, one line, from standard input. It answers on
standard output with messages, each a line of JSON, followed by as many bytes as the line's
``bytes`` says; see `judging`, the other end of the pipe.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from unmask.sandbox.landlock import blind, see_only
from unmask.service.confined import tasks
from unmask.service.confined.launcher import enter
from unmask.service.confined.tasks import CheckTask, RegisterTask, TakeTask, Task

if TYPE_CHECKING:
    from unmask.media import Bounds
    from unmask.moments import Moment
    from unmask.take import Progress, TakeResult
    from unmask.types import CheckResult

NICE = 10
"""``nice`` value of this process: answers to people have priority over judging."""

EVERY = 0.25
"""Seconds between two messages of progress."""

PICTURES = 60
"""Most pictures of a take per second of the longest one, as in `unmask.media.HOURS`."""

SHARES = {
    "reading": (0.0, 0.0),
    "listening": (0.0, 0.2),
    "looking": (0.2, 0.5),
    "trying": (0.7, 0.2),
    "showing": (0.9, 0.1),
}
"""Where the bar of a take stands when a step begins, and the share of it that the step fills."""

Send = Callable[..., None]


def main() -> None:
    """Waits for one file, judges it, and ends."""
    send = _sender(enter())
    os.nice(NICE)
    blind(_warm)
    send("ready")
    line = sys.stdin.readline()
    if line:
        _do(tasks.read(line), send)
    os._exit(0)  # faster than cleaning up


def _do(task: Task, send: Send) -> None:
    register = [task.licences] if isinstance(task, CheckTask) and task.licences else []
    see_only([task.path, *register], [task.folder] if task.folder else [])
    if isinstance(task, CheckTask):
        _check(task, send)
    elif isinstance(task, TakeTask):
        _take(task, send)
    else:
        _register(task, send)


def _sender(out: BinaryIO) -> Send:
    def send(kind: str, content: bytes = b"", **values: Any) -> None:
        out.write(
            json.dumps({"kind": kind, "bytes": len(content), **values}).encode() + b"\n" + content
        )
        out.flush()

    return send


def _progress(send: Send) -> Callable[[str, float], None]:
    last = 0.0

    def tell(_what: str, done: float) -> None:
        nonlocal last
        if time.monotonic() - last > EVERY:
            last = time.monotonic()
            send("progress", done=round(done, 4))

    return tell


def _warm() -> None:
    """Loads libraries and networks in advance, while nobody waits for them."""
    import numpy as np

    from unmask import faces, models
    from unmask.evidence import chosen
    from unmask.report import document, html  # noqa: F401 - imported ahead
    from unmask.words import english
    from unmask.words.dates import moment

    chosen((), None)
    faces.find(np.zeros((64, 64, 3), np.uint8))
    models.session("learned")
    models.session("strong")
    html._environment()
    moment(english(), "2026-01-01T00:00:00+00:00")


def _check(task: CheckTask, send: Send) -> None:
    from dataclasses import replace

    from unmask import pipeline
    from unmask.media import open_media
    from unmask.report import html, pictures
    from unmask.report.document import Document
    from unmask.scenes import scenes

    licences = Path(task.licences) if task.licences else None
    settings = pipeline.Settings(originals=task.originals, licences=licences, **task.options)
    try:
        result = replace(pipeline.check(task.path, settings, _progress(send)), path=task.name)
    except Exception as error:
        result = _failed(task, error)
    if result.error is None:
        send(
            "page", html.page(result, scenes=scenes(open_media(task.path), result.people)).encode()
        )
        send("pictures", pictures.pack(result))
    send("result", Document.of(result).model_dump_json().encode())


def _register(task: RegisterTask, send: Send) -> None:
    from unmask import pipeline
    from unmask.originals import opened_store

    try:
        with opened_store(Path(task.folder), writing=True) as store:
            pipeline.register(task.path, store, task.title, task.owner, _progress(send))
    except Exception as error:
        send("registered", error=str(_failed(task, error).error))
    else:
        send("registered", error=None)


def _take(task: TakeTask, send: Send) -> None:
    from dataclasses import replace

    from unmask import inputs, words
    from unmask.media import Bounds
    from unmask.messages import Message
    from unmask.report import take_page
    from unmask.report.take import TakeDocument
    from unmask.take import TakeResult, TakeSettings, take

    settings, tell = TakeSettings(), _over_all(_progress(send))
    bounds = Bounds(frames=round(PICTURES * task.seconds), seconds=task.seconds)
    try:
        found = take(task.path, settings, tell, bounds)
    except Exception as error:
        found = TakeResult.failed(task.name, inputs.why(task.name, error, Message("way.operator")))
    else:
        shown = _moments(found, tell, bounds)
        parts = tuple(replace(one, path=task.name) for one in found.parts)
        found = replace(found, path=task.name, parts=parts)
        for code in words.codes():
            page = take_page.page(found, settings, shown, words.language(code))
            send("take page", page.encode(), language=code)
    send("take", TakeDocument.of(found).model_dump_json().encode())


def _moments(found: TakeResult, tell: Progress, bounds: Bounds) -> tuple[Moment, ...]:
    """Reads the pictures and sound of its findings; none where they cannot be read again."""
    from unmask.errors import MediaError
    from unmask.moments import moments

    try:
        return moments(found, progress=tell, bounds=bounds)
    except MediaError:
        return ()


def _over_all(tell: Progress) -> Progress:
    """Makes the progress of each step of a take that of the whole."""

    def over_all(step: str, done: float) -> None:
        start, share = SHARES[step]
        tell(step, start + share * done)

    return over_all


def _failed(task: CheckTask | RegisterTask, error: Exception) -> CheckResult:
    """Builds the result for a file that cannot be judged, under the name its uploader gave it."""
    from unmask import inputs
    from unmask.messages import Message

    return inputs.failed(task.name, error, Message("way.operator"))


if __name__ == "__main__":
    main()
